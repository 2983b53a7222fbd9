"""Processes that are killed, interrupted or cancelled in mid-build, and those that take over from them.

The scripts wait for nobody: they take some seconds, which is longer than it takes to kill a process. The builds are
ended by their last script, before the candidate would be booted; whole builds are in life_test.py.
"""

import os
import signal
import time

import world

SLOW = "echo mark >> /root/marks; echo began; sleep 4; echo ended\n"
# A number that no other test and no earlier run sleeps.
HANG = f"sleep 86398.{os.getpid()}"
LAST = 'echo "marks: $(grep -c mark /root/marks)"; exit 4\n'


class Interruptions(world.LifeTest):
    def start_build(self, script=SLOW, **parts):
        """Starts a build and returns it and its run once its first script is at work."""
        path = self.world.pipeline(
            scripts={"pre_update": {"inline": "#!/bin/sh\n" + script}, "post_update": {"inline": "#!/bin/sh\n" + LAST}},
            **parts)
        process = self.world.start("image", "build", path, "--requested-by", "builder")
        return process, self.world.wait_for_output(process, "builder/pre-update", "began")

    def check_script_ran_once(self, run):
        self.assertEqual(self.world.log(run, "builder/pre-update").splitlines(), ["began", "ended"])
        self.assertEqual(self.world.log(run, "builder/post-update").strip(), "marks: 1")

    def tearDown(self):
        # A test that failed must not fail the next ones too.
        for run in self.world.runs():
            if run["state"] not in ("failed", "cancelled"):
                self.world.run("run", "cancel", run["run_id"])
        self.check_nothing_left()
        # The next build is of the same version.
        for run in self.world.runs():
            self.assertIn(run["state"], ("failed", "cancelled"))

    def test_next_process_takes_over_from_a_killed_one(self):
        process, run = self.start_build()
        process.kill()
        self.assertEqual(self.world.finish(process).code, -signal.SIGKILL)
        answer = self.world.run("run", "resume", run)
        self.check(answer, 1, r"post-update \(inline\) ended with exit code 4", "its last output: marks: 1")
        self.check_script_ran_once(run)
        self.newest_run_is("failed")

    def test_what_a_killed_process_left_is_found_later(self):
        process, run = self.start_build("echo mark >> /root/marks; echo began; echo ended\nsleep 1\n")
        process.kill()
        self.world.finish(process)
        # The script ends while no process of Hallmark but the guard lives.
        time.sleep(3)
        self.check(self.world.run("run", "drive"), 0)
        self.check_script_ran_once(run)
        self.newest_run_is("failed")

    def interrupted_build_goes_on(self, number):
        process, run = self.start_build()
        began = time.monotonic()
        process.send_signal(number)
        answer = self.world.finish(process)
        self.check(answer, 130, f"stopped; run {run} is kept as it is", f"hint: go on with: .*hallmark.* run resume {run}")
        self.assertLess(time.monotonic() - began, 4, "it waited for the script")
        self.newest_run_is("pending")
        answer = self.world.run("run", "resume", run)
        self.check(answer, 1, r"post-update \(inline\) ended with exit code 4", "its last output: marks: 1")
        self.check_script_ran_once(run)

    def test_interrupted_build_goes_on(self):
        self.interrupted_build_goes_on(signal.SIGINT)

    def test_terminated_build_goes_on(self):
        self.interrupted_build_goes_on(signal.SIGTERM)

    def test_another_process_cancels(self):
        process, run = self.start_build(f"echo began; {HANG}\n")
        self.check(self.world.run("run", "cancel", run), 0)
        self.check(self.world.finish(process), 130, "cancelled")
        self.newest_run_is("cancelled")
        self.assertEqual(world.processes_of(HANG), {})

    def test_cancel_after_a_kill(self):
        process, run = self.start_build(f"echo began; {HANG}\n")
        process.kill()
        self.world.finish(process)
        self.check(self.world.run("run", "cancel", run), 0)
        self.newest_run_is("cancelled")
        self.assertEqual(world.processes_of(HANG), {})

    def test_unknown_workflow_version_is_refused_and_kept(self):
        path = self.world.pipeline(scripts={"pre_update": {"inline": "#!/bin/sh\nexit 3\n"}})
        self.check(self.world.run("image", "build", path, "--detach"), 0)
        run = self.world.newest_run()
        ours = self.world.database("select workflow_version from runs where run_id = ?", run)[0][0]
        self.world.database("update runs set workflow_version = 4711 where run_id = ?", run)
        before = self.world.database("select * from runs where run_id = ?", run)
        answer = self.world.run("run", "resume", run)
        self.check(answer, 6, "4711", "version")
        self.check(self.world.run("run", "drive"), 0)
        self.assertEqual(self.world.database("select * from runs where run_id = ?", run), before)
        self.world.database("update runs set workflow_version = ? where run_id = ?", ours, run)
        self.check(self.world.run("run", "resume", run), 1, "ended with exit code 3")


class LostDatabase(world.LifeTest):
    def orphans_or_end(self):
        orphans = self.world.record("reaper", "find")["orphans"]
        left = self.world.record("machine", "list")["machines"]
        return (orphans, left) if orphans or not left else None

    def test_reaper_knows_machines_by_their_tags(self):
        path = self.world.pipeline(build={"deadline": "8s"},
                                   scripts={"pre_update": {"inline": f"#!/bin/sh\necho began; {HANG}\n"}})
        process = self.world.start("image", "build", path)
        self.world.wait_for_output(process, "builder/pre-update", "began")
        process.kill()
        self.world.finish(process)
        for name in os.listdir(self.world.state):
            if name.startswith("hallmark.db"):
                os.remove(self.world.state / name)

        machines = self.world.record("machine", "list")["machines"]
        self.assertEqual(len(machines), 1)
        # Somebody else's run may still be at it.
        self.assertEqual(self.world.record("reaper", "find")["orphans"], [])
        # At its deadline the machine also ends by itself; whoever comes first, nothing stays.
        orphans, _ = world.eventually("the deadline passes", self.orphans_or_end, 20)
        if orphans:
            self.assertEqual([(o["kind"], o["id"]) for o in orphans], [("machine", machines[0]["machine_id"])])
        self.check(self.world.run("reaper", "remove"), 0)
        world.eventually("the machine's work ends", lambda: not world.processes_of(HANG), 20)
        self.check_nothing_left()


if __name__ == "__main__":
    world.main()
