"""What both stand-ins share: the machines there are, time, the course of a scan, the log."""

import copy
import ipaddress
import threading
import time

from . import faults
from .message import Answer, Hangup

HOST_KEYS = {"ip", "instance_id", "instance_type", "alive", "login_works", "os", "dns", "findings",
             "tags"}
FINDING_KEYS = {"qid", "plugin_id", "title", "severity", "cves", "package", "version", "fixed",
                "port", "protocol", "results", "type", "family", "needs_login", "solution",
                "cvss3", "cvss3_vector", "exploit", "references", "unknown"}
_SECRET_NAMES = {"password", "private_key", "private_key_passphrase", "elevate_password",
                 "escalation_password", "secretkey", "accesskey", "token"}


class Clock:
    """Real time, that can be moved; `skew` is what the Date header is off by."""

    def __init__(self):
        self.offset = 0.0
        self.skew = 0.0

    def now(self):
        return time.time() + self.offset

    def wall(self):
        return self.now() + self.skew

    def text(self, moment=None):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.wall() if moment is None
                                                                else moment))


def checked_hosts(hosts, number_name="qid", severities=range(6)):
    """The hosts with all that was left out. A finding with both numbers is known by the named."""
    known = []
    for host in hosts:
        unknown = set(host) - HOST_KEYS
        if unknown:
            raise ValueError(f"unknown in a host: {', '.join(sorted(unknown))}")
        ipaddress.ip_address(host["ip"])
        full = {"instance_id": None, "instance_type": "t3.micro", "alive": True,
                "login_works": True, "os": "Debian Linux 12", "dns": "", "tags": [], **host}
        full["findings"] = [dict(finding) for finding in host.get("findings", [])]
        for finding in full["findings"]:
            unknown = set(finding) - FINDING_KEYS
            if unknown:
                raise ValueError(f"unknown in a finding: {', '.join(sorted(unknown))}")
            number = finding.get(number_name, finding.get("qid", finding.get("plugin_id")))
            if number is None:
                raise ValueError("a finding has a qid or a plugin_id")
            if finding.get("severity", 3) not in severities:
                raise ValueError(f"severity is from {severities[0]} to {severities[-1]}")
            finding["id"] = int(number)
            finding.setdefault("title", f"Check {number}")
            finding.setdefault("severity", 3)
            finding.setdefault("cves", [])
        known.append(full)
    return known


def seen_by(host, login_works):
    """What a scan of this host finds: without a login only what shows from outside."""
    if not host["alive"]:
        return []
    return [finding for finding in host["findings"]
            if login_works or not finding.get("needs_login", "package" in finding)]


class Walk:
    """The course of one scan: steps that end after `polls` looks or `ms`; the last one stays."""

    def __init__(self, steps, clock):
        self._clock = clock
        self.steps = copy.deepcopy(steps)
        self.at = 0
        self.looks = 0
        self.since = clock.now()

    @property
    def step(self):
        """The step there is now, without a look."""
        while self.at + 1 < len(self.steps) and "ms" in self.steps[self.at]:
            seconds = self.steps[self.at]["ms"] / 1000
            if self._clock.now() - self.since < seconds:
                break
            self.since += seconds
            self._next()
        return self.steps[self.at]

    def _next(self):
        self.at += 1
        self.looks = 0

    def look(self):
        """The step that this look sees; those whose looks are used up are over."""
        while self.at + 1 < len(self.steps):
            step = self.step
            if "ms" in step or self.looks < step.get("polls", 1):
                break
            if self.at + 1 < len(self.steps):
                self._next()
                self.since = self._clock.now()
        self.looks += 1
        return self.step

    def go(self, steps):
        """Another course from here on."""
        self.__init__(steps, self._clock)


