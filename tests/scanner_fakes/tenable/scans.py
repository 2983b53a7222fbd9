"""Scans of Tenable: made, launched, stopped, deleted."""

import ipaddress
import itertools
import re
import secrets
import uuid

from ..message import Answer
from ..world import Walk
from . import vault
from .answers import NO_FILE, NO_SCAN, Refusal, reply, too_many

_ACTIVE = ("initializing", "pending", "running", "resuming", "publishing", "processing", "pausing",
           "paused", "stopping")
_CONTAINER = "d8631403-0000-4aa9-9137-e691b6dc3b4e"
_ids = itertools.count(100)
_histories = itertools.count(12164400)


def long_uuid():
    """As Tenable writes them: longer than RFC 4122's."""
    return f"{uuid.uuid4()}{secrets.token_hex(8)}"


class Run:
    """One launch of a scan."""

    def __init__(self, service, targets, credentials):
        self.uuid = str(uuid.uuid4())
        self.id = next(_histories)
        self.targets = targets
        self.opens = vault.opens(service, credentials)
        self.started = service.clock.now()
        self.ended = None
        self.walk = Walk(service.steps, service.clock)

    @property
    def status(self):
        return self.walk.step["status"]


class Scan:
    def __init__(self, service, given):
        self.service = service
        self.id = next(_ids)
        self.uuid = f"template-{long_uuid()}"
        self.template = given["uuid"]
        self.settings = dict(given["settings"])
        self.credentials = given.get("credentials") or {}
        self.created = self.modified = int(service.clock.now())
        self.runs = []
        # The run before the first one, for those who do not look at the run's uuid.
        self.older = str(uuid.uuid4())

    @property
    def name(self):
        return self.settings["name"]

    @property
    def enabled(self):
        return self.settings.get("enabled", True)

    def summary(self):
        return {"id": self.id, "uuid": self.uuid, "name": self.name,
                "status": self.runs[-1].status if self.runs else "empty",
                "runs": [run.uuid for run in self.runs]}

    def hosts(self, run):
        """Those of the targets that exist and answer."""
        found = []
        for target in run.targets:
            for host in self.service.hosts:
                if host["alive"] and host not in found and _means(target, host):
                    found.append(host)
        return found

    def run_of(self, given):
        """The run that a query names, the latest unless it does."""
        wanted = given.get("history_uuid") or given.get("history_id")
        if not wanted:
            return self.runs[-1] if self.runs else None
        for run in self.runs:
            if wanted in (run.uuid, str(run.id)):
                return run
        raise Refusal(404, NO_SCAN)

    def shown(self):
        return {"tag_type": None, "container_id": _CONTAINER, "owner_uuid": str(uuid.UUID(int=7)),
                "uuid": self.uuid, "name": self.name,
                "description": self.settings.get("description"), "policy_id": self.id - 1,
                "scanner_id": None, "scanner_uuid": self._scanner()["uuid"],
                "emails": self.settings.get("emails"), "sms": "", "enabled": self.enabled,
                "include_aggregate": True,
                "scan_time_window": self.settings.get("scan_time_window"),
                "custom_targets": self.settings.get("text_targets"), "target_network_uuid": None,
                "auto_routed": 0, "remediation": 0, "starttime": None, "rrules": None,
                "timezone": None, "notification_filters": None, "shared": 0,
                "user_permissions": 128, "default_permissions": 0,
                "owner": self.service.settings["user"], "owner_id": 2201492,
                "last_modification_date": self.modified, "creation_date": self.created,
                "type": "public", "id": self.id}

    def _scanner(self):
        return scanner_of(self.service, self.settings.get("scanner_id"))

    def scanner_name(self):
        return self._scanner()["name"]


def _means(target, host):
    if target in (host["dns"], host["instance_id"]):
        return True
    try:
        return ipaddress.ip_address(host["ip"]) in ipaddress.ip_network(target, strict=False)
    except ValueError:
        first, _, last = target.partition("-")
        try:
            return ipaddress.ip_address(first) <= ipaddress.ip_address(host["ip"]) \
                <= ipaddress.ip_address(last)
        except (ValueError, TypeError):
            return False


def scanner_of(service, wanted):
    known = service.settings["scanners"]
    if wanted in (None, ""):
        return known[0]
    for item in known:
        if str(wanted) in (str(item["id"]), item["uuid"]):
            return item
    raise Refusal(400, "Invalid 'scanner_id' field")


def split(targets):
    return [item for item in re.split(r"[\s,]+", targets or "") if item]


def named(service, name, text=NO_FILE):
    """By number or by the schedule's uuid."""
    for scan in service.scans.values():
        if name in (str(scan.id), scan.uuid):
            return scan
    raise Refusal(404, text)


def _checked(service, given):
    settings = given.get("settings")
    if given.get("uuid") not in [item["uuid"] for item in service.settings["templates"]]:
        raise Refusal(400, "Invalid 'uuid' field")
    if not isinstance(settings, dict) or not settings.get("name"):
        raise Refusal(400, "Invalid 'name' field")
    if not settings.get("text_targets"):
        raise Refusal(400, "Invalid 'text_targets' field")
    scanner_of(service, settings.get("scanner_id"))


