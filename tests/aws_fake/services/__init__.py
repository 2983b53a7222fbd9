"""The operations that the stand-in knows, by service and name."""

import importlib

_OPERATIONS = {}

MODULES = (
    "sts", "ec2.instances", "ec2.images", "ec2.copies", "ec2.snapshots", "ec2.volumes",
    "ec2.networks", "ec2.tags", "ec2.launch_templates", "ec2.catalog", "ec2.allowed_images",
    "ec2.archives", "ec2.fast_launch", "ec2.watermarks", "ebs", "parameters",
    "commands", "iam", "kms", "s3", "sns", "sesv2", "servicecatalog", "config", "events",
    "organizations", "cloudformation", "functions", "inspector2",
    "inspector_scans", "inspector_scan", "secrets", "autoscaling",
)


class Handler:
    __slots__ = ("function", "own_dry_run", "unlocked")

    def __init__(self, function, own_dry_run, unlocked):
        self.function = function
        self.own_dry_run = own_dry_run
        self.unlocked = unlocked


def operation(service, name, own_dry_run=False, unlocked=False):
    """Registers a function(call) -> output. `own_dry_run`: it calls call.dry_run() itself;
    `unlocked`: it takes the world's lock itself, where it must."""

    def register(function):
        _OPERATIONS[(service, name)] = Handler(function, own_dry_run, unlocked)
        return function

    return register


def handler(service, name):
    return _OPERATIONS.get((service, name))


def known():
    """{service: [operations]}."""
    found = {}
    for service, name in sorted(_OPERATIONS):
        found.setdefault(service, []).append(name)
    return found


def load():
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}")