class Service:
    """A scanner service: calls in, answers out. The two stand-ins fill in the rest."""

    settings_default = {}
    walk_default = []
    hosts_default = []
    step_keys = set()
    step_needs = set()
    number_name = "qid"
    severities = range(6)

    def __init__(self):
        self.clock = Clock()
        self.lock = threading.RLock()
        self.address = ""
        self.reset()

    def reset(self):
        self.faults = faults.Faults()
        self.log = []
        self.fetched = []
        self.settings = copy.deepcopy(self.settings_default)
        self.take_hosts(self.hosts_default)
        self.steps = copy.deepcopy(self.walk_default)
        self.clock.offset = self.clock.skew = 0.0
        self.start()

    def take_hosts(self, hosts):
        self.hosts = checked_hosts(hosts, self.number_name, self.severities)

    def start(self):
        """Forgets all that calls have made."""
        raise NotImplementedError

    def state(self):
        """All that exists now, and what was ever launched."""
        raise NotImplementedError

    def understand(self, request):
        """(operation, parameters without bytes) of a request; never refuses."""
        raise NotImplementedError

    def carry_out(self, request, operation, parameters, fault):
        """The answer; refusals are answers too."""
        raise NotImplementedError

    def injected(self, kind, fault):
        """This service's own way to say what `kind` asks for."""
        raise NotImplementedError

    def check_steps(self, steps):
        """Throws ValueError if a course makes no sense."""
        for step in steps:
            unknown = set(step) - self.step_keys - {"polls", "ms"}
            if unknown:
                raise ValueError(f"unknown in a step: {', '.join(sorted(unknown))}")
            if not self.step_needs <= set(step):
                raise ValueError(f"a step has {', '.join(sorted(self.step_needs))}")

    def secrets(self):
        """Texts that no URL may carry."""
        return []

    def host(self, ip):
        return next((host for host in self.hosts if host["ip"] == str(ip)), None)

    def answer(self, request):
        operation, parameters = self.understand(request)
        fault = self.faults.match(operation)
        entry = {"method": request.method, "path": request.path, "operation": operation,
                 "parameters": hide(parameters), "fault": fault["kind"] if fault else None,
                 "secret_in_url": self._reveals(request), "status": None,
                 "at": self.clock.now()}
        with self.lock:
            entry["number"] = len(self.log) + 1
            self.log.append(entry)
        try:
            instead = faults.before(fault, self) if fault else None
            if instead is None:
                instead = self.carry_out(request, operation, parameters, fault)
                if fault:
                    instead = faults.after(fault, self, instead)
            entry["status"] = instead.status
            return instead
        except Hangup:
            entry["status"] = "dropped"
            raise
        except Exception as defect:  # a defect of the stand-in must not look like the network's
            entry["status"] = f"defect: {type(defect).__name__}: {defect}"
            import traceback
            traceback.print_exc()
            return Answer(500, entry["status"], "text/plain")

    def _reveals(self, request):
        names = {name.lower() for name in request.query}
        return bool(names & _SECRET_NAMES) or any(
            secret and secret in request.target for secret in self.secrets())


def hide(value, name=""):
    """The same without secrets."""
    if name.lower() in _SECRET_NAMES and not isinstance(value, (dict, list)):
        return "***"
    if isinstance(value, dict):
        return {key: hide(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [hide(item, name) for item in value]
    return value


def results_of(fault, hosts):
    """The hosts as this call shall show them."""
    kind = fault["kind"] if fault else None
    if kind == "zero-hosts":
        return []
    if kind == "wrong-host":
        return [dict(host, ip=fault.get("host", "192.0.2.66"), instance_id="i-0wrong") for host in
                hosts]
    if kind == "big":
        return [dict(host, findings=host["findings"] + many(int(fault.get("findings", 100000))))
                if host["alive"] else host for host in hosts]
    return hosts


def many(count):
    """Findings that differ in number, name and severity."""
    return [{"id": 900000 + number, "title": f"Package p{number} is too old",
             "severity": 1 + number % 4, "cves": [f"CVE-2024-{10000 + number}"],
             "package": f"p{number}", "version": "1.0-1", "fixed": "1.0-2"}
            for number in range(count)]
