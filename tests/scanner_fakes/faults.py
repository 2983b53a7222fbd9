"""Faults on demand: which call goes wrong, and how."""

import fnmatch
import itertools
import threading
import time

from .message import Answer, Hangup

# Of these nothing happens at the scanner.
INSTEAD = ("drop-before", "reset-before", "html-200", "html-500", "html-503", "answer", "error",
           "unauthorized", "forbidden", "rate", "busy")
# These change an answer, or what happens after it.
AFTER = ("drop-after", "reset-after", "html-503-after", "drip", "cut", "gzip", "bomb",
         "external-dtd")
# These change what a scan is said to have found, for this call only.
RESULTS = ("wrong-host", "zero-hosts", "big")
KINDS = INSTEAD + AFTER + RESULTS + ("delay",)
_KEYS = {"kind", "operation", "nth", "count", "every", "seconds", "bytes", "status", "code",
         "message", "body", "content_type", "headers", "findings", "host", "to_wait"}

_MAINTENANCE = ("<!DOCTYPE html><html><head><title>Maintenance</title></head><body>"
                "<h1>We will be back soon</h1></body></html>")


class Faults:
    """`nth` counts the calls that fit, from 1; a `count` below 0 never ends."""

    def __init__(self):
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.rules = []

    def add(self, rule):
        if rule.get("kind") not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        unknown = set(rule) - _KEYS
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        with self._lock:
            entry = dict(rule, id=next(self._numbers), seen=0, hit=0)
            self.rules.append(entry)
            return entry["id"]

    def clear(self):
        with self._lock:
            self.rules = []

    def match(self, operation):
        """The fault of this call, or None. Counts it for every rule that fits."""
        chosen = None
        with self._lock:
            for rule in self.rules:
                if not fits(rule.get("operation", "*"), operation):
                    continue
                rule["seen"] += 1
                first, count, every = rule.get("nth", 1), rule.get("count", 1), rule.get("every")
                if every:
                    hit = rule["seen"] % every == 0
                else:
                    hit = first <= rule["seen"] and (count < 0 or rule["seen"] < first + count)
                if hit and chosen is None:
                    rule["hit"] += 1
                    chosen = dict(rule)
        return chosen


def fits(pattern, operation):
    """`scan.launch`, `launch` and `scan.*` all mean the operation scan.launch."""
    return (fnmatch.fnmatchcase(operation, pattern)
            or fnmatch.fnmatchcase(operation.rpartition(".")[2], pattern))


def before(fault, service):
    """The answer that comes instead, or None if the call goes on."""
    kind = fault["kind"]
    if kind in ("drop-before", "reset-before"):
        raise Hangup(kind == "reset-before")
    elif kind in ("html-200", "html-500", "html-503"):
        return Answer(int(kind[5:]), _MAINTENANCE, "text/html")
    elif kind == "answer":
        return Answer(int(fault.get("status", 200)), fault.get("body", ""),
                      fault.get("content_type", "text/xml"), fault.get("headers"))
    elif kind in INSTEAD:
        return service.injected(kind, fault)
    return None


def pause(fault):
    """The time a slow call takes, while it counts as running."""
    if fault and fault["kind"] == "delay":
        time.sleep(float(fault.get("seconds", 1)))


def after(fault, service, answer):
    """What becomes of the answer."""
    kind = fault["kind"]
    if kind in ("drop-after", "reset-after"):
        raise Hangup(kind == "reset-after")
    if kind == "html-503-after":
        return Answer(503, _MAINTENANCE, "text/html")
    if kind == "drip":
        answer.pace = (int(fault.get("bytes", 16)), float(fault.get("seconds", 0.01)))
    elif kind == "cut":
        answer.cut = True
    elif kind == "gzip":
        answer.zip = True
    elif kind == "bomb":
        answer.body = _bomb().encode()
        answer.headers["Content-Type"] = "text/xml"
    elif kind == "external-dtd":
        # Whoever resolves it is seen in `GET /_fake/fetched`.
        answer.body = ('<?xml version="1.0"?>'
                       f'<!DOCTYPE r SYSTEM "{service.address}/_fake/bait.dtd" '
                       f'[<!ENTITY e SYSTEM "{service.address}/_fake/bait">'
                       '<!ENTITY f SYSTEM "file:///etc/passwd">]><r>&e;&f;</r>').encode()
        answer.headers["Content-Type"] = "text/xml"
    return answer


def _bomb():
    """Ten entities, each ten times the one before: 10^10 words if expanded."""
    entities = ['<!ENTITY a0 "ha">']
    for depth in range(1, 11):
        entities.append(f'<!ENTITY a{depth} "{"&a%d;" % (depth - 1) * 10}">')
    return f'<?xml version="1.0"?><!DOCTYPE r [{"".join(entities)}]><r>&a10;</r>'
