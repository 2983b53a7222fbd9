"""The calls of Tenable: who may, and which part of the service answers."""

import json
import re
import secrets

from .. import faults
from ..world import Service
from . import details, exports, scans, vault
from .answers import NO_FILE, Refusal, reply, too_many

_ROUTES = [(method, re.compile(pattern), name, handler) for method, pattern, name, handler in (
    *scans.ROUTES, *details.ROUTES, *exports.ROUTES, *vault.ROUTES)]
# Without an account.
_OPEN = ("session.login", "server.status")
# What a scanner without the API refuses.
_UNAVAILABLE = ("scan.create", "scan.configure", "scan.launch")
# What only the cloud has.
_CLOUD = ("scan.latest-status", "scan.progress", "scan.force-stop", "credential.create",
          "credential.list", "credential.get", "credential.delete", "credential.upload")


class Tenable(Service):
    settings_default = {
        "access_key": "a" * 63 + "1", "secret_key": "b" * 63 + "2",
        "user": "hallmark_api", "password": "nessus-Secret-1",
        "mode": "vm", "scope": "full", "older_run": False, "null_arrays": False,
        "shuffle_attributes": False, "invalid_utf8": False,
        "active_limit": 25, "export_limit": 3, "scan_cap": 10000, "retry_after": 2,
        "export_walk": ["loading", "loading", "ready"], "trial": False, "feed": "202611220530",
        "scanners": [
            {"id": 101, "uuid": "00000000-0000-0000-0000-00000000000000000000000000001",
             "name": "US Cloud Scanner", "status": "on", "type": "local"},
            {"id": 202, "uuid": "7d3ca1f2-9a51-4c6e-8d49-5b2d3c1f8a77c6f0a1b2c3d4",
             "name": "golden-scanner", "status": "on", "type": "managed"}],
        "templates": [
            {"name": "basic", "title": "Basic Network Scan",
             "uuid": "731a8e52-3ea6-a291-ec0a-d2ff0619c19d7bd788d6be818b65"},
            {"name": "patch_audit", "title": "Credentialed Patch Audit",
             "uuid": "0625147c-30fe-d79f-e54f-ce7ccd7523e9b63d84cb81c23c2f"},
            {"name": "discovery", "title": "Host Discovery",
             "uuid": "bbd4f805-3966-d464-b2d1-0079eb89d69708c3a05ec2812bcf"}],
    }
    number_name = "plugin_id"
    severities = range(5)
    step_keys = step_needs = {"status"}
    walk_default = [{"status": "initializing"}, {"status": "pending"},
                    {"status": "running", "polls": 2}, {"status": "publishing"},
                    {"status": "completed"}]
    hosts_default = [{
        "ip": "10.0.0.9", "instance_id": "i-0c0ffee0000000001", "dns": "candidate.internal",
        "findings": [
            {"plugin_id": 177375, "title": "Debian DSA-5417-1 : openssl - security update",
             "severity": 3, "cves": ["CVE-2023-0464", "CVE-2023-2650"], "package": "openssl",
             "version": "3.0.8-1", "fixed": "3.0.9-1", "references": ["DSA:5417"],
             "cvss3": "7.5", "cvss3_vector": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
             "family": "Debian Local Security Checks", "exploit": True},
            {"plugin_id": 182345, "title": "Debian : bash - security update", "severity": 4,
             "cves": ["CVE-2022-3715"], "package": "bash", "version": "5.1-2", "fixed": "5.2-1",
             "family": "Debian Local Security Checks"},
            {"plugin_id": 70658, "title": "SSH Server CBC Mode Ciphers Enabled", "severity": 1,
             "cves": ["CVE-2008-5161"], "port": 22, "protocol": "tcp", "family": "Misc."},
            {"plugin_id": 10267, "title": "SSH Server Type and Version Information",
             "severity": 0, "port": 22, "protocol": "tcp", "family": "Service detection"}]}]

    def start(self):
        self.scans = {}
        self.launches = []
        self.files = {}
        self.credentials = {}
        self.exports = {}
        self.tokens = set()

    def secrets(self):
        return [self.settings["access_key"], self.settings["secret_key"],
                self.settings["password"]]

    def scan_named(self, name):
        for scan in self.scans.values():
            if scan.runs and name in (scan.id, str(scan.id), scan.name, scan.uuid):
                return scan.runs[-1]
        raise KeyError(name)

    def state(self):
        return {"scans": [scan.summary() for scan in self.scans.values()],
                "launches": self.launches, "files": sorted(self.files),
                "credentials": [{"uuid": uuid, "name": item["name"]}
                                for uuid, item in self.credentials.items()],
                "exports": [{"file": name, "format": item["format"], "scan": item["scan"].id,
                             "status": item["walk"].step["status"]}
                            for name, item in self.exports.items()],
                "sessions": len(self.tokens)}

    def _route(self, request):
        path = request.path.rstrip("/") or "/"
        for method, pattern, name, handler in _ROUTES:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return name, handler, match.groups()
        return "unknown", None, ()

    def understand(self, request):
        parameters = dict(request.query)
        if "json" in request.headers.get("content-type", "json") and request.body.strip():
            try:
                given = json.loads(request.body)
            except ValueError:
                given = {"unreadable": True}
            parameters.update(given if isinstance(given, dict) else {"body": given})
        return self._route(request)[0], parameters

    def carry_out(self, request, operation, parameters, fault):
        faults.pause(fault)
        with self.lock:
            try:
                answer = self._act(request, operation, parameters, fault)
            except Refusal as refusal:
                answer = refusal.answer()
        return self._marked(answer)

    def _marked(self, answer):
        if self.settings["mode"] == "vm":
            answer.headers["X-Request-Uuid"] = secrets.token_hex(16)
        return answer

    def _act(self, request, operation, parameters, fault):
        mode = self.settings["mode"]
        if operation not in _OPEN and not self._knows(request):
            raise Refusal(401, "Invalid Credentials")
        if operation == "unknown" or (mode != "vm" and operation in _CLOUD):
            raise Refusal(404, NO_FILE)
        if mode == "professional" and operation in _UNAVAILABLE:
            raise Refusal(412, "API is not available")
        if self.settings["scope"] == "read" and request.method != "GET" \
                and not operation.startswith("session."):
            raise Refusal(403, "Insufficient scope")
        if parameters.get("unreadable"):
            raise Refusal(400, "Invalid request body")
        _, handler, groups = self._route(request)
        return handler(self, request, parameters, fault, *groups)

    def _knows(self, request):
        given = dict(part.strip().partition("=")[::2]
                     for part in request.headers.get("x-apikeys", "").split(";"))
        if (given.get("accessKey"), given.get("secretKey")) == (
                self.settings["access_key"], self.settings["secret_key"]):
            return True
        token = request.headers.get("x-cookie", "").partition("token=")[2].strip("; ")
        return self.settings["mode"] != "vm" and token in self.tokens

    def injected(self, kind, fault):
        if kind in ("rate", "busy"):
            refusal = too_many(self)
            refusal.headers["retry-after"] = fault.get("to_wait", self.settings["retry_after"])
        elif kind == "unauthorized":
            refusal = Refusal(401, "Invalid Credentials")
        elif kind == "forbidden":
            refusal = Refusal(403, fault.get("message", "Insufficient scope"))
        else:
            refusal = Refusal(int(fault.get("status", 500)),
                              fault.get("message", "Internal server error"))
        return self._marked(refusal.answer())


