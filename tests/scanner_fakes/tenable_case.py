"""A small client of the Tenable stand-in, for its tests."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scanner_fakes.case import Case  # noqa: E402

KEYS = {"X-ApiKeys": f"accessKey={'a' * 63}1; secretKey={'b' * 63}2"}
BASIC = "731a8e52-3ea6-a291-ec0a-d2ff0619c19d7bd788d6be818b65"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"
ENDED = ("completed", "aborted", "canceled")


class TenableCase(Case):
    scanner = "tenable"
    headers = KEYS

    def ask(self, method, path, document=None, headers=None, status=200):
        body = None if document is None else json.dumps(document)
        reply = self.fake.call(method, path, body, {
            **(self.headers if headers is None else headers), "Content-Type": "application/json"})
        self.assertEqual(reply.status, status, reply.body)
        return reply

    def upload(self, name="key.pem", content=KEY, path="/file/upload", field="Filedata"):
        body = (f'--b0\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
                f"Content-Type: application/octet-stream\r\n\r\n{content}\r\n--b0--\r\n")
        return self.fake.call("POST", path, body, {
            **self.headers, "Content-Type": "multipart/form-data; boundary=b0"})

    def managed(self):
        """The uuid of a credential that works."""
        name = self.upload(path="/credentials/files").json()["fileuploaded"]
        return self.ask("POST", "/credentials", {
            "name": "gold", "type": "SSH", "settings": {
                "auth_method": "public key", "username": "ec2-user", "private_key": name,
            }}).json()["uuid"]

    def create(self, credential=None, status=200, uuid=BASIC, **settings):
        document = {"uuid": uuid, "settings": {
            "name": "run-1", "text_targets": "10.0.0.9", "scanner_id": 202, **settings}}
        if credential:
            document["credentials"] = {"add": {"Host": {"SSH": [{"id": credential}]}}}
        reply = self.ask("POST", "/scans", document, status=status)
        return reply.json()["scan"]["id"] if status == 200 else reply

    def launch(self, number, **given):
        return self.ask("POST", f"/scans/{number}/launch", given or None).json()["scan_uuid"]

    def status(self, number):
        return self.ask("GET", f"/scans/{number}/latest-status").json()["status"]

    def finish(self, number):
        for _ in range(20):
            if self.status(number) in ENDED:
                return
        raise AssertionError("never ends")

    def done(self, credential=None):
        number = self.create(credential)
        self.launch(number)
        self.finish(number)
        return number

    def export(self, number, kind="nessus", query=""):
        file = self.ask("POST", f"/scans/{number}/export{query}", {"format": kind}).json()["file"]
        path = f"/scans/{number}/export/{file}"
        for _ in range(10):
            if self.ask("GET", f"{path}/status").json()["status"] == "ready":
                return self.ask("GET", f"{path}/download")
        raise AssertionError("never ready")
