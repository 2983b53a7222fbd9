"""The page in a real browser, at the real server on the embedded cloud: a build watched, approved, distributed, launched.

What happens in the browser is in ui/e2e/life.spec.ts. With HALLMARK_PICTURES=DIR it leaves pictures of the pages."""

import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request

import world

UI_RUN = pathlib.Path(__file__).parent.parent.parent / "ui/scripts/run"
KEY, PASSWORD = "Web-1.0/Debian-12/1", "a page of one's own"
TARGETS = [{"account_id": world.HOME, "regions": ["us-east-1"]},
           {"account_id": world.FIRST, "regions": ["us-east-1", "us-east-2"]},
           {"account_id": world.SECOND, "regions": ["us-east-2"]}]
SCRIPT = ("#!/bin/sh\necho line 1 of the guest\nsleep 1.5\necho '<b>line 2</b>'\n"
          "dpkg --purge --force-all nano >/dev/null 2>&1\necho built-in > /etc/mark\n")
TEST = "#!/bin/sh\ngrep built-in /etc/mark && echo it is up\n"


class Page(world.LifeTest):
    def start_server(self):
        process = self.world.start("server", "start", "--listen", "127.0.0.1:0", "--json")
        line = process.stdout.readline()
        self.assertTrue(line, process.poll())
        return process, json.loads(line)["url"]

    def need(self):
        if shutil.which("chromium") is None and not os.environ.get("CHROMIUM"):
            self.skipTest("there is no chromium")

    def page_is_in(self, url):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return b"<script" in answer.read()
        except urllib.error.HTTPError:
            return False

    def test_from_build_to_machines(self):
        self.need()
        builder = self.world.run("token", "create", "builder", "--role", "builder", "--role", "operator").out.strip()
        password = self.world.directory / "password"
        password.write_text(PASSWORD + "\n")
        self.check(self.world.run("login", "create", "ada", "--role", "admin", "--password-file", str(password)), 0)
        pipeline = self.world.pipeline(
            product="Web-1.0", build={"mode": "offline"}, scripts={"post_update": {"inline": SCRIPT}},
            tests=[{"name": "boots", "script": {"inline": TEST}}], targets=TARGETS,
            catalog={"principals": ["user/ada"]})
        server, url = self.start_server()
        if not self.page_is_in(url):
            self.skipTest("the server was built without its page")
        bundle = self.world.directory / "evidence.tar"
        done = subprocess.run(
            [UI_RUN, "browser", "-"], timeout=world.LONGEST, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "HALLMARK_URL": url, "HALLMARK_USER": "ada", "HALLMARK_PASSWORD": PASSWORD,
                 "HALLMARK": world.HALLMARK, "HALLMARK_BUILDER": builder, "HALLMARK_LIFE_IMAGE": KEY,
                 "HALLMARK_LIFE_PIPELINE": pipeline, "HALLMARK_LIFE_BUNDLE": str(bundle),
                 # And our own copy in the second region, which the accounts there share.
                 "HALLMARK_LIFE_PLACES": str(sum(len(target["regions"]) for target in TARGETS) + 1),
                 "HALLMARK_LIFE_ACCOUNT": world.FIRST, "HALLMARK_LIFE_REGION": "us-east-2",
                 "HALLMARK_LIFE_HOME": f"--account {world.HOME} --region us-east-1"})
        server.terminate()
        answer = self.world.finish(server)
        self.assertEqual(done.returncode, 0, f"\n{answer}")
        self.check(answer, 0)
        self.check_bundle(bundle)

    def check_bundle(self, bundle):
        """What the browser wrote holds for the program."""
        with tarfile.open(bundle) as tar:
            tar.extractall(self.world.directory / "bundle")
            names = tar.getnames()
        top = sorted({name.split("/")[0] for name in names})
        key = next(name for name in names if name.endswith(".pub"))
        folder = next(name for name in top if not name.endswith(".pub"))
        at = self.world.directory / "bundle"
        self.check(self.world.run("image", "verify", str(at / folder), "--key", str(at / key)), 0)


if __name__ == "__main__":
    world.main()
