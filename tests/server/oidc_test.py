#!/usr/bin/env python3
"""Signing in at the page with a real OpenID provider, and with what no provider should send."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest
import urllib.parse

import server_test

PROVIDER = pathlib.Path(os.environ["OIDC_PROVIDER"])
HERE = pathlib.Path(__file__).resolve().parent
CALLBACK = "/api/v1/sign-in/callback"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Browser:
    """As much of one as it takes: cookies by host and port, no redirects."""

    def __init__(self):
        self.cookies = {}

    def ask(self, method, url, fields=None):
        parts = urllib.parse.urlsplit(url)
        mine = self.cookies.setdefault(parts.netloc, {})
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in mine.items())} if mine else {}
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, value = cookie.split(";")[0].split("=", 1)
            mine.pop(name, None)
            if value and "Max-Age=0" not in cookie:
                mine[name] = value
        answer.place = urllib.parse.urljoin(url, answer.getheader("Location") or "")
        return answer


class Oidc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.provider_port, port = free_port(), free_port()
        cls.issuer = f"http://127.0.0.1:{cls.provider_port}"
        cls.site = f"http://127.0.0.1:{port}"

        class Server(server_test.Server):
            listen = f"127.0.0.1:{port}"

            def start(self):
                (self.state / "config.yaml").write_text(
                    f"server:\n  url: {cls.site}\n  oidc:\n    issuer: {cls.issuer}\n    name: Example\n"
                    "    client_id: hallmark\n    client_secret: file:oidc-secret\n"
                    "    roles: {web-approvers: ['approver:Web-*', viewer]}\n")
                (self.state / "oidc-secret").write_text("a secret: of %the client\n")
                super().start()

        cls.server = Server()
        cls.provider = None

    @classmethod
    def tearDownClass(cls):
        cls.end_provider()
        cls.server.remove()

    @classmethod
    def begin_provider(cls):
        if cls.provider:
            return
        cls.provider = subprocess.Popen(
            ["node", HERE / "oidc_provider.mjs", str(cls.provider_port), cls.site + CALLBACK],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = cls.provider.stdout.readline().strip()
        assert line == cls.issuer, line

    @classmethod
    def end_provider(cls):
        if cls.provider:
            cls.provider.stdin.close()
            cls.provider.stdout.close()
            cls.provider.wait(10)
            cls.provider = None

    def setUp(self):
        if not self._testMethodName.startswith("test_0_"):
            self.begin_provider()

    def tell(self, *words):
        self.assertEqual(Browser().ask("POST", "/".join([self.issuer, "_test", *words])).text, "done")

    def at_provider(self, browser, who="ada"):
        """Begins, and types a name at the provider. Gives the address that leads back."""
        answer = browser.ask("GET", self.site + "/api/v1/sign-in/begin")
        self.assertEqual(answer.status, 303, answer.text)
        for _ in range(10):
            if answer.place.startswith(self.site):
                return answer.place
            answer = browser.ask("GET", answer.place)
            if answer.status == 200:
                form = re.search(r'action="([^"]+)"', answer.text)
                self.assertTrue(form, answer.text)
                answer = browser.ask("POST", form[1], {"prompt": "login", "login": who, "password": "any"})
        self.fail(f"the provider never sends back: {answer.status} {answer.place}")

    def refused(self, back, browser, *words, status=403):
        answer = browser.ask("GET", back)
        self.assertEqual(answer.status, status, answer.text)
        self.assertIn("Content-Security-Policy", answer.headers)
        for word in words:
            self.assertIn(word, answer.text)
        self.assertNotIn("hallmark_session", browser.cookies[urllib.parse.urlsplit(self.site).netloc])

    def session(self, browser):
        answer = browser.ask("GET", self.site + "/api/v1/session")
        self.assertEqual(answer.status, 200, answer.text)
        return json.loads(answer.text)

    def test_0_without_the_provider_it_says_so(self):
        answer = Browser().ask("GET", self.site + "/api/v1/sign-in")
        self.assertEqual(json.loads(answer.text), {"name": "Example"})
        answer = Browser().ask("GET", self.site + "/api/v1/sign-in/begin")
        self.assertEqual(answer.status, 503, answer.text)
        self.assertIn("Example cannot be asked who signs in", answer.text)

    def test_signs_in(self):
        browser = Browser()
        back = self.at_provider(browser)
        answer = browser.ask("GET", back)
        self.assertEqual((answer.status, answer.place), (303, self.site + "/"), answer.text)
        for cookie in answer.headers.get_all("Set-Cookie"):
            self.assertIn("HttpOnly", cookie)
        session = self.session(browser)
        self.assertEqual(session["name"], "ada@example.com")
        self.assertEqual(session["rights"], [{"role": "approver", "product": "Web-*"},
                                             {"role": "viewer", "product": "*"}])
        entries = json.loads(self.server.local("audit", "list", "--actor", "ada@example.com", "--json").stdout)["entries"]
        self.assertIn("session.began", [entry["action"] for entry in entries])
        # The same answer again: the question is answered, and the provider takes no code twice.
        self.refused(back, browser_with(browser, ()), "has not begun to sign in")
        # No password fits who comes from a provider.
        answer = self.server.ask("POST", "/api/v1/session", {"name": "ada@example.com", "password": "none"}, token=None)
        self.assertEqual(answer.status, 401)

    def test_a_code_counts_once(self):
        browser = Browser()
        back = self.at_provider(browser)
        thief = browser_with(browser, ("hallmark_sign_in",))
        self.assertEqual(browser.ask("GET", back).status, 303)
        self.refused(back, thief, "did not take the code", "invalid_grant")

    def test_answers_to_other_questions(self):
        browser = Browser()
        back = self.at_provider(browser)
        other = Browser()
        self.at_provider(other)
        self.refused(back, other, "another question (state)")
        self.refused(back.replace("code=", "code=x"), browser_with(browser, ("hallmark_sign_in",)), "did not take the code")
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["state"][0]
        self.refused(f"{self.site}{CALLBACK}?state={state}&error=%3Cscript%3E", browser, "&lt;script&gt;")
        self.refused(f"{self.site}{CALLBACK}?state={state}&code=x&iss=https://evil.example", browser, "(iss)")
        self.refused(f"{self.site}{CALLBACK}?state={state}", browser, "no code")
        self.refused(f"{self.site}{CALLBACK}?code=x", browser_with(browser, ()), "has not begun")

    def test_tokens_that_no_provider_should_send(self):
        try:
            for how, word in (("none", "not signed"), ("nonce", "(nonce)"), ("audience", "(aud)"),
                              ("issuer", "another issuer"), ("expired", "expired"), ("signature", "none of the provider")):
                with self.subTest(how=how):
                    browser = Browser()
                    back = self.at_provider(browser)
                    self.tell("spoil", how)
                    self.refused(back, browser, word)
                    self.tell("spoil", "")
        finally:
            self.tell("spoil", "")

    def test_who_has_no_role(self):
        browser = Browser()
        self.refused(self.at_provider(browser, "bob"), browser, "bob@example.com may do nothing here")
        browser = Browser()
        self.refused(self.at_provider(browser, "liar"), browser, "has not verified")
        entries = json.loads(self.server.local("audit", "list", "--actor", "bob@example.com", "--json").stdout)["entries"]
        self.assertEqual([entry["action"] for entry in entries], ["session.refused"])

    def test_takes_nobody_elses_name(self):
        (self.server.directory / "password").write_text("correct horse battery\n")
        browser = Browser()
        back = self.at_provider(browser)
        self.server.local("login", "remove", "ada@example.com")
        done = self.server.local("login", "create", "ada@example.com", "--role", "admin", "--password-file", "password")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refused(back, browser, "with a password")
        self.assertEqual(self.server.local("login", "remove", "ada@example.com").returncode, 0)
        browser = Browser()
        self.assertEqual(browser.ask("GET", self.at_provider(browser)).status, 303)
        second = Browser()
        self.refused(self.at_provider(second, "ada+2"), second, "somebody else")

    def test_z_new_keys(self):
        for _ in range(2):  # RS256 to ES256, and back
            self.tell("rotate")
            browser = Browser()
            self.assertEqual(browser.ask("GET", self.at_provider(browser)).status, 303)
            self.assertEqual(self.session(browser)["name"], "ada@example.com")

    def test_zz_the_provider_goes_in_between(self):
        browser = Browser()
        back = self.at_provider(browser)
        self.end_provider()
        self.refused(back, browser, "Example cannot be asked", status=503)
        # Who is signed in stays so, and everything else goes on.
        self.assertEqual(self.server.ask("GET", "/readyz", token=None).status, 200)


def browser_with(browser, kept):
    """Another one, with those cookies only."""
    other = Browser()
    for host, cookies in browser.cookies.items():
        other.cookies[host] = {name: value for name, value in cookies.items() if name in kept}
    return other


if __name__ == "__main__":
    if not shutil.which("node") or not (PROVIDER / "node_modules/oidc-provider").exists():
        print("skipped: there is no OpenID provider; scripts/peers fetches one")
        sys.exit(77)
    unittest.main()