def _create(service, _, given, __):
    _checked(service, given)
    if len(service.scans) >= service.settings["scan_cap"]:
        raise Refusal(403, "You have reached the maximum number of scans.")
    scan = Scan(service, given)
    service.scans[scan.id] = scan
    return reply({"scan": scan.shown()})


def _configure(service, _, given, __, name):
    scan = named(service, name)
    scan.settings.update(given.get("settings") or {})
    scan.credentials = given.get("credentials") or scan.credentials
    scan.modified = int(service.clock.now())
    return reply(scan.shown())


def _list(service, _, given, __):
    since = int(given.get("last_modification_date", 0))
    listed = []
    for scan in service.scans.values():
        if scan.modified < since:
            continue
        run = scan.runs[-1] if scan.runs else None
        listed.append({
            "template_uuid": scan.template, "permissions": 128, "legacy": False, "type": "ps",
            "read": True, "last_modification_date": scan.modified, "creation_date": scan.created,
            "status": run.walk.look()["status"] if run else "empty",
            "uuid": run.uuid if run else None, "shared": False, "user_permissions": 128,
            "owner": service.settings["user"], "schedule_uuid": scan.uuid, "timezone": None,
            "rrules": None, "starttime": None, "enabled": scan.enabled, "control": True,
            "wizard_uuid": scan.template, "policy_id": scan.id - 1, "name": scan.name,
            "id": scan.id})
    if not listed and service.settings["null_arrays"]:
        listed = None
    return reply({"folders": [{"unread_count": 0, "custom": 0, "default_tag": 1, "type": "main",
                               "name": "My Scans", "id": 18}],
                  "scans": listed, "timestamp": int(service.clock.now())})


def _launch(service, _, given, __, name):
    scan = named(service, name)
    if not scan.enabled:
        raise Refusal(403, "The scan is disabled.")
    if scan.runs and scan.runs[-1].status in _ACTIVE:
        raise Refusal(409, "The scan is already active.")
    active = [other for other in service.scans.values()
              if other.runs and other.runs[-1].status in _ACTIVE]
    if len(active) >= service.settings["active_limit"]:
        raise too_many(service)
    targets = given.get("alt_targets") or split(scan.settings["text_targets"])
    run = Run(service, targets, scan.credentials)
    scan.runs.append(run)
    service.launches.append({"scan": scan.id, "name": scan.name, "uuid": run.uuid,
                             "targets": targets, "at": run.started})
    return reply({"scan_uuid": run.uuid})


def _latest(service, _, __, ___, name):
    scan = named(service, name, NO_SCAN)
    return reply({"status": scan.runs[-1].walk.look()["status"] if scan.runs else "empty"})


def _progress(service, _, given, __, name):
    run = named(service, name, NO_SCAN).run_of(given)
    if run is None:
        raise Refusal(404, NO_SCAN)
    walk = run.walk
    walk.look()
    return reply({"id": run.uuid, "progress": 100 * walk.at // max(1, len(walk.steps) - 1)})


def _control(allowed, steps):
    def handler(service, _, __, ___, name):
        scan = named(service, name)
        status = scan.runs[-1].status if scan.runs else "empty"
        if status not in allowed:
            raise Refusal(409, f"The scan is {status}.")
        scan.runs[-1].walk.go([{"status": word} for word in steps])
        return reply({})
    return handler


def _delete(service, _, __, ___, name):
    scan = named(service, name)
    if scan.runs and scan.runs[-1].status in _ACTIVE:
        raise Refusal(409, "The scan is active.")
    del service.scans[scan.id]
    service.exports = {key: item for key, item in service.exports.items()
                       if item["scan"] is not scan}
    return Answer(200, b"", "application/json; charset=utf-8")


ROUTES = [
    ("POST", "/scans", "scan.create", _create),
    ("GET", "/scans", "scan.list", _list),
    ("PUT", "/scans/([^/]+)", "scan.configure", _configure),
    ("DELETE", "/scans/([^/]+)", "scan.delete", _delete),
    ("POST", "/scans/([^/]+)/launch", "scan.launch", _launch),
    ("GET", "/scans/([^/]+)/latest-status", "scan.latest-status", _latest),
    ("GET", "/scans/([^/]+)/progress", "scan.progress", _progress),
    ("POST", "/scans/([^/]+)/stop", "scan.stop",
     _control(("pending", "running", "resuming"), ("stopping", "canceled"))),
    ("POST", "/scans/([^/]+)/force-stop", "scan.force-stop",
     _control(("stopping", "publishing"), ("aborted",))),
    ("POST", "/scans/([^/]+)/pause", "scan.pause", _control(("running",), ("pausing", "paused"))),
    ("POST", "/scans/([^/]+)/resume", "scan.resume",
     _control(("paused",), ("resuming", "running", "completed"))),
]
