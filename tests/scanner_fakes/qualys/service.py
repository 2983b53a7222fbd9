"""The calls of Qualys: who may, how often, and which part of the service answers."""

import base64
import re
import secrets
import threading
from collections import deque

from .. import faults
from ..message import Answer
from ..world import Service
from . import assets, detections, knowledge, portal, reports, scans
from .answers import Refusal, refused, simple_return

_ACTION_OF = {"/api/2.0/fo/session": "session", "/api/2.0/fo/scan": "scan",
              "/api/3.0/fo/scan": "scan", "/api/2.0/fo/asset/ip": "ip",
              "/api/2.0/fo/knowledge_base/vuln": "kb", "/api/2.0/fo/report": "report"}
# A version that is no longer served, and its operation.
_DETECTION = re.compile(r"/api/([2-9])\.0/fo/asset/host/vm/detection")
_HOSTS = re.compile(r"/api/([2-9])\.0/fo/asset/host")
_OPERATIONS = {**scans.OPERATIONS, **assets.OPERATIONS, **detections.OPERATIONS,
               **knowledge.OPERATIONS, **reports.OPERATIONS}
# GET is allowed for these; POST for everything.
_READS = ("list", "fetch")


class Qualys(Service):
    settings_default = {
        "user": "hallmark_api", "password": "qualys-Secret-1",
        "expired": False, "evaluation": False, "no_prolog": False, "pad": True,
        "rate_limit": 300, "rate_window": 3600, "concurrency": 2, "sessions": 10,
        "retired_status": 410, "json_type": "text/html",
        "option_profiles": {"111111": "Initial Options", "222222": "Golden image"},
        "scanners": {"4401": "golden-scanner", "4402": "other-scanner"},
        "connectors": [{"id": 9001, "name": "aws-candidates", "known": [], "polls": 2,
                        "end": "FINISHED_SUCCESS"}],
        "too_small": ["m1.small", "t1.micro", "t2.nano", "t3.nano"],
        "approved": ["0.0.0.0/0"], "subscribed": [],
        "signatures": "2.6.200-3", "engine": "12.20.30-1",
        "login_qid": 38307, "no_login_qid": 105053,
        "detection_loop": False, "detection_page": 1000,
        "report_walk": ["Submitted", "Running", "Finished"], "host_templates": ["990"],
    }
    severities = range(1, 6)
    step_keys = {"state", "sub_state", "processed", "listed", "duration"}
    walk_default = [{"listed": False}, {"state": "Queued"}, {"state": "Running", "polls": 2},
                    {"state": "Loading"}, {"state": "Finished", "processed": 0},
                    {"state": "Finished", "processed": 1}]
    hosts_default = [{
        "ip": "10.0.0.9", "instance_id": "i-0c0ffee0000000001", "dns": "candidate.internal",
        "findings": [
            {"qid": 38739, "title": "Deprecated SSH Cryptographic Settings", "severity": 3,
             "port": 22, "protocol": "tcp", "results": "Type\tName\ncipher\taes128-cbc"},
            {"qid": 181234, "title": "Debian Security Update for openssl (DSA 5417-1)",
             "severity": 4, "cves": ["CVE-2023-0464", "CVE-2023-2650"], "package": "openssl",
             "version": "3.0.8-1", "fixed": "3.0.9-1", "references": ["DSA 5417-1"],
             "cvss3": "7.5", "cvss3_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},
            {"qid": 182345, "title": "Debian Security Update for bash", "severity": 5,
             "cves": ["CVE-2022-3715"], "package": "bash", "version": "5.1-2", "fixed": "5.2-1"},
            {"qid": 11827, "title": "HTTP Security Header Not Detected", "severity": 2,
             "type": "Practice", "port": 80, "protocol": "tcp"}]}]

    def start(self):
        self.scans = []
        self.launches = []
        self.ips = set()
        self.reports = {}
        self.tags = {}
        self.logins = {}
        self.connector_runs = {}
        self.detected = {}
        self.running = {}
        self.used = {}
        self._gate = threading.Lock()

    def secrets(self):
        return [self.settings["password"]]

    def scan_named(self, ref):
        for scan in self.scans:
            if scan.ref == ref:
                return scan
        raise KeyError(ref)

    def state(self):
        return {"scans": [scan.summary() for scan in self.scans], "launches": self.launches,
                "ips": sorted(self.ips), "reports": [
                    {"id": item["id"], "title": item["title"], "state": item["walk"].step["state"]}
                    for item in self.reports.values()],
                "tags": list(self.tags.values()), "sessions": len(self.logins),
                "connectors": self.settings["connectors"]}

    def understand(self, request):
        path = request.path.rstrip("/")
        if path.startswith("/qps/"):
            return portal.operation_of(request.method, path), {}
        parameters = {**request.query, **(request.form() if request.method == "POST" else {})}
        action = parameters.get("action", "none")
        for pattern, name in ((_DETECTION, "detection"), (_HOSTS, "host")):
            if pattern.fullmatch(path):
                return f"{name}.{action}", parameters
        return f"{_ACTION_OF.get(path, 'unknown')}.{action}", parameters

    def carry_out(self, request, operation, parameters, fault):
        if request.path.startswith("/qps/"):
            faults.pause(fault)
            with self.lock:
                return portal.answer(self, request, operation)
        api = operation.partition(".")[0]
        try:
            if "x-requested-with" not in request.headers:
                # Which body the real service sends is not documented.
                raise Refusal(1903, "Missing required header: X-Requested-With")
            if api == "session":
                return self._session(request, parameters)
            self._admit(request)
            if self.settings["expired"]:
                raise Refusal(2001, "This account has expired.")
        except Refusal as refusal:
            return refused(self, refusal)
        try:
            limits = self._take(api)
        except Refusal as refusal:
            return refused(self, refusal)
        try:
            faults.pause(fault)
            with self.lock:
                answer = self._act(request, operation, parameters, fault)
        except Refusal as refusal:
            answer = refused(self, refusal)
        finally:
            with self._gate:
                self.running[api] -= 1
        answer.headers = {**limits, **answer.headers}
        return answer

    def _act(self, request, operation, parameters, fault):
        path = request.path.rstrip("/")
        current = {"detection": "5.0", "host": "5.0"}.get(operation.partition(".")[0])
        if operation == "scan.list":
            current = "3.0"
        elif operation.startswith("scan."):
            current = "2.0"
        if current and f"/api/{current}/" not in path + "/":
            return Answer(self.settings["retired_status"],
                          "<html><body><h1>This version of the API has reached its end of life."
                          "</h1></body></html>", "text/html")
        if "action" not in parameters:
            raise Refusal(1903, "Missing required parameter(s): action")
        handler = _OPERATIONS.get(operation)
        if handler is None:
            raise Refusal(1905, "parameter action has invalid value: "
                                f"{parameters['action']}")
        if request.method != "POST" and not operation.endswith(_READS):
            raise Refusal(1908, "Request method (GET or POST) is incompatible with specified "
                                f"parameter(s): action={parameters['action']}")
        return handler(self, parameters, fault)

    def _admit(self, request):
        cookie = re.search(r"QualysSession=([0-9a-f]+)", request.headers.get("cookie", ""))
        if cookie and "/api/2.0/" in request.path and cookie[1] in self.logins:
            return
        if not self.knows(request.headers.get("authorization", "")):
            raise Refusal(2000, "Bad Login/Password", headers={
                "WWW-Authenticate": 'Basic realm="Qualys"'})

    def knows(self, authorization):
        kind, _, value = authorization.partition(" ")
        expected = f"{self.settings['user']}:{self.settings['password']}".encode()
        return kind.lower() == "basic" and value == base64.b64encode(expected).decode()

    def _session(self, request, parameters):
        """Not counted by the limits."""
        action = parameters.get("action")
        if action == "login" and request.method == "POST":
            given = parameters.get("username"), parameters.get("password")
            if given != (self.settings["user"], self.settings["password"]):
                raise Refusal(2000, "Bad Login/Password")
            if len(self.logins) >= self.settings["sessions"]:
                raise Refusal(2014, "Too many concurrent logins.")
            key = secrets.token_hex(16)
            with self.lock:
                self.logins[key] = self.clock.now()
            answer = simple_return(self, "Logged in")
            answer.headers["Set-Cookie"] = f"QualysSession={key}; path=/api; secure"
            return answer
        if action == "logout":
            cookie = re.search(r"QualysSession=([0-9a-f]+)", request.headers.get("cookie", ""))
            if not cookie or self.logins.pop(cookie[1], None) is None:
                raise Refusal(2000, "Bad Login/Password")
            return simple_return(self, "Logged out")
        raise Refusal(1905, f"parameter action has invalid value: {action}")

    def _take(self, api):
        """Counts a call against both limits; the headers that say so. Concurrency goes first."""
        settings = self.settings
        most = 1 if api == "kb" else settings["concurrency"]
        with self._gate:
            running = self.running.get(api, 0)
            if running >= most:
                raise self.busy(most, running)
            times = self.used.setdefault(api, deque())
            now = self.clock.now()
            while times and times[0] <= now - settings["rate_window"]:
                times.popleft()
            if len(times) >= settings["rate_limit"]:
                raise self.rate(int(times[0] + settings["rate_window"] - now) + 1, running)
            times.append(now)
            self.running[api] = running + 1
            return self._limits(most, running + 1, settings["rate_limit"] - len(times), 0)

    def _limits(self, most, running, remaining=None, to_wait=None):
        headers = {"X-RateLimit-Limit": self.settings["rate_limit"],
                   "X-RateLimit-Window-Sec": self.settings["rate_window"],
                   "X-Concurrency-Limit-Limit": most, "X-Concurrency-Limit-Running": running}
        if to_wait is not None:
            headers.update({"X-RateLimit-ToWait-Sec": to_wait, "X-RateLimit-Remaining": remaining})
        return headers

    def busy(self, most=2, running=2):
        return Refusal(1960, "This API cannot be run again until 1 currently running instance has "
                             "finished.", [("CALLS_TO_FINISH", 1)],
                       self._limits(most, running))

    def rate(self, seconds, running=0):
        hours, rest = divmod(seconds, 3600)
        return Refusal(1965, f"This API cannot be run again for another {hours} hours, "
                             f"{rest // 60} minutes, and {rest % 60} seconds.",
                       [("SECONDS_TO_WAIT", seconds)],
                       self._limits(self.settings["concurrency"], running, 0, seconds))

    def injected(self, kind, fault):
        if kind == "rate":
            refusal = self.rate(int(fault.get("to_wait", 2)))
        elif kind == "busy":
            refusal = self.busy()
        elif kind == "unauthorized":
            refusal = Refusal(2000, "Bad Login/Password")
        elif kind == "forbidden":
            refusal = Refusal(2012, "User does not have permission for this operation.", status=403)
        else:
            refusal = Refusal(int(fault.get("code", 999)), fault.get("message",
                              "Internal Error. Please contact customer support."),
                              status=fault.get("status"))
        return refused(self, refusal)
