"""A Hallmark of one's own for a test: a state directory, the shared source image in it, and eyes for what is left."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

HALLMARK = os.environ["HALLMARK"]
# The source image that the fixture made (make_source.py), and where tests may write.
SOURCE = pathlib.Path(os.environ["HALLMARK_TEST_IMAGE"])
WORK = pathlib.Path(os.environ.get("HALLMARK_LIFE_WORK", tempfile.gettempdir()))
HOME, FIRST, SECOND = "100000000001", "111122223333", "444455556666"
# No command of these tests takes longer, on a busy machine and with sanitizers.
LONGEST = 420


def why_not_here():
    """Why builds cannot run on this machine, or None."""
    if os.geteuid() != 0:
        return "offline builds mount disks, which takes root"
    if not SOURCE.exists():
        return "there is no source image; see the test life.source"
    return None


class Answer:
    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        return f"hallmark {' '.join(self.arguments)}\nexit code {self.code}\n{self.out}{self.err}"


def eventually(what, condition, limit=60):
    """Waits for a condition and returns its value."""
    until = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"did not come about within {limit} s: {what}")
        time.sleep(0.05)


def processes_of(word):
    """Command lines that mention `word`, by process id."""
    found = {}
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in line:
                found[int(directory.name)] = line
    return found


class World:
    def __init__(self, directory=None):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="life-", dir=WORK))
        self.state = self.directory / "state"
        self.started = []

    def import_source(self):
        answer = self.run("source", "import", str(SOURCE), "--name", "base", "--json")
        assert answer.code == 0, answer
        self.source_id = json.loads(answer.out.splitlines()[-1])["image"]["image_id"]

    def arguments(self, *arguments):
        return [HALLMARK, *arguments, "--state", str(self.state)]

    def start(self, *arguments):
        earlier = set((self.state / "runs").glob("*"))
        process = subprocess.Popen(self.arguments(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, text=True, errors="replace")
        process.hallmark_arguments = arguments
        process.earlier_runs = earlier
        self.started.append(process)
        return process

    def finish(self, process):
        try:
            out, err = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"(killed by the test after {LONGEST} s)\n"
        return Answer(process.hallmark_arguments, process.returncode, out, err)

    def run(self, *arguments):
        return self.finish(self.start(*arguments))

    def record(self, *arguments):
        """What a command answers, as JSON."""
        answer = self.run(*arguments, "--json")
        assert answer.out, answer
        return json.loads(answer.out)

    def pipeline(self, version="1", name="golden.yaml", **parts):
        """Writes a pipeline file: the smallest that builds without network, and what `parts` add or replace."""
        content = {"product": "Life-1", "os": "Debian-12", "version": version, "source": {"name": "base"},
                   "updates": {"enabled": False}, "gate": {"max_pending_updates": "any"}}
        content.update(parts)
        path = self.directory / name
        # Every JSON document is a YAML document.
        path.write_text(json.dumps(content, indent=1))
        return str(path)

    def build(self, **parts):
        return self.run("image", "build", self.pipeline(**parts), "--requested-by", "builder")

    def runs(self):
        return self.record("run", "list")["runs"]

    def newest_run(self):
        return self.runs()[0]["run_id"]

    def log(self, run_id, step):
        return self.run("run", "log", run_id, step).out

    def wait_for_output(self, process, step, text):
        """Waits until a step of the run that the process began has printed `text`; returns the run's id."""
        log = f"{step.replace('/', '%2F')}.log"

        def printed():
            if process.poll() is not None:
                raise AssertionError(f"it ended too early: {self.finish(process)}")
            for path in (self.state / "runs").glob(f"*/{log}"):
                if path.parent not in process.earlier_runs and text in path.read_text(errors="replace"):
                    return path.parent.name
            return None

        return eventually(f"{step} prints {text}", printed)

    def database(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.state / "hallmark.db", timeout=10)) as connection:
            rows = connection.execute(statement, values).fetchall()
            connection.commit()
            return rows

    def image_files(self):
        return sorted(path.name for path in (self.state / "cloud/regions").glob("*/images/*.qcow2"))

    def leftovers(self, images):
        """What is left of builds that are over; `images` are those that should be there."""
        found = []
        found += [f"process {pid}: {line}" for pid, line in processes_of(str(self.state)).items()]
        found += [f"mount: {line}" for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
                  if f"{self.state}/" in line]
        loops = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=False).stdout
        found += [f"loop device: {line}" for line in loops.splitlines() if str(self.state) in line]
        found += [f"machine directory: {path}" for path in (self.state / "cloud/regions").glob("*/machines/*/")]
        surplus = set(self.image_files()) ^ {f"{image}.qcow2" for image in images}
        found += [f"image file, too many or missing: {name}" for name in sorted(surplus)]
        found += [f"temporary file: {path}" for path in (self.state / "tmp").glob("*")]
        # Quick looks first: what a process that ends leaves for a moment is no leftover.
        if found:
            return found
        found += [f"machine: {machine}" for machine in self.record("machine", "list")["machines"]]
        found += [f"orphan: {orphan}" for orphan in self.record("reaper", "find")["orphans"]]
        found += [f"ledger: {row}" for row in self.database("select * from ledger where state <> 'released'")]
        return found

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if not (self.state / "cloud/regions").exists():
            shutil.rmtree(self.directory, ignore_errors=True)
            return
        for machine in self.record("machine", "list")["machines"]:
            self.run("machine", "remove", machine["machine_id"], "--account", machine["account_id"], "--region",
                     machine["region"])
        # Only processes that work for this state directory, which nobody else uses.
        with contextlib.suppress(AssertionError):
            eventually("guards end", lambda: not processes_of(str(self.state)), 10)
        for pid in processes_of(str(self.state)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


class LifeTest(unittest.TestCase):
    """Tests of one class share a world, so that each shows what the one before it left."""

    maxDiff = None

    def setUp(self):
        began = time.monotonic()
        self.addCleanup(lambda: print(f"{time.monotonic() - began:6.1f} s ", end="", flush=True))

    @classmethod
    def setUpClass(cls):
        reason = why_not_here()
        if reason:
            raise unittest.SkipTest(reason)
        cls.world = World()
        cls.addClassCleanup(cls.world.end)
        cls.world.import_source()

    def check(self, answer, code, *patterns):
        """Exit code and message of an answer; and whatever went wrong, no sanitizer had to say anything."""
        self.assertEqual(answer.code, code, f"\n{answer}")
        for pattern in patterns:
            self.assertTrue(re.search(pattern, answer.err + answer.out), f"no {pattern!r} in\n{answer}")
        for bad in ("Sanitizer", "runtime error:", "a bug of Hallmark"):
            self.assertNotIn(bad, answer.err)
        return answer

    def check_nothing_left(self, *images):
        left = []

        def nothing():
            left[:] = self.world.leftovers([self.world.source_id, *images])
            return not left

        try:
            eventually("nothing is left", nothing, 20)
        except AssertionError:
            self.fail("left behind:\n  " + "\n  ".join(left))

    def newest_run_is(self, state):
        self.assertEqual(self.world.runs()[0]["state"], state)


def main():
    """Runs the tests; where they must run, a skipped one has failed."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if result.skipped:
        for test, reason in result.skipped:
            print(f"skipped {test}: {reason}")
        if "integration" in os.environ.get("HALLMARK_MUST_RUN", ""):
            raise SystemExit("skipped, but HALLMARK_MUST_RUN says that integration tests must run")
        if result.wasSuccessful():
            raise SystemExit(77)
    raise SystemExit(0 if result.wasSuccessful() else 1)
