"""Scripts, packages and mirrors that fail: what people are told, and that nothing is left of it.

All builds are of the same version, so each shows that a failed version can be built again.
"""

import http.server
import os
import socket
import threading

import world


def script(text, **more):
    return {"inline": "#!/bin/sh\n" + text, **more}


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Scripts(world.LifeTest):
    def tearDown(self):
        self.check_nothing_left()

    def failing_build(self, code, *patterns, **parts):
        answer = self.world.build(**parts)
        self.check(answer, code, *patterns)
        self.newest_run_is("failed")

    def test_exit_code_is_told_with_the_last_words(self):
        self.failing_build(1, r"pre-update \(inline\) ended with exit code 3", "its last output: so long",
                           r"hint: .*hallmark run log run-\w+ builder/pre-update",
                           scripts={"pre_update": script("echo so long; exit 3\n")})

    def test_flood_is_cut_and_the_build_goes_on(self):
        flood = script("head -c 25000000 /dev/zero | tr '\\0' x | fold -w 1000; echo the end\n")
        self.failing_build(1, r"post-update \(inline\) ended with exit code 4",
                           scripts={"pre_update": flood, "post_update": script("exit 4\n")})
        run = self.world.newest_run()
        log = self.world.state / "runs" / run / "builder%2Fpre-update.log"
        self.assertLess(log.stat().st_size, 17 << 20)
        self.assertGreater(log.stat().st_size, 15 << 20)

    def test_hanging_script_ends_at_its_limit(self):
        hang = f"sleep 86397.{os.getpid()}"
        self.failing_build(8, r"pre-update \(inline\) did not finish within 2\.0s", "its last output: waiting",
                           scripts={"pre_update": script(f"echo waiting; {hang}\n", time_limit="2s")})
        self.assertEqual(world.processes_of(hang), {})

    def test_rebooting_script_does_not_reboot_the_host(self):
        # Whether it counts as failed or as "run me again" is the machine's affair; that the build says something
        # clear and that we still live is what matters.
        self.failing_build(1, r"pre-update \(inline\)",
                           scripts={"pre_update": script("reboot -f; systemctl reboot --force --force; exit 5\n")})

    def test_package_that_does_not_exist(self):
        self.failing_build(1, "package no-such-package of updates.include is not installed in the image",
                           updates={"include": ["no-such-package"]})

    def test_mirror_that_is_down(self):
        down = script(f"rm -f /etc/apt/sources.list.d/*\n"
                      f"echo deb http://127.0.0.1:{closed_port()}/debian bookworm main > /etc/apt/sources.list\n")
        self.failing_build(1, "the package lists could not be refreshed: is the mirror reachable",
                           scripts={"pre_update": down}, updates={"include": "all"})


class ScriptsThatCannotBeHad(world.LifeTest):
    """Found before anything is made: not even a run is recorded."""

    def tearDown(self):
        self.assertEqual(self.world.runs(), [])
        self.check_nothing_left()

    def test_missing_file(self):
        answer = self.world.build(scripts={"pre_update": "no-such-script.sh"})
        self.check(answer, 2, r"golden\.yaml:\d+:\d+", r"no-such-script\.sh")

    def test_url_not_found(self):
        class Nothing(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(404)

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Nothing)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/harden.sh"
        self.check(self.world.build(scripts={"post_update": url}), 4, url, "404")

    def test_url_that_refuses(self):
        url = f"http://127.0.0.1:{closed_port()}/harden.sh"
        self.check(self.world.build(scripts={"post_update": url}), 7, url, "(?i)refused|connect")


if __name__ == "__main__":
    world.main()
