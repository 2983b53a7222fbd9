#!/usr/bin/env python3
"""Notices from the program to a real SMTP server and a webhook on loopback."""

import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult
except ImportError:
    print("aiosmtpd is not installed (scripts/setup)")
    sys.exit(77)

HALLMARK = os.environ["HALLMARK"]
MAKE_STATE = os.environ["MAKE_STATE"]
PASSWORD = "correct-horse-battery"
WEBHOOK_SECRET = "staple-staple-staple"


class Inbox:
    """What a mail server was given; the first `busy` are asked to come back."""

    def __init__(self, busy=0):
        self.mails, self.busy, self.refuses = [], busy, False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuses:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.busy > 0:
            self.busy -= 1
            return "451 4.3.0 later"
        self.mails.append((session.ssl is not None, envelope.mail_from, envelope.rcpt_tos,
                           email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


class MailServer(Controller):
    def _trigger_server(self):
        # It asks for a first connection at the port that it was given, which is any.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def authenticate(server, session, envelope, mechanism, data):
    # Not handled: the server is to say no itself.
    return AuthResult(success=data.login == b"hallmark" and data.password == PASSWORD.encode(), handled=False)


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Notices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="hallmark-notify-"))
        cls.state = cls.directory / "state"
        subprocess.run([MAKE_STATE, cls.state, cls.directory / "disk"], check=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", cls.directory / "key.pem", "-out", cls.state / "ca.pem", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(cls.state / "ca.pem", cls.directory / "key.pem")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.directory)

    def setUp(self):
        self.inbox = Inbox()
        self.smtp = MailServer(self.inbox, hostname="127.0.0.1", port=0, tls_context=self.context,
                               require_starttls=True, authenticator=authenticate, auth_required=True)
        self.smtp.start()
        self.addCleanup(self.smtp.stop)
        self.hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.hook.got = []
        threading.Thread(target=self.hook.serve_forever, daemon=True).start()
        self.addCleanup(self.hook.server_close)
        self.addCleanup(self.hook.shutdown)
        (self.state / "config.yaml").unlink(missing_ok=True)
        database = sqlite3.connect(self.state / "hallmark.db")
        with database:
            database.execute("delete from deliveries")
            database.execute("delete from receivers")
        database.close()

    @property
    def smtp_port(self):
        return self.smtp.server.sockets[0].getsockname()[1]

    def hallmark(self, *words, **more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HALLMARK_")}
        environment |= {"USER": "ada", "SMTP_PASSWORD": PASSWORD, "HOOK_SECRET": WEBHOOK_SECRET, **more}
        return subprocess.run([HALLMARK, "--state", self.state, *words], capture_output=True, text=True, timeout=60,
                              env=environment)

    def configure(self, receivers):
        config = {"server": {"url": "https://hallmark.example.com"}, "notices": receivers}
        (self.state / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
        database = sqlite3.connect(self.state / "hallmark.db")
        with database:  # as if they had been there from the beginning
            for name in receivers:
                database.execute("insert into receivers (name, sequence) values (?, 0)", [name])
        database.close()

    def mail_to(self, **more):
        return {"kind": "email", "smtp": f"localhost:{self.smtp_port}", "ca_file": "ca.pem", "username": "hallmark",
                "password": "env:SMTP_PASSWORD", "from": "hallmark@example.com",
                "to": ["ada@example.com", "bob@example.com"], **more}

    def undelivered(self):
        return json.loads(self.hallmark("notice", "list", "--undelivered", "--json").stdout)["notices"]

    def test_an_approvers_mail_arrives_by_starttls_with_its_report(self):
        self.configure({"approvers": self.mail_to(events=["image.awaiting_approval"], products=["Web-*"])})
        sent = self.hallmark("notice", "send")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(len(self.inbox.mails), 2)
        encrypted, sender, recipients, mail = self.inbox.mails[-1]
        self.assertTrue(encrypted)
        self.assertEqual(sender, "hallmark@example.com")
        self.assertEqual(recipients, ["ada@example.com", "bob@example.com"])
        self.assertEqual(mail["Subject"], "[Hallmark] Web-1.0/Debian-12/2 waits for approval")
        self.assertFalse(mail.defects)
        text = mail.get_body(("plain",)).get_content()
        self.assertIn("https://hallmark.example.com/#/approvals/Web-1.0/Debian-12/2", text)
        self.assertIn("compared with: Web-1.0/Debian-12/1", text)
        self.assertIn("CVE-2026-1000", text, "which is fixed")
        html = mail.get_body(("html",)).get_content()
        self.assertIn("/#/approvals/Web-1.0/Debian-12/2", html)
        report, = mail.iter_attachments()
        self.assertEqual(report.get_filename(), "report.html")
        self.assertIn("CVE-2026-2000", report.get_content())
        # Nothing is sent twice.
        self.assertEqual(self.hallmark("notice", "send").stdout, "0 delivered\n")
        self.assertEqual(len({mail["Message-ID"] for *_, mail in self.inbox.mails}), 2)

    def test_what_the_server_says_decides_whether_it_is_tried_again(self):
        self.inbox.busy = 1
        self.configure({"approvers": self.mail_to(events=["image.awaiting_approval"])})
        sent = self.hallmark("notice", "send")
        self.assertNotEqual(sent.returncode, 0)
        self.assertIn("1 to be tried again", sent.stdout)
        self.assertEqual({each["state"] for each in self.undelivered()}, {"waiting"})
        self.inbox.refuses = True
        database = sqlite3.connect(self.state / "hallmark.db")
        with database:
            database.execute("update deliveries set next_at = ''")
        database.close()
        self.assertIn("2 given up", self.hallmark("notice", "send").stdout)
        self.assertIn("550", self.undelivered()[0]["error"])
        self.inbox.refuses = False
        self.assertIn("2 deliveries", self.hallmark("notice", "retry").stdout)
        self.assertEqual(self.hallmark("notice", "send").stdout, "2 delivered\n")

    def test_no_mail_without_tls_that_holds_and_the_right_password(self):
        for wrong, why in (({"ca_file": None}, "certificate"), ({"password": "env:WRONG"}, "login|denied|535")):
            with self.subTest(wrong=wrong):
                self.setUp()
                receiver = {key: value for key, value in (self.mail_to(events=["image.active"]) | wrong).items() if value}
                self.configure({"approvers": receiver})
                self.hallmark("notice", "send", WRONG="not-the-password")
                self.assertFalse(self.inbox.mails)
                errors = " ".join(each["error"] for each in self.undelivered())
                self.assertRegex(errors.lower(), why)
                self.assertNotIn("not-the-password", errors)
        kept = b"".join(path.read_bytes() for path in self.state.glob("hallmark.*"))
        for secret in (PASSWORD, "not-the-password", WEBHOOK_SECRET):
            self.assertNotIn(secret.encode(), kept)

    def test_a_webhook_is_signed_and_private_only_if_allowed(self):
        url = f"http://127.0.0.1:{self.hook.server_port}/hook"
        hook = {"kind": "webhook", "url": url, "secret": "env:HOOK_SECRET", "events": ["image.active"]}
        self.configure({"ci": hook})
        refused = self.hallmark("notice", "send")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("allow_private", refused.stderr)
        (self.state / "config.yaml").write_text(json.dumps({"notices": {"ci": hook | {"allow_private": True}}}))
        self.assertEqual(self.hallmark("notice", "send").returncode, 0)
        self.assertEqual(len(self.hook.got), 2)
        headers, body = self.hook.got[0]
        signed = headers["X-Hallmark-Timestamp"].encode() + b"." + body
        self.assertEqual(headers["X-Hallmark-Signature"],
                         "v1=" + hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest())
        self.assertLess(abs(time.time() - int(headers["X-Hallmark-Timestamp"])), 60)
        self.assertEqual(json.loads(body)["events"][0]["kind"], "image.active")

    def test_config_that_does_not_fit_is_refused_with_the_receivers_name(self):
        for receiver, why in (({"kind": "webhook"}, "url"), ({"kind": "sns", "topic": "arn:aws:sns:r:1:t", "to": ["a@b.c"]}, "to"),
                              (self.mail_to(to=["a@example.com\r\nBcc: x@example.com"]), "address"),
                              (self.mail_to(tls="none"), "TLS")):
            (self.state / "config.yaml").write_text(json.dumps({"notices": {"some": receiver}}))
            refused = self.hallmark("notice", "send")
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn("notices.some", refused.stderr)
            self.assertIn(why, refused.stderr)


if __name__ == "__main__":
    unittest.main()
