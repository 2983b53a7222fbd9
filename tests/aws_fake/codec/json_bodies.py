"""JSON bodies both ways, checked against the shapes."""

import base64
import json

from ..errors import InputProblem, OutputProblem
from .values import check, check_required, read_base64, read_time, write_time


def parse(body):
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise InputProblem("body", "", f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputProblem("body", "", "Unexpected token: the body is no JSON object")
    return value


def json_name(member):
    return member.location_name or member.name


def read(shape, value, path):
    """Checked input of `shape` from parsed JSON."""
    kind = shape.type
    if kind == "structure":
        if shape.document:
            return value
        if not isinstance(value, dict):
            raise InputProblem("type", path, "Start of structure or map found where not expected")
        names = shape.wire_names(json_name)
        found = {}
        for key, item in value.items():
            if item is None:
                continue
            member = names.get(key)
            where = f"{path}.{key}" if path else key
            if member is None or member.location is not None:
                raise InputProblem("unknown", where, f"unknown member {where}")
            found[member.name] = read(member.shape, item, where)
        if shape.payload is None:
            in_body = [name for name in shape.required
                       if shape.members[name].location is None and name not in found]
            if in_body:
                where = f"{path}.{in_body[0]}" if path else in_body[0]
                raise InputProblem("missing", where, f"Value null at '{where}' failed to satisfy "
                                   "constraint: Member must not be null")
        return found
    if kind == "list":
        if not isinstance(value, list):
            raise InputProblem("type", path, "Expected list or null")
        items = [read(shape.member.shape, item, f"{path}.{number + 1}")
                 for number, item in enumerate(value)]
        check(shape, items, path)
        return items
    if kind == "map":
        if not isinstance(value, dict):
            raise InputProblem("type", path, "Expected map or null")
        found = {}
        for key, item in value.items():
            check(shape.key.shape, key, f"{path} (key)")
            found[key] = read(shape.value.shape, item, f"{path}.{key}")
        check(shape, found, path)
        return found
    if kind == "timestamp":
        return read_time(value, path)
    if kind == "blob":
        if not isinstance(value, str):
            raise InputProblem("type", path, "a blob is base64 text")
        found = read_base64(value, path)
        check(shape, found, path)
        return found
    expected = {"string": str, "boolean": bool, "integer": int, "long": int,
                "float": (int, float), "double": (int, float)}[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean"):
        raise InputProblem("type", path, f"{value!r} can not be converted to {kind}")
    check(shape, value, path)
    return value


def write(shape, value, path):
    """JSON-ready form of an output value; raises OutputProblem when the model does not allow it."""
    kind = shape.type
    if kind == "structure":
        if shape.document:
            return value
        if not isinstance(value, dict):
            raise OutputProblem(f"{path} is no structure: {value!r}")
        out = {}
        for name, item in value.items():
            if name[0] == "_" or item is None:
                continue
            member = shape.members.get(name)
            if member is None:
                raise OutputProblem(f"{path}.{name} is not in {shape.name}")
            if member.location is not None:
                continue
            out[member.location_name or name] = _timed(member, item, f"{path}.{name}")
        return out
    if kind == "list":
        if not isinstance(value, (list, tuple)):
            raise OutputProblem(f"{path} is no list: {value!r}")
        return [write(shape.member.shape, item, path) for item in value]
    if kind == "map":
        return {key: write(shape.value.shape, item, f"{path}.{key}")
                for key, item in value.items()}
    if kind == "string":
        if not isinstance(value, str):
            raise OutputProblem(f"{path} is no string: {value!r}")
        if shape.enum is not None and value not in shape.enum:
            raise OutputProblem(f"{path}: {value!r} is not in {shape.name}")
        return value
    if kind == "boolean":
        if not isinstance(value, bool):
            raise OutputProblem(f"{path} is no boolean: {value!r}")
        return value
    if kind == "blob":
        return base64.b64encode(value).decode()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OutputProblem(f"{path} is no number: {value!r}")
    if kind in ("integer", "long") and not isinstance(value, int):
        raise OutputProblem(f"{path} is no integer: {value!r}")
    return round(value, 3) if kind == "timestamp" else value


def _timed(member, item, path):
    if member.shape.type == "timestamp" and member.timestamp_format not in (None, "unixTimestamp"):
        return write_time(item, member.timestamp_format)
    return write(member.shape, item, path)
