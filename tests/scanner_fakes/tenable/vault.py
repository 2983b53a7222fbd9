"""Uploaded files and managed credentials."""

import re
import uuid

from .answers import NO_FILE, Refusal, reply


def _uploaded(service, request):
    """Keeps the part `Filedata` of a form; the name it got, which need not be the one sent."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if not boundary:
        raise Refusal(400, "Invalid request body")
    for part in request.body.split(b"--" + boundary[1].encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="Filedata"' not in head:
            continue
        found = re.search(rb'filename="([^"]*)"', head)
        name = (found[1].decode() if found else "") or "file"
        stem, dot, suffix = name.rpartition(".")
        number = 0
        while name in service.files:
            number += 1
            name = f"{stem or suffix}-{number}{dot + suffix if stem else ''}"
        service.files[name] = content.removesuffix(b"\r\n")
        return name
    raise Refusal(400, "Invalid 'Filedata' field")


def _upload(service, request, *_):
    return reply({"fileuploaded": _uploaded(service, request)})


def _create(service, _, given, __):
    for name in ("name", "type", "settings"):
        if not given.get(name):
            raise Refusal(400, f"Invalid '{name}' field")
    key = str(uuid.uuid4())
    service.credentials[key] = {"name": given["name"], "type": given["type"],
                                "description": given.get("description", ""),
                                "settings": given["settings"], "created": service.clock.text()}
    return reply({"uuid": key})


def _shown(key, item):
    return {"uuid": key, "name": item["name"], "description": item["description"],
            "category": {"id": "Host", "name": "Host"},
            "type": {"id": item["type"], "name": item["type"]}, "created_date": item["created"],
            "last_used_by": None, "permission": 64}


def _list(service, _, given, __):
    limit, offset = int(given.get("limit", 50)), int(given.get("offset", 0))
    items = [_shown(key, item) for key, item in service.credentials.items()]
    return reply({"credentials": items[offset:offset + limit], "pagination": {
        "total": len(items), "limit": limit, "offset": offset,
        "sort": [{"name": "created_date", "order": "desc"}]}})


def _get(service, _, __, ___, key):
    if key not in service.credentials:
        raise Refusal(404, NO_FILE)
    return reply(_shown(key, service.credentials[key]))


def _delete(service, _, __, ___, key):
    if service.credentials.pop(key, None) is None:
        raise Refusal(404, NO_FILE)
    return reply({"deleted": True})


def opens(service, credentials):
    """Do a scan's credentials hold anything that can log in? What they name must be there."""
    for item in _members(credentials.get("add") or {}):
        if item.get("id") in service.credentials:
            item = service.credentials[item["id"]]["settings"]
        key = item.get("private_key")
        if item.get("username") and (item.get("password")
                                     or b"PRIVATE KEY" in service.files.get(key, b"")):
            return True
    return False


def _members(value):
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _members(item)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


ROUTES = [
    ("POST", "/file/upload", "file.upload", _upload),
    ("POST", "/credentials/files", "credential.upload", _upload),
    ("POST", "/credentials", "credential.create", _create),
    ("GET", "/credentials", "credential.list", _list),
    ("GET", "/credentials/([^/]+)", "credential.get", _get),
    ("DELETE", "/credentials/([^/]+)", "credential.delete", _delete),
]
