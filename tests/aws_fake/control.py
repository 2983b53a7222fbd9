"""The control endpoint, `/_fake/...`: JSON in, JSON out. README.md lists what there is."""

import json
from urllib.parse import unquote

from . import leftovers, services
from .errors import Refusal


def answer(world, request):
    """(status, headers, body)."""
    headers = {"Content-Type": "application/json"}
    name = unquote(request.path[len("/_fake/"):]).strip("/")
    handler = _ROUTES.get((request.method, name))
    if handler is None:
        return 404, headers, json.dumps({
            "error": f"no {request.method} {name}",
            "there are": sorted(f"{method} {path}" for method, path in _ROUTES)}).encode()
    try:
        given = json.loads(request.body) if request.body.strip() else {}
        with world.lock:
            result = handler(world, given, request.query)
        return 200, headers, json.dumps(result, default=_plain).encode()
    except (ValueError, KeyError, TypeError, Refusal) as error:
        return 400, headers, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode()


def _plain(value):
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


def _add_fault(world, given, _):
    rules = given if isinstance(given, list) else [given]
    return {"ids": [world.faults.add(rule) for rule in rules]}


def _calls(world, _, query):
    wanted = {name: values[0] for name, values in query.items()}
    after = int(wanted.pop("after", 0))
    return {"total": world.faults.total,
            "calls": [{name: value for name, value in entry.items() if value is not None}
                      for entry in world.faults.log[after:]
                      if all(str(entry.get(name)) == value for name, value in wanted.items())]}


def _counts(world, _, __):
    counts = {}
    for entry in world.faults.log:
        key = f"{entry['service']} {entry['operation']}"
        counts[key] = counts.get(key, 0) + 1
    return {"total": world.faults.total, "counts": dict(sorted(counts.items()))}


def _made(world, _, __):
    return {"made": dict(world.made), "most_instances": world.most_instances}


def _clock(world, given, _):
    clock = world.clock
    clock.offset += float(given.get("advance", 0))
    clock.skew = float(given.get("skew", clock.skew))
    clock.speed = float(given.get("speed", clock.speed))
    return {"now": clock.now(), "skew": clock.skew, "speed": clock.speed}


def _delays(world, given, _):
    unknown = set(given) - set(world.delays)
    if unknown:
        raise ValueError(f"no delay of {', '.join(sorted(unknown))}")
    world.delays.update(given)
    return world.delays


def _switches(world, given, _):
    unknown = set(given) - set(world.switches) - {"metadata-role"}
    if unknown:
        raise ValueError(f"no switch {', '.join(sorted(unknown))}")
    world.switches.update(given)
    return world.switches


def _failures(world, given, _):
    kind = given.pop("kind")
    if kind not in ("image", "image-copy", "snapshot", "snapshot-copy", "instance-start", "stack",
                    "provision", "nat-gateway"):
        raise ValueError(f"nothing of kind {kind} can fail")
    world.failures.setdefault(kind, []).append(given)
    return world.failures


def _accounts(world, given, _):
    if given:
        account = given["account"]
        if len(account) != 12 or not account.isdigit():
            raise ValueError("an account is 12 digits")
        if account not in world.accounts:
            world.add_account(account)
    return {"accounts": [{"account": item.account, "access_key_id": item.key,
                          "secret_access_key": item.secret}
                         for item in world.credentials.values() if item.token is None]}


def _organization(world, given, _):
    from .services import organizations
    return organizations.arrange(world, given)


def _image(world, given, _):
    from .services.ec2 import seeds
    return seeds.public_image(world, given)


def _parameter(world, given, _):
    from .services import parameters
    return parameters.public_parameter(world, given)


def _network(world, given, _):
    from .services.ec2 import networks
    return networks.ready_network(world, given)


def _revoke(world, given, _):
    world.credentials[given["access_key_id"]].revoked = bool(given.get("revoked", True))
    return {}


def _expire(world, given, _):
    count = 0
    for credentials in world.credentials.values():
        if credentials.token is not None and given.get("account") in (None, credentials.account):
            credentials.expires = world.clock.now()
            count += 1
    return {"expired": count}


def _findings(world, given, _):
    world.place(given["account"], given["region"]).settings["findings"] = given["findings"]
    return {}


def _inspector(world, given, query):
    from .services import inspector2
    return inspector2.arrange(world, given or {name: values[0] for name, values in query.items()})


def _secret(world, given, _):
    from .services import secrets
    return secrets.put(world, given)


def _confirm(world, given, _):
    from .services import sns
    return sns.confirm(world, given["topic"], given["endpoint"])


def _reset(world, _, __):
    world.faults.clear()
    world.faults.forget()
    world.reset()
    return {}


_ROUTES = {
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): lambda world, _, __: {"faults": world.faults.rules,
                                             "dead": world.faults.dead},
    ("DELETE", "faults"): lambda world, _, __: world.faults.clear() or {},
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): lambda world, _, __: world.faults.forget() or {},
    ("GET", "counts"): _counts,
    ("GET", "made"): _made,
    ("GET", "leftovers"): lambda world, _, query: leftovers.everything(world, query),
    ("GET", "operations"): lambda world, _, __: services.known(),
    ("POST", "clock"): _clock,
    ("GET", "clock"): _clock,
    ("POST", "delays"): _delays,
    ("GET", "delays"): _delays,
    ("POST", "switches"): _switches,
    ("GET", "switches"): _switches,
    ("POST", "failures"): _failures,
    ("POST", "accounts"): _accounts,
    ("GET", "accounts"): _accounts,
    ("POST", "organization"): _organization,
    ("POST", "images"): _image,
    ("POST", "parameters"): _parameter,
    ("POST", "network"): _network,
    ("POST", "findings"): _findings,
    ("POST", "inspector"): _inspector,
    ("GET", "inspector"): _inspector,
    ("POST", "secrets"): _secret,
    ("POST", "confirm-subscription"): _confirm,
    ("POST", "revoke"): _revoke,
    ("POST", "expire-sessions"): _expire,
    ("POST", "reset"): _reset,
}
