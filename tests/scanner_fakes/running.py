"""A stand-in as a process, for tests: start it, control it, call it."""

import http.client
import json
import os
import subprocess
import sys
import urllib.parse


class Reply:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    def json(self):
        return json.loads(self.body)


class Fake:
    """Starts the stand-in `scanner`; ends it when closed."""

    def __init__(self, scanner):
        self._process = subprocess.Popen(
            [sys.executable, os.path.dirname(os.path.abspath(__file__)), scanner],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline().decode().split()
        self.address = line[-1]

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def call(self, method, path, body=None, headers=None):
        """One call on a connection of its own; a form if `body` is a dict."""
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.address.partition("//")[2], timeout=20)
        try:
            connection.request(method, path, body, headers)
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def control(self, method, name, document=None):
        reply = self.call(method, f"/_fake/{name}",
                          None if document is None else json.dumps(document))
        if reply.status != 200:
            raise ValueError(reply.body.decode())
        return reply.json()
