"""The stand-in as a process, for tests: start it, control it, and clients for it."""

import json
import os
import subprocess
import sys
import urllib.request


class Fake:
    """Starts the stand-in; ends it when closed."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, os.path.dirname(os.path.abspath(__file__)), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.info = json.loads(self._process.stdout.readline())
        self.endpoint = self.info["endpoint"]
        self._session = None

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def keys(self, account):
        for entry in self.info["accounts"]:
            if entry["account"] == account:
                return {"aws_access_key_id": entry["access_key_id"],
                        "aws_secret_access_key": entry["secret_access_key"]}
        raise KeyError(account)

    def control(self, method, path, document=None):
        """What the control endpoint answers."""
        request = urllib.request.Request(
            f"{self.endpoint}/_fake/{path}", method=method,
            data=None if document is None else json.dumps(document).encode())
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None

    def client(self, service, account="111111111111", region="us-east-1", **more):
        """A botocore client; the independent opinion on every form on the wire."""
        import botocore.config
        import botocore.session
        if self._session is None:
            self._session = botocore.session.Session()
        keys = {**self.keys(account), **more} if "aws_access_key_id" not in more else more
        return self._session.create_client(
            service, region_name=region, endpoint_url=self.endpoint, config=botocore.config.Config(
                retries={"max_attempts": 0}, s3={"addressing_style": "path"},
                read_timeout=20), **keys)
