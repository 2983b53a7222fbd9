#!/usr/bin/env python3
"""The real server on loopback: the same commands here and there, who may do what, bad input, events, its end."""

import concurrent.futures
import contextlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HALLMARK = os.environ["HALLMARK"]
MAKE_STATE = os.environ["MAKE_STATE"]
KEY = "Web-1.0/Debian-12/2"


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HALLMARK_")}
    return {**kept, "USER": "tester", **more}


class Server:
    """One state directory with built images, and a server on it."""

    listen = "127.0.0.1:0"

    def __init__(self, made: pathlib.Path | None = None, *options, database: str = ""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hallmark-server-"))
        self.state = self.directory / "state"
        self.everywhere = ["--state", str(self.state), *(["--db", database] if database else [])]
        if made:
            shutil.copytree(made, self.state)
        self.options = options
        self.token = self.local("token", "create", "tester", "--role", "admin").stdout.strip()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [HALLMARK, *self.everywhere, "--json", "server", "start", "--listen", self.listen,
             *self.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        self.url = json.loads(line)["url"]
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory)

    def local(self, *words):
        return subprocess.run([HALLMARK, *self.everywhere, *words], capture_output=True, text=True,
                              env=clean_environment(), cwd=self.directory, timeout=60)

    def remote(self, *words, token=None):
        return subprocess.run([HALLMARK, "--server", self.url, *words], capture_output=True, text=True,
                              env=clean_environment(HALLMARK_TOKEN=token or self.token, HALLMARK_STATE="/nowhere"),
                              cwd=self.directory, timeout=60)

    def make_token(self, name, *roles):
        words = [word for role in roles for word in ("--role", role)]
        return self.local("token", "create", name, *words).stdout.strip()

    def ask(self, method, path, body=None, token="", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = dict(headers or {})
        if token is not None:
            headers.setdefault("Authorization", "Bearer " + (token or self.token))
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer


class Case(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as directory:
            made = pathlib.Path(directory) / "made"
            subprocess.run([MAKE_STATE, made, pathlib.Path(directory) / "disk"], check=True)
            cls.server = Server(made, *cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()


class SameAnswers(Case):
    """A command answers the same at a server as it does here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slow = threading.Thread(target=cls.send_a_head_for_ever)
        cls.slow.start()

    @classmethod
    def send_a_head_for_ever(cls):
        """A byte now and then keeps no connection: a head has 20 seconds. Looked at while others test."""
        begun = time.monotonic()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", cls.server.port)) as line:
            line.settimeout(0.5)
            line.sendall(b"GET /healthz HTTP/1.1\r\n")
            while time.monotonic() - begun < 40:
                line.sendall(b"X: y\r\n")
                with contextlib.suppress(TimeoutError):
                    line.recv(100)
                    break
        cls.slow_for = time.monotonic() - begun

    def test_zz_a_slow_head_is_let_go(self):
        self.slow.join()
        self.assertGreater(self.slow_for, 15)
        self.assertLess(self.slow_for, 30)

    def both(self, *words):
        here, there = self.server.local(*words), self.server.remote(*words)
        prefix = f"hallmark --state {self.server.state}"
        for got, want in ((there.stdout, here.stdout), (there.stderr, here.stderr)):
            self.assertEqual(got.replace(f"hallmark --server {self.server.url}", "HALLMARK"),
                             want.replace(prefix, "HALLMARK"), words)
        self.assertEqual(there.returncode, here.returncode, (words, there.stderr))
        return there

    def test_reads(self):
        for words in (["image", "list"], ["image", "show", KEY],
                      ["image", "report", KEY], ["image", "report", KEY, "--why", "--all"],
                      ["image", "list", "--only", "failed"], ["image", "tree"], ["image", "ages"],
                      ["run", "list"], ["run", "list", "--only", "waiting", "--only", "failed", "--json"],
                      ["channel", "list"], ["parameter", "list"], ["token", "list", "--json"]):
            with self.subTest(words=words):
                self.both(*words)

    def test_errors_and_exit_codes(self):
        self.assertEqual(self.both("image", "show", "Web-1.0/Debian-12/77").returncode, 4)
        self.assertEqual(self.both("run", "show", "run-nothing", "--json").returncode, 4)
        self.assertEqual(self.both("image", "report", KEY, "--all").returncode, 2)
        self.both("schedule", "show", "nightly")

    def test_files_come_back(self):
        self.assertEqual(self.server.remote("image", "tree", "--svg", "tree.svg").returncode, 0)
        self.assertIn("<svg", (self.server.directory / "tree.svg").read_text())
        done = self.server.remote("image", "evidence", KEY, "-o", "bundle")
        self.assertEqual(done.returncode, 0, done.stderr)
        checked = self.server.local("image", "verify", "bundle", "--key", "bundle.pub")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertEqual(self.server.remote("audit", "export", "log.jsonl").stdout, "log.jsonl\n")
        self.assertEqual(self.server.local("audit", "verify", "log.jsonl").returncode, 0)

    def test_files_are_sent(self):
        self.assertEqual(self.server.local("key", "create", "ada.pem").returncode, 0)
        added = self.server.remote("user", "add", "ada", "--key", "ada.pem.pub", "--role", "security")
        self.assertEqual((added.returncode, added.stdout), (0, "ada\n"), added.stderr)
        self.assertIn("ada", self.both("user", "list").stdout)
        self.assertEqual(self.server.remote("user", "remove", "ada").returncode, 0)

    def test_local_commands_say_so(self):
        done = self.server.remote("disk", "ls", "disk.qcow2")
        self.assertEqual(done.returncode, 2)
        self.assertIn("this machine only", done.stderr)

    def test_streams(self):
        run_id = json.loads(self.server.local("run", "list", "--json").stdout)["runs"][0]["run_id"]
        self.both("run", "watch", run_id)
        here = self.server.local("run", "watch", run_id, "--json").stdout.splitlines()
        there = self.server.remote("run", "watch", run_id, "--json").stdout.splitlines()
        self.assertEqual(json.loads(here[-1]), json.loads(there[-1]))
        self.assertEqual(len(here), len(there))

    def test_a_pipeline_is_sent_with_its_scripts(self):
        directory = self.server.directory / "pipe"
        (directory / "scripts").mkdir(parents=True)
        (directory / "scripts/a.sh").write_text("true\n")
        (directory / "golden.yaml").write_text(
            "product: Web-9.0\nos: Debian-12\nversion: '1'\nsource: {image_id: ami-0123456789abcdef0}\n"
            "scripts: {pre_update: scripts/a.sh}\n")
        done = self.server.remote("image", "build", "pipe/golden.yaml", "--detach", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Web-9.0/Debian-12/1", done.stdout)
        shown = json.loads(self.server.remote("run", "list", "--json").stdout)["runs"]
        self.assertTrue(any(run["subject"] == "Web-9.0/Debian-12/1" for run in shown))


class Webhooks(unittest.TestCase):
    """Somebody else's program fires a trigger: signed, once for each event, whoever of two servers is told."""

    PATH = "/api/v1/triggers/ci"
    KEY = "a key that only we two know"

    def setUp(self):
        with tempfile.TemporaryDirectory() as directory:
            made = pathlib.Path(directory)
            (made / "ci.key").write_text(self.KEY + "\n")
            (made / "config.yaml").write_text(
                "triggers:\n  ci: {event: webhook, secret: 'file:ci.key', start: reassess}\n"
                "  other: {event: advisories, start: reassess}\n")
            self.server = Server(made)

    def tearDown(self):
        self.server.remove()

    def ask(self, body, path=PATH, key=KEY, at=0.0, headers=None):
        if headers is None:
            stamp = str(int(time.time() + at))
            signature = hmac.new(key.encode(), (stamp + "." + body).encode(), "sha256").hexdigest()
            headers = {"X-Hallmark-Timestamp": stamp, "X-Hallmark-Signature": "v1=" + signature}
        self.headers = headers
        return self.server.ask("POST", path, body, token=None, headers=headers)

    def test_fires_once(self):
        first = self.ask('{"event": "commit-1"}')
        self.assertEqual(first.status, 202, first.text)
        record = json.loads(first.text)
        self.assertEqual((record["event"], len(record["run_ids"])), ("commit-1", 1))
        replay = self.ask('{"event": "commit-1"}', headers=self.headers)
        self.assertEqual((replay.status, replay.getheader("Content-Type")), (409, "application/problem+json"))
        # Many at once, to two servers on one state: one firing, one run.
        process, port = self.server.process, self.server.port
        self.server.start()
        ports = [port, self.server.port]
        second = self.server.process

        def tell(number):
            connection = http.client.HTTPConnection("127.0.0.1", ports[number % 2], timeout=30)
            body, stamp = '{"event": "commit-2"}', str(int(time.time()) - number)
            signature = hmac.new(self.KEY.encode(), f"{stamp}.{body}".encode(), "sha256").hexdigest()
            connection.request("POST", self.PATH, body=body, headers={
                "X-Hallmark-Timestamp": stamp, "X-Hallmark-Signature": "v1=" + signature})
            status = connection.getresponse().status
            connection.close()
            return status

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(tell, range(8)))
        self.assertEqual(sorted(statuses), [200] * 7 + [202], statuses)
        for _ in range(300):
            firings = json.loads(self.server.local("trigger", "show", "ci", "--json").stdout)["trigger"]["firings"]
            if all(firing["state"] == "started" for firing in firings):
                break
            time.sleep(0.1)
        self.assertEqual([(f["event"], len(f["run_ids"])) for f in firings], [("commit-2", 1), ("commit-1", 1)])
        self.assertEqual(len(json.loads(self.server.local("run", "list", "--json").stdout)["runs"]), 2)
        self.assertEqual(self.server.local("audit", "list", "--json").stdout.count('"trigger.fired"'), 2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertIs(self.server.process, second)

    def test_what_is_not_signed_is_refused(self):
        for what in (self.ask("{}", key="another key"), self.ask("{}", at=-400), self.ask("{}", at=400),
                     self.ask("{}", headers={}), self.ask("{}", path="/api/v1/triggers/none"),
                     self.ask("{}", path="/api/v1/triggers/other"),
                     self.ask("{}", headers={"X-Hallmark-Timestamp": "1" * 40, "X-Hallmark-Signature": "v1="})):
            self.assertEqual(what.status, 401, what.text)
        self.assertEqual(self.ask("[]").status, 400)
        self.assertEqual(self.ask("x" * 70000).status, 413)
        self.assertEqual(self.server.ask("GET", self.PATH, token=None).status, 405)
        self.assertEqual(self.server.local("trigger", "pause", "ci").returncode, 0)
        self.assertEqual(self.ask("{}").status, 409)


class Rights(Case):
    """Who may do what: every route, asked by nobody, by each role, and by a role for another product."""

    def test_every_route(self):
        document = json.loads(self.server.ask("GET", "/api/v1/openapi.json", token=None).text)
        includes = {role: {"viewer", role} for role in ("viewer", "builder", "approver", "operator")}
        tokens = {role: self.server.make_token(role, role) for role in includes}
        tokens["other"] = self.server.make_token("other", *(f"{role}:Other-*" for role in includes))
        open_routes = {"/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/sign-in"}
        asked = 0
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if path in ("/api/v1/events", "/api/v1/session", "/api/v1/triggers/{name}"):
                    continue
                # So wrong a question changes nothing, whoever asks.
                target = path + ("?no_such_parameter=1" if method == "get" else "")
                body = {"no_such_parameter": 1} if method == "post" else None
                answer = self.server.ask(method.upper(), target, body, token=None)
                self.assertEqual(answer.status == 401, path not in open_routes, (path, answer.status))
                role = operation.get("x-hallmark-role")
                if role is None:
                    continue
                for name, token in tokens.items():
                    answer = self.server.ask(method.upper(), target, body, token=token)
                    may = role != "admin" if name == "other" else role in includes[name]
                    self.assertEqual(answer.status, 400 if may else 403, (path, name, answer.text))
                    asked += 1
        self.assertGreater(asked, 250)

    def test_products_are_apart(self):
        mine = self.server.make_token("mine", "viewer:Web-*", "operator:Web-*")
        other = self.server.make_token("others", "viewer:Other-*", "operator:Other-*")
        for token, status in ((mine, 200), (other, 403)):
            self.assertEqual(self.server.ask("GET", f"/api/v1/image/show?ref={KEY}", token=token).status, status)
            rows = json.loads(self.server.ask("GET", "/api/v1/image/list", token=token).text)["images"]
            self.assertEqual(len(rows) > 0, status == 200)
            runs = json.loads(self.server.ask("GET", "/api/v1/run/list", token=token).text)["runs"]
            self.assertEqual(len(runs) > 0, status == 200)
            self.assertEqual(self.server.ask("GET", "/api/v1/machine/list", token=token).status, 403)
            self.assertEqual(self.server.ask("GET", "/api/v1/image/show?ref=Nothing-1/X-1/1", token=token).status, 403)

    def test_nobody_acts_as_somebody_else(self):
        builder = self.server.make_token("bob", "builder")
        pipeline = {"name": "golden.yaml", "content": "product: W-1\nos: D-1\nversion: '1'\n"
                    "source: {image_id: ami-0123456789abcdef0}\n"}
        answer = self.server.ask("POST", "/api/v1/image/build",
                                 {"file": pipeline, "requested_by": "ada", "detach": True}, token=builder)
        self.assertEqual(answer.status, 403, answer.text)
        approver = self.server.make_token("eve", "approver")
        answer = self.server.ask("POST", "/api/v1/image/approve", {"ref": KEY, "as": "ada"}, token=approver)
        self.assertIn("without proof", answer.text)
        answer = self.server.ask("POST", "/api/v1/image/approve", {"ref": KEY, "key": "/etc/passwd"}, token=approver)
        self.assertEqual(answer.status, 400)

    def test_files_of_the_server_stay_there(self):
        for path in ("/etc/passwd", "../../../etc/passwd"):
            text = ("product: W-1\nos: D-1\nversion: '1'\nsource: {image_id: ami-0123456789abcdef0}\n"
                    f"scripts: {{pre_update: {path}}}\n")
            answer = self.server.ask("POST", "/api/v1/image/build",
                                     {"file": {"name": "golden.yaml", "content": text}, "detach": True})
            self.assertEqual(answer.status, 400, answer.text)
            self.assertIn("not beside this file", answer.text)
            answer = self.server.ask("POST", "/api/v1/image/build", {"file": {
                "name": "golden.yaml", "content": text, "files": [{"name": path, "content": "x"}]}})
            self.assertEqual(answer.status, 400, answer.text)

    def test_the_server_is_nobodys_way_into_its_network(self):
        asked = []
        inside = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(inside.close)
        threading.Thread(target=lambda: asked.append(inside.accept()), daemon=True).start()
        port = inside.getsockname()[1]
        builder = self.server.make_token("curious", "builder")
        for url in (f"http://127.0.0.1:{port}/x.sh", f"http://localhost:{port}/x.sh", f"http://[::ffff:127.0.0.1]:{port}/",
                    f"http://2130706433:{port}/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"):
            text = ("product: Inside-1\nos: D-1\nversion: '1'\nsource: {image_id: ami-0123456789abcdef0}\n"
                    f"scripts: {{pre_update: {{url: '{url}'}}}}\n")
            answer = self.server.ask("POST", "/api/v1/image/build",
                                     {"file": {"name": "golden.yaml", "content": text}, "detach": True}, token=builder)
            self.assertIn(answer.status, (400, 403), (url, answer.text))
            self.assertNotIn("root:", answer.text)
        self.assertEqual(asked, [])
        listed = json.loads(self.server.ask("GET", "/api/v1/run/list").text)["runs"]
        self.assertNotIn("Inside-1/D-1/1", [run["subject"] for run in listed])

    def test_tokens_end(self):
        token = self.server.make_token("short", "viewer")
        self.assertEqual(self.server.ask("GET", "/api/v1/me", token=token).status, 200)
        for forged in (token[:-1] + ("a" if token[-1] != "a" else "b"), token + "x", "hmk_", token.upper(), "x" * 500):
            self.assertEqual(self.server.ask("GET", "/api/v1/me", token=forged).status, 401)
        listed = json.loads(self.server.local("token", "list", "--json").stdout)["tokens"]
        token_id = next(each["token_id"] for each in listed if each["name"] == "short")
        self.assertEqual(self.server.remote("token", "remove", token_id).returncode, 0)
        self.assertEqual(self.server.ask("GET", "/api/v1/me", token=token).status, 401)
        database = (self.server.state / "hallmark.db").read_bytes()
        self.assertNotIn(self.server.token[-43:].encode(), database)

    def test_looks_are_in_the_audit_log(self):
        looker = self.server.make_token("looker", "viewer")
        self.server.ask("GET", f"/api/v1/image/report?ref={KEY}", token=looker)
        entries = json.loads(self.server.local("audit", "list", "--actor", "looker", "--json").stdout)["entries"]
        self.assertEqual([entry["subject"] for entry in entries], [KEY])


class BadInput(Case):
    def raw(self, text: bytes, wait=5.0) -> bytes:
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=wait) as line:
            line.sendall(text)
            got = b""
            while part := line.recv(65536):
                got += part
            return got

    def test_no_http(self):
        self.assertTrue(self.raw(b"\x16\x03\x01\x02\x00hello\r\n\r\n").startswith(b"HTTP/1.1 400"))
        self.assertTrue(self.raw(b"GET / HTTP/1.1\r\nX: " + b"a" * 40000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431"))
        self.assertTrue(self.raw(b"POST /api/v1/token/create HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
                        .startswith(b"HTTP/1.1 413"))
        self.assertTrue(self.raw(b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                        .startswith(b"HTTP/1.1 400"))

    def test_targets(self):
        for target in ("/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/image/show?ref=%ff%fe", "/a%00b",
                       "/%zz", "/a\\b", "/api/v1/../v1/me"):
            answer = self.server.ask("GET", target)
            self.assertIn(answer.status, (400, 404), target)
            self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")

    def test_bodies(self):
        for body in ("{", "[]", "nul", '{"name": 1, "role": {}}', '{"name": "\xff"}'.encode("latin-1"), "[" * 100000):
            answer = self.server.ask("POST", "/api/v1/token/create", body, headers={"Content-Type": "application/json"})
            self.assertEqual(answer.status, 400, answer.text)
            self.assertEqual(json.loads(answer.text)["kind"], "usage")
        self.assertEqual(self.server.ask("POST", "/api/v1/token/create", "name=x",
                                         headers={"Content-Type": "text/plain"}).status, 415)
        answer = self.server.ask("GET", "/api/v1/token/create")
        self.assertEqual((answer.status, answer.getheader("Allow")), (405, "POST"))

    def test_slow_clients_hold_nobody_up(self):
        lines = []
        for _ in range(200):
            line = socket.create_connection(("127.0.0.1", self.server.port))
            line.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            lines.append(line)
        begun = time.monotonic()
        self.assertEqual(self.server.ask("GET", "/healthz", token=None).status, 200)
        self.assertLess(time.monotonic() - begun, 5)
        for line in lines:
            line.close()

    def test_large_bodies(self):
        """64 KiB without credentials, as they come: a length may be missing or a lie."""
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        got = self.raw(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 2)
        self.assertTrue(got.startswith(b"HTTP/1.1 413"), got[:100])
        self.assertEqual(self.server.ask("GET", "/healthz", token=None).status, 200)

    def test_headers_that_are_no_text(self):
        for header in (b"Authorization: Bearer \xff\xfe\x00", b"Cookie: hallmark_session=\xff\xfe", b"Cookie: " + b"a;" * 4000,
                       b"Cookie: hallmark_sign_in=\xff.\xff.\xff", b"Last-Event-ID: \xff", b"Idempotency-Key: \xff\xff"):
            got = self.raw(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")
            self.assertIn(got[:12], (b"HTTP/1.1 400", b"HTTP/1.1 401"), (header[:50], got[:200]))

    def test_answers_guard_browsers(self):
        answer = self.server.ask("GET", "/api/v1/me")
        self.assertIn("default-src 'none'", answer.getheader("Content-Security-Policy"))
        self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")


class Events(Case):
    def test_etag(self):
        first = self.server.ask("GET", "/api/v1/image/list")
        again = self.server.ask("GET", "/api/v1/image/list", headers={"If-None-Match": first.getheader("ETag")})
        self.assertEqual((again.status, again.text), (304, ""))

    def test_pages(self):
        whole = json.loads(self.server.local("--json", "image", "list", "--all").stdout)["images"]
        self.assertGreater(len(whole), 1)
        path, seen = "/api/v1/image/list?all=true&limit=1", []
        while path:
            answer = self.server.ask("GET", path)
            self.assertEqual(answer.status, 200, answer.text)
            record = json.loads(answer.text)
            seen += record["images"]
            link = answer.getheader("Link")
            self.assertEqual(link is None, "next" not in record)
            path = link and link.removeprefix("<").removesuffix('>; rel="next"')
            self.assertTrue(not path or record["next"] in path)
        self.assertEqual(seen, whole)
        for wrong in ("limit=0", "limit=1001", "limit=x", "limit=1&after=x"):
            self.assertEqual(self.server.ask("GET", "/api/v1/image/list?" + wrong).status, 400, wrong)

    def test_every_list_has_pages(self):
        for path in ("image/list", "image/findings", "run/list", "notice/list", "audit/list"):
            answer = self.server.ask("GET", f"/api/v1/{path}?limit=1")
            self.assertEqual(answer.status, 200, (path, answer.text))
            rows = next(value for value in json.loads(answer.text).values() if isinstance(value, list))
            self.assertLessEqual(len(rows), 1, path)
        everything = self.server.local("--json", "audit", "list").stdout
        self.assertEqual(self.server.remote("--json", "audit", "list").stdout, everything)
        entries, after = [], ""
        while True:
            record = json.loads(self.server.ask("GET", "/api/v1/audit/list?limit=2" + after).text)
            entries += record["entries"]
            if "next" not in record:
                break
            after = "&after=" + record["next"]
        self.assertEqual(entries, json.loads(everything)["entries"])

    def test_filters(self):
        def images(query, token=""):
            return len(json.loads(self.server.ask("GET", "/api/v1/image/list?" + query, token=token).text)["images"])
        every = images("product=Web-*&os=Debian-12")
        self.assertGreater(every, 0)
        self.assertEqual(images("product=Web-1.0&product=Nothing-*"), every)
        self.assertEqual((images("product=web-*"), images("os=Debian")), (0, 0))
        other = self.server.make_token("other-pages", "viewer:Other-*")
        self.assertEqual((images("", other), images("product=Web-*", other)), (0, 0))
        # A cursor names a row: of none that is not theirs.
        answer = self.server.ask("GET", "/api/v1/run/list?product=*&limit=1", token=other)
        self.assertEqual(json.loads(answer.text), {"runs": []})
        twice = self.server.ask("GET", "/api/v1/image/list?only=active&only=active").text
        self.assertEqual(twice, self.server.ask("GET", "/api/v1/image/list?only=active").text)
        mine = self.server.make_token("my-pages", "viewer:Web-*", "builder:Other-1.0")
        self.assertEqual(images("limit=1", mine), 1)
        runs = json.loads(self.server.ask("GET", "/api/v1/run/list?limit=1", token=mine).text)
        self.assertEqual((len(runs["runs"]), "next" in runs), (1, True))

    def test_idempotency(self):
        key = {"Idempotency-Key": "once"}
        body = {"name": "ci", "role": ["viewer"]}
        first = self.server.ask("POST", "/api/v1/token/create", body, headers=key)
        again = self.server.ask("POST", "/api/v1/token/create", body, headers=key)
        self.assertEqual((first.status, first.text), (again.status, again.text))
        self.assertEqual(again.getheader("Idempotency-Replayed"), "true")
        listed = json.loads(self.server.ask("GET", "/api/v1/token/list").text)["tokens"]
        self.assertEqual(sum(token["name"] == "ci" for token in listed), 1)
        other = self.server.ask("POST", "/api/v1/token/create", {"name": "x", "role": ["viewer"]}, headers=key)
        self.assertEqual(other.status, 409)

    def open_stream(self, path, last=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        headers = {"Authorization": "Bearer " + self.server.token}
        if last:
            headers["Last-Event-ID"] = last
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def next_event(self, stream):
        event = {}
        while (line := stream.readline().decode().rstrip("\n")) or not event:
            name, _, value = line.partition(": ")
            if name:
                event[name] = value
        return event

    def test_news_of_runs(self):
        stream = self.open_stream("/api/v1/events")
        hello = self.next_event(stream)
        self.assertEqual(hello["event"], "hello")
        text = "product: N-1\nos: D-1\nversion: '1'\nsource: {image_id: ami-0123456789abcdef0}\n"
        started = self.server.ask("POST", "/api/v1/image/build",
                                  {"file": {"name": "golden.yaml", "content": text}})
        # There is no such source image: the server drove the run, and it failed.
        self.assertNotEqual(started.status, 200, started.text)
        seen = []
        while not seen or seen[-1].get("state") not in ("failed", "cancelled"):
            event = self.next_event(stream)
            if event["event"] == "run":
                seen.append(json.loads(event["data"]))
        again = self.open_stream("/api/v1/events", hello["id"])
        self.assertEqual(self.next_event(again)["event"], "hello")
        replayed = self.next_event(again)
        self.assertEqual(json.loads(replayed["data"])["run_id"], seen[0]["run_id"])
        reset = self.open_stream("/api/v1/events", "hub-other-17")
        self.assertEqual(self.next_event(reset)["event"], "reset")


class OthersRuns(Events):
    """This server drives nothing: what its page hears of is what a command in a terminal does."""

    options = ("--no-drive",)
    test_etag = test_idempotency = test_news_of_runs = None

    def test_news_of_what_others_drive(self):
        stream = self.open_stream("/api/v1/events")
        self.assertEqual(self.next_event(stream)["event"], "hello")
        time.sleep(1.2)  # so that it has looked once: what is there is no news
        pipeline = self.server.directory / "golden.yaml"
        pipeline.write_text("product: O-1\nos: D-1\nversion: '1'\nsource: {image_id: ami-0123456789abcdef0}\n")
        self.assertNotEqual(self.server.local("image", "build", str(pipeline)).returncode, 0)
        steps, states = set(), []
        while "failed" not in states:
            event = self.next_event(stream)
            data = json.loads(event["data"])
            if event["event"] == "step":
                steps.add(data["key"])
            elif event["event"] == "run" and data["subject"] == "O-1/D-1/1":
                states.append(data["state"])
        self.assertIn("reserve-version", steps)


class Logins(Case):
    PASSWORD = "correct horse battery"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.server.directory / "password").write_text(cls.PASSWORD + "\n")
        done = cls.server.remote("login", "create", "ada", "--role", "admin", "--password-file", "password")
        assert done.returncode == 0, done.stderr

    def log_in(self, password=PASSWORD, name="ada", headers=None):
        return self.server.ask("POST", "/api/v1/session", {"name": name, "password": password}, token=None,
                               headers=headers)

    def test_a_session_from_its_begin_to_its_end(self):
        answer = self.log_in()
        self.assertEqual(answer.status, 200, answer.text)
        cookie = answer.getheader("Set-Cookie")
        for attribute in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(attribute, cookie)
        session = {"Cookie": cookie.split(";")[0]}
        csrf = json.loads(answer.text)["csrf"]
        self.assertEqual(self.server.ask("GET", "/api/v1/image/list", token=None, headers=session).status, 200)
        body = {"name": "from-page", "role": ["viewer"]}
        for wrong in ({}, {"X-CSRF-Token": "x" * len(csrf)}):
            answer = self.server.ask("POST", "/api/v1/token/create", body, token=None, headers={**session, **wrong})
            self.assertEqual(answer.status, 403)
        session["X-CSRF-Token"] = csrf
        self.assertEqual(self.server.ask("POST", "/api/v1/token/create", body, token=None, headers=session).status, 200)
        forged = {"Cookie": session["Cookie"][:-2] + "xy"}
        self.assertEqual(self.server.ask("GET", "/api/v1/me", token=None, headers=forged).status, 401)
        self.assertEqual(self.server.ask("DELETE", "/api/v1/session", token=None, headers=session).status, 200)
        self.assertEqual(self.server.ask("GET", "/api/v1/me", token=None, headers=session).status, 401)
        self.assertNotIn(self.PASSWORD.encode(), (self.server.state / "hallmark.db").read_bytes())

    def test_a_session_proves_a_decision_where_the_pipeline_says_so_only(self):
        done = self.server.local("key", "create", "bob.pem")
        assert done.returncode == 0, done.stderr
        done = self.server.local("user", "add", "bob", "--key", "bob.pem.pub")
        assert done.returncode == 0, done.stderr
        with contextlib.closing(sqlite3.connect(self.server.state / "hallmark.db")) as database, database:
            database.execute("update golden_images set state = 'awaiting_approval' where image_key = ?", (KEY,))
            database.execute("delete from decisions")
        (self.server.directory / "password").write_text(self.PASSWORD + "\n")
        done = self.server.remote("login", "create", "eve", "--role", "approver", "--password-file", "password")
        assert done.returncode == 0, done.stderr
        answer = self.log_in(name="eve")
        session = {"Cookie": answer.getheader("Set-Cookie").split(";")[0],
                   "X-CSRF-Token": json.loads(answer.text)["csrf"]}
        answer = self.server.ask("POST", "/api/v1/image/approve", {"ref": KEY}, token=None, headers=session)
        self.assertEqual(answer.status, 403, answer.text)
        self.assertIn("proved by the session only", answer.text)
        self.assertIn("approval.proofs", json.loads(answer.text)["hint"])
        forged = {"kind": "session", "id": "1", "name": "eve"}
        answer = self.server.ask("POST", "/api/v1/image/approve", {"ref": KEY, "proof": json.dumps(forged)}, token=None,
                                 headers=session)
        self.assertEqual(answer.status, 403, answer.text)
        self.assertIn("second hand", answer.text)

    def test_a_key_decides_at_a_server_and_stays_here(self):
        for name in ("carl", "other"):
            done = self.server.local("key", "create", f"{name}.pem")
            self.assertEqual(done.returncode, 0, done.stderr)
        done = self.server.local("user", "add", "carl", "--key", "carl.pem.pub")
        self.assertEqual(done.returncode, 0, done.stderr)
        older = "Web-1.0/Debian-12/1"
        with contextlib.closing(sqlite3.connect(self.server.state / "hallmark.db")) as database, database:
            database.execute("update golden_images set state = 'awaiting_approval' where image_key = ?", (older,))
            database.execute("delete from decisions")
        token = self.server.make_token("desk", "approver")  # whoever sends it: the proof is carl's
        words = ["image", "approve", older, "--as", "carl", "--comment", "looked at it"]
        for wrong in (["--key", "other.pem"], []):
            done = self.server.remote(*words, *wrong, token=token)
            self.assertIn("denied", self.server.remote(*words, *wrong, "--json", token=token).stderr + done.stderr)
            self.assertNotEqual(done.returncode, 0)
        self.server.remote(*words, "--key", "carl.pem", token=token)
        listed = json.loads(self.server.local("audit", "list", "--actor", "carl", "--json").stdout)["entries"]
        self.assertIn("decision.approve", [entry["action"] for entry in listed])
        key = (self.server.directory / "carl.pem").read_text().splitlines()[1].encode()
        for file in (path for path in self.server.state.rglob("*") if path.is_file()):
            self.assertNotIn(key, file.read_bytes(), file)

    def test_other_sites_log_nobody_in(self):
        answer = self.log_in(headers={"Origin": "https://evil.example"})
        self.assertEqual(answer.status, 403)
        answer = self.server.ask("POST", "/api/v1/session", "name=ada", token=None,
                                 headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 400)

    def test_z_guessing_is_slowed_down(self):
        statuses = [self.log_in("wrong password " + str(i), name="bob").status for i in range(7)]
        self.assertEqual(statuses[0], 401)
        self.assertEqual(statuses[-1], 429)

    def test_metrics(self):
        text = self.server.ask("GET", "/metrics").text
        for name in ("hallmark_runs{state=", "hallmark_queue_age_seconds", "hallmark_findings", "hallmark_step_seconds_count",
                     "hallmark_oldest_finding_seconds", "hallmark_event_streams 0"):
            self.assertIn(name, text)


class Tls(unittest.TestCase):
    def test_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", f"{directory}/key.pem", "-out", f"{directory}/cert.pem", "-days", "2", "-subj",
                            "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
            server = Server(None, "--tls-cert", f"{directory}/cert.pem", "--tls-key", f"{directory}/key.pem")
            try:
                self.assertTrue(server.url.startswith("https://"))
                self.assertEqual(server.remote("image", "list").returncode, 5)  # a certificate that nobody trusts
                trusting = clean_environment(HALLMARK_TOKEN=server.token, HALLMARK_CA_FILE=f"{directory}/cert.pem")
                done = subprocess.run([HALLMARK, "--server", server.url, "image", "list", "--json"], env=trusting,
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, json.loads(done.stdout)), (0, {"images": []}), done.stderr)
            finally:
                server.remove()


class Life(Case):
    def test_ends_cleanly_and_begins_again(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + self.server.token})
        stream = connection.getresponse()
        code, out, err = self.server.stop()
        self.assertEqual(code, 0, err)
        self.assertIn('"result"', out)
        stream.read()  # it ended as a stream does
        self.server.start()
        self.assertEqual(self.server.ask("GET", "/api/v1/me").status, 200)

    def test_the_page_is_there_with_all_that_it_loads(self):
        page = self.server.ask("GET", "/", token=None)
        if page.status == 404:
            self.skipTest("the server was built without its page")
        wanted = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        self.assertTrue(any(path.endswith(".js") for path in wanted), page.text)
        for path in wanted:
            self.assertEqual(self.server.ask("GET", path, token=None).status, 200, path)

    def test_ready(self):
        self.assertEqual(self.server.ask("GET", "/readyz", token=None).text, "ready\n")
        self.assertEqual(self.server.ask("GET", "/healthz", token=None).text, "ok\n")

    def test_refuses_to_listen_openly_without_tls(self):
        done = self.server.local("server", "start", "--listen", "0.0.0.0:0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no TLS", done.stderr)


class Outage(unittest.TestCase):
    """The database goes away under the server, and comes back."""

    def postgresql(self, verb):
        script = pathlib.Path(__file__).parent.parent / "postgresql/server.py"
        return subprocess.run([sys.executable, script, verb, self.home], check=verb != "start").returncode

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hallmark-outage-")
        self.addCleanup(directory.cleanup)
        self.home = pathlib.Path(directory.name) / "postgresql"
        if self.postgresql("start") == 77:
            sys.exit(77)
        self.addCleanup(self.postgresql, "stop")
        self.server = Server(database=(self.home / "url").read_text().strip())
        self.addCleanup(self.server.remove)

    def test_says_so_and_recovers(self):
        ask = lambda: self.server.ask("GET", "/api/v1/image/list")
        self.assertEqual(ask().status, 200)
        self.postgresql("down")
        # More at once than there are threads that look: none of them waits for another's patience for long.
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = [each.result() for each in [pool.submit(ask) for _ in range(24)]]
        self.assertLess(time.monotonic() - began, 20)
        for answer in answers:
            self.assertEqual(answer.status, 503, answer.text)
            self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
            self.assertEqual(answer.getheader("Retry-After"), "5")
            self.assertEqual(json.loads(answer.text)["kind"], "unavailable")
        self.assertEqual(self.server.ask("GET", "/readyz", token=None).status, 503)
        self.assertEqual(self.server.ask("GET", "/healthz", token=None).status, 200, "it lives all the same")
        write = self.server.ask("POST", "/api/v1/token/create", {"name": "late", "role": ["viewer"]})
        self.assertEqual(write.status, 503, write.text)

        self.postgresql("up")
        self.assertEqual(ask().status, 200)
        self.assertEqual(self.server.ask("GET", "/readyz", token=None).status, 200)
        write = self.server.ask("POST", "/api/v1/token/create", {"name": "late", "role": ["viewer"]})
        self.assertEqual(write.status, 200, write.text)
        self.assertEqual(self.server.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