def login(service, request, given, _):
    if service.settings["mode"] == "vm":
        raise Refusal(404, NO_FILE)
    if (given.get("username"), given.get("password")) != (
            service.settings["user"], service.settings["password"]):
        raise Refusal(401, "Invalid Credentials")
    token = secrets.token_hex(24)
    service.tokens.add(token)
    return reply({"md5sum_wizard_templates": None, "token": token})


def logout(service, request, _, __):
    service.tokens.discard(request.headers.get("x-cookie", "").partition("token=")[2].strip("; "))
    return reply({})


_ROUTES += [
    ("POST", re.compile("/session"), "session.login", login),
    ("DELETE", re.compile("/session"), "session.logout", logout),
    ("GET", re.compile("/server/status"), "server.status",
     lambda service, *_: reply({"code": 200, "status": "ready"})),
    ("GET", re.compile("/filters/scans/reports"), "filter.list",
     lambda service, *_: reply({"filters": [], "sort": None})),
    ("GET", re.compile("/scanners"), "scanner.list",
     lambda service, *_: reply({"scanners": service.settings["scanners"]})),
    ("GET", re.compile("/editor/(?:policy|scan)/templates"), "template.list",
     lambda service, *_: reply({"templates": [
         {"unsupported": False, "cloud_only": False, "desc": item["title"], "order": None,
          "subscription_only": False, "is_was": None, "is_agent": None, "manager_only": False,
          **item} for item in service.settings["templates"]]})),
]
