"""Faults on demand, the counter of calls and their log."""

import itertools
import threading

KINDS = ("throttle", "error", "delay", "drop-before", "drop-after", "reset-before", "reset-after",
         "html-500", "html-500-after", "answer", "cut", "die-before", "die-after", "kill-before",
         "kill-after")


class Faults:
    """Which call goes wrong, and how. `nth` counts the calls that fit, from 1."""

    def __init__(self):
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.rules = []
        self.log = []
        self.total = 0
        self.dead = False
        self.keep_log = True

    def add(self, rule):
        if rule.get("kind") not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        unknown = set(rule) - {"kind", "service", "operation", "account", "region", "nth", "count",
                               "seconds", "code", "message", "status", "mutating", "pid", "every",
                               "body", "content_type"}
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        with self._lock:
            entry = dict(rule, id=next(self._numbers), seen=0, hit=0)
            self.rules.append(entry)
            return entry["id"]

    def clear(self):
        with self._lock:
            self.rules = []
            self.dead = False

    def forget(self):
        with self._lock:
            self.log = []
            self.total = 0

    def match(self, service, operation, account, region):
        """The fault of this call, or None. Counts it."""
        with self._lock:
            self.total += 1
            chosen = None
            for rule in self.rules:
                if any(rule.get(name) not in (None, value) for name, value in
                       (("service", service), ("operation", operation), ("account", account),
                        ("region", region))):
                    continue
                if rule.get("mutating") and not is_mutating(operation):
                    continue
                rule["seen"] += 1
                first = rule.get("nth", 1)
                count = rule.get("count", 1)
                every = rule.get("every")
                if every:
                    hit = rule["seen"] % every == 0
                else:
                    hit = first <= rule["seen"] and (count < 0 or rule["seen"] < first + count)
                if hit and chosen is None:
                    rule["hit"] += 1
                    chosen = rule
            if chosen is not None and chosen["kind"] in ("die-before", "die-after"):
                self.dead = True
            return chosen

    def record(self, entry):
        if self.keep_log:
            with self._lock:
                entry["number"] = len(self.log) + 1
                self.log.append(entry)


def is_mutating(operation):
    return not operation.startswith(("Describe", "Get", "List", "Head", "Search", "Lookup",
                                     "Simulate", "Batch", "Scan", "Validate"))
