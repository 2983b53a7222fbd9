"""Everything there is: accounts, credentials, regions, the clock, tables, tokens, delays."""

import collections
import hashlib
import json
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time

from .errors import Refusal
from .faults import Faults


class Clock:
    """Wall time for signatures, and a time that tests can push for everything else."""

    def __init__(self, speed=1.0):
        self.speed = speed  # delays pass this many times faster
        self.offset = 0.0
        self.skew = 0.0  # how wrong the services' clock is, as clients see it

    def wall(self):
        return time.time() + self.skew

    def now(self):
        return time.time() + self.offset


class Credentials:
    def __init__(self, key, secret, account, arn, user_id, token=None, expires=None,
                 session_policies=(), role=None):
        self.key = key
        self.secret = secret
        self.account = account
        self.arn = arn
        self.user_id = user_id
        self.token = token
        self.expires = expires
        self.session_policies = session_policies
        self.role = role  # name of the role behind a session
        self.revoked = False


class Place:
    """One account in one region: tables by name, made when first asked for."""

    def __init__(self, account, region):
        self.account = account
        self.region = region
        self.tables = collections.defaultdict(dict)
        self.settings = {}

    def __getitem__(self, name):
        return self.tables[name]


# Seconds that things take at speed 1, near to what is usual; a test sets its own or a high speed.
_DELAYS = {
    "instance-start": 5, "instance-stop": 5, "instance-terminate": 5, "image": 30,
    "image-copy": 60, "snapshot": 10, "snapshot-copy": 30, "ssm-registration": 20, "volume": 1,
    "nat-gateway": 30, "stack": 2, "provision": 2, "parameter-check": 2,
    "store": 20, "fast-launch": 30,
}


class World:
    def __init__(self, models, speed=1.0, accounts=("111111111111",), organization=True):
        self.lock = threading.RLock()
        self.models = models
        self.clock = Clock(speed)
        self.port = 0  # where it is served
        self.faults = Faults()
        self.scratch = tempfile.mkdtemp(prefix="aws-fake-")
        self.seed_accounts = tuple(accounts)
        self.with_organization = organization
        self.running = {}  # scripts of commands, by process id
        self.reset()

    def reset(self):
        """Back to the first moment: the same accounts and keys, nothing in them."""
        with self.lock:
            self._end_running()
            self.places = {}
            self.images = {}
            self.snapshots = {}
            self.keys = {}  # KMS keys by ARN
            self.buckets = {}
            self.shared_portfolios = {}
            self.credentials = {}
            self.accounts = {}
            self.tokens = {}
            self.buckets_of_calls = {}
            for machine in getattr(self, "machines", {}).values():
                machine.forget()
            self.machines = {}  # by instance id
            self.delays = dict(_DELAYS)
            self.failures = {}
            self.made = collections.Counter()  # what calls made, by kind, whatever became of it
            self.most_instances = 0  # that existed at one moment
            self.switches = {"throttle": False, "lag": 0, "enforce": False,
                             "marketplace": [], "capacity": [], "copy-limit": 100, "store-limit": 1200,
                             "run-commands": True, "empty-pages": False, "command-rules": []}
            self.organization = {}
            for number, account in enumerate(self.seed_accounts):
                self.add_account(account, root=number == 0)

    def _end_running(self):
        for pid in list(self.running):
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass

    def close(self):
        self._end_running()
        for machine in list(self.machines.values()):
            machine.forget()
        shutil.rmtree(self.scratch, ignore_errors=True)

    # Accounts and keys.

    def add_account(self, account, root=False):
        """The account with an administrator's key that is known beforehand."""
        self.accounts[account] = {"Id": account, "Name": f"account-{account}"}
        key = "AKIA" + hashlib.sha256(account.encode()).hexdigest()[:16].upper()
        secret = hashlib.sha256(b"secret " + account.encode()).hexdigest()[:40]
        credentials = Credentials(key, secret, account, f"arn:aws:iam::{account}:user/admin",
                                  "AIDA" + key[4:])
        self.credentials[key] = credentials
        self.place(account, "aws-global")["users"]["admin"] = {
            "UserName": "admin", "UserId": credentials.user_id, "Arn": credentials.arn,
            "Path": "/", "CreateDate": self.clock.now(),
            "_policies": {"admin": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
            "_attached": [], "Tags": []}
        return credentials

    def place(self, account, region):
        place = self.places.get((account, region))
        if place is None:
            place = self.places[(account, region)] = Place(account, region)
        return place

    def all_places(self, table):
        """Every place that has something in `table`."""
        return [place for place in list(self.places.values()) if place.tables.get(table)]

    # Ids.

    def new_id(self, prefix, digits=17):
        return f"{prefix}-{secrets.token_hex(9)[:digits]}"

    # Delays and failures: `look` counts describes, so tests can do without any time at all.

    def due(self, kind):
        """When something of this kind that starts now will be done."""
        delay = self.delays.get(kind, 0)
        if isinstance(delay, dict):  # {"looks": n}
            return {"looks": delay["looks"]}
        return {"at": self.clock.now() + delay / self.clock.speed}

    def is_due(self, due, look=False):
        if due is None:
            return True
        if "looks" in due:
            if look:
                due["looks"] -= 1
            return due["looks"] < 0
        return self.clock.now() >= due["at"]

    def failure(self, kind, call):
        """The reason why the next thing of this kind shall fail, or None; each is used once."""
        for entry in self.failures.get(kind, []):
            if entry.get("region") not in (None, call.region) or \
                    entry.get("account") not in (None, call.account):
                continue
            entry["count"] = entry.get("count", 1) - 1
            if entry["count"] <= 0:
                self.failures[kind].remove(entry)
            return entry.get("reason", "Client.InternalError")
        return None

    # Client tokens (EC2 developer guide, "Ensuring idempotency").

    def once(self, call, token, create, code="IdempotentParameterMismatch", life=86400):
        """What `create` gave the first time this token came; refuses it with other parameters."""
        if not token:
            return create()
        plain = {name: value for name, value in call.input.items()
                 if name not in ("ClientToken", "IdempotencyToken", "ClientRequestToken", "DryRun",
                                 "ProvisionToken", "UpdateToken", "TerminateToken")}
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True, default=repr).encode()).digest()
        key = (call.account, call.region, call.service, call.operation, token)
        known = self.tokens.get(key)
        if known is not None and self.clock.now() - known[2] < life:
            if known[0] != digest:
                raise Refusal(code, "The request uses the same client token as a previous, but "
                              "non-identical request.")
            return known[1]
        result = create()
        self.tokens[key] = (digest, result, self.clock.now())
        return result


class Call:
    """One request, understood: who calls what, where, with what."""

    __slots__ = ("world", "service", "operation", "account", "region", "caller", "input",
                 "request_id", "place", "source", "endpoint", "raw")

    def __init__(self, world, service, operation, account, region, caller, request_id):
        self.world = world
        self.service = service
        self.operation = operation
        self.account = account
        self.region = region
        self.caller = caller
        self.request_id = request_id
        self.place = world.place(account, region)
        self.input = {}
        self.endpoint = ""
        self.raw = None

    @property
    def now(self):
        return self.world.clock.now()

    def arn(self, service, rest, region=True):
        where = self.region if region else ""
        return f"arn:aws:{service}:{where}:{self.account}:{rest}"

    def dry_run(self):
        """To be called when everything was checked and nothing was done yet."""
        if self.input.get("DryRun"):
            raise Refusal("DryRunOperation",
                          "Request would have succeeded, but DryRun flag is set.", 412)
