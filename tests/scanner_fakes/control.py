"""The control endpoint, `/_fake/...`: JSON in, JSON out. README.md lists what there is."""

import copy
import json

from .message import Answer


def answer(service, request):
    name = request.path[len("/_fake/"):].strip("/")
    if name.startswith("bait"):
        with service.lock:
            service.fetched.append(name)
        return Answer(200, "<!ENTITY g 'taken'>", "application/xml-dtd")
    handler = _ROUTES.get((request.method, name))
    if handler is None:
        return _json(404, {"error": f"no {request.method} {name}", "there are": sorted(
            f"{method} {path}" for method, path in _ROUTES)})
    try:
        given = json.loads(request.body) if request.body.strip() else {}
        with service.lock:
            return _json(200, handler(service, given, request.query))
    except (ValueError, KeyError, TypeError) as error:
        return _json(400, {"error": f"{type(error).__name__}: {error}"})


def _json(status, document):
    return Answer(status, json.dumps(document), "application/json")


def _hosts(service, given, _):
    if not isinstance(given, list):
        given = given["hosts"]
    service.take_hosts(given)
    return {"hosts": service.hosts}


def _walk(service, given, _):
    """`steps` is the whole course, `end` another last step; `scan` an existing scan's name."""
    if "steps" in given:
        steps = given["steps"]
    elif "end" in given:
        steps = copy.deepcopy(service.walk_default[:-1]) + [given["end"]]
    else:
        steps = service.walk_default
    if not steps or not all(isinstance(step, dict) for step in steps):
        raise ValueError("steps is a list of objects")
    service.check_steps(steps)
    if "scan" in given:
        service.scan_named(given["scan"]).walk.go(steps)
    else:
        service.steps = steps
    return {"steps": steps}


def _add_faults(service, given, _):
    rules = given if isinstance(given, list) else [given]
    return {"ids": [service.faults.add(rule) for rule in rules]}


def _settings(service, given, _):
    unknown = set(given) - set(service.settings)
    if unknown:
        raise ValueError(f"no setting {', '.join(sorted(unknown))}")
    service.settings.update(given)
    return service.settings


def _calls(service, _, query):
    wanted = dict(query)
    after = int(wanted.pop("after", 0))
    calls = [entry for entry in service.log[after:]
             if all(str(entry.get(name)) == value for name, value in wanted.items())]
    counts = {}
    for entry in calls:
        counts[entry["operation"]] = counts.get(entry["operation"], 0) + 1
    return {"calls": calls, "counts": counts,
            "secrets_in_urls": sum(entry["secret_in_url"] for entry in calls)}


def _clock(service, given, _):
    service.clock.offset += float(given.get("advance", 0))
    service.clock.skew = float(given.get("skew", service.clock.skew))
    return {"now": service.clock.now(), "skew": service.clock.skew}


_ROUTES = {
    ("POST", "hosts"): _hosts,
    ("GET", "hosts"): lambda service, _, __: {"hosts": service.hosts},
    ("POST", "walk"): _walk,
    ("GET", "walk"): lambda service, _, __: {"steps": service.steps},
    ("POST", "faults"): _add_faults,
    ("GET", "faults"): lambda service, _, __: {"faults": service.faults.rules},
    ("DELETE", "faults"): lambda service, _, __: service.faults.clear() or {},
    ("POST", "settings"): _settings,
    ("GET", "settings"): _settings,
    ("GET", "state"): lambda service, _, __: service.state(),
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): lambda service, _, __: service.log.clear() or {},
    ("GET", "fetched"): lambda service, _, __: {"fetched": service.fetched},
    ("POST", "clock"): _clock,
    ("GET", "clock"): _clock,
    ("POST", "reset"): lambda service, _, __: service.reset() or {},
}
