"""rest-json and rest-xml: which operation a request is, and values outside the body."""

import json
import re
from urllib.parse import unquote

from ..errors import InputProblem, OutputProblem, Refusal
from . import json_bodies, xml_bodies
from .values import check, check_required, read_text


class Route:
    def __init__(self, operation):
        path, _, query = operation.uri.partition("?")
        self.operation = operation
        self.labels = []
        pattern = ""
        for part in re.split(r"(\{[^}]+\})", path.rstrip("/") or ""):
            if part.startswith("{"):
                name = part[1:-1]
                greedy = name.endswith("+")
                self.labels.append(name.rstrip("+"))
                pattern += "(.+)" if greedy else "([^/]+)"
            else:
                pattern += re.escape(part)
        self.pattern = re.compile(pattern + "/?$", re.DOTALL)
        self.literals = [part.partition("=")[::2] for part in query.split("&") if part]
        self.needed_query = []
        self.needed_headers = []
        if operation.input is not None:
            for name in operation.input.required:
                member = operation.input.members[name]
                if member.location == "querystring":
                    self.needed_query.append(member.location_name or name)
                elif member.location == "header":
                    self.needed_headers.append((member.location_name or name).lower())
        self.length = len(path)

    def score(self, path, query, headers):
        """How well the request fits; None when it does not."""
        match = self.pattern.match(path)
        if match is None:
            return None
        for name, value in self.literals:
            if name == "x-id":
                continue
            if name not in query or (value and query[name][0] != value):
                return None
        if any(name not in query for name in self.needed_query):
            return None
        if any(name not in headers for name in self.needed_headers):
            return None
        literal = [name for name, _ in self.literals if name != "x-id"]
        return (2 * len(literal) + len(self.needed_query) + len(self.needed_headers),
                self.length), match


def find(service, method, path, query, headers):
    """(operation, labels) of a request; UnknownOperationException when there is none."""
    if service.routes is None:
        routes = {}
        for name in service.operation_names():
            operation = service.operation(name)
            routes.setdefault(operation.method, []).append(Route(operation))
        service.routes = routes
    best = None
    for route in service.routes.get(method, ()):
        scored = route.score(path, query, headers)
        if scored is not None and (best is None or scored[0] > best[0]):
            best = scored[0], route, scored[1]
    if best is None:
        raise Refusal("UnknownOperationException", f"{method} {path} is no operation", 404)
    _, route, match = best
    return route.operation, dict(zip(route.labels, (unquote(text) for text in match.groups())))


def read(service, operation, labels, query, headers, body):
    """Checked input of a request."""
    shape = operation.input
    found = {}
    if shape is None:
        return found
    for name, member in shape.members.items():
        wire = member.location_name or name
        location = member.location
        if location == "uri":
            if wire in labels:
                found[name] = read_text(member.shape, labels[wire], name)
        elif location == "querystring":
            if member.shape.type == "map":
                continue
            if wire in query:
                if member.shape.type == "list":
                    found[name] = [read_text(member.shape.member.shape, text, name)
                                   for text in query[wire]]
                else:
                    found[name] = read_text(member.shape, query[wire][0], name)
        elif location == "header":
            if wire.lower() in headers:
                text = headers[wire.lower()]
                if member.shape.type == "list":
                    found[name] = [part.strip() for part in text.split(",")]
                else:
                    found[name] = read_text(member.shape, text, name)
        elif location == "headers":
            prefix = wire.lower()
            found[name] = {key[len(prefix):]: text for key, text in headers.items()
                           if key.startswith(prefix)}
            if not found[name]:
                del found[name]
        if name in found and member.shape.type not in ("map", "structure"):
            check(member.shape, found[name], name)
    if shape.payload:
        member = shape.members[shape.payload]
        if member.shape.type in ("blob", "string"):
            if body or member.shape.type == "blob":
                found[shape.payload] = body if member.shape.type == "blob" else body.decode()
        elif body:
            if service.protocol == "rest-xml":
                found[shape.payload] = xml_bodies.read(member.shape, body, shape.payload)
            else:
                found[shape.payload] = json_bodies.read(member.shape, json_bodies.parse(body),
                                                        shape.payload)
    elif body and service.protocol == "rest-json":
        found.update(json_bodies.read(shape, json_bodies.parse(body), ""))
    check_required(shape, found, "")
    return found


def write(service, operation, output):
    """(status, headers, body) of an answer. A streaming member's bytes are the body."""
    shape = operation.output
    headers = {}
    status = output.get("_status", operation.status)
    if shape is None:
        return status, headers, b""
    for name, value in output.items():
        if name[0] == "_" or value is None:
            continue
        member = shape.members.get(name)
        if member is None:
            raise OutputProblem(f"{operation.name}: {name} is not in {shape.name}")
        if member.location == "header":
            text = xml_bodies.scalar_text(member.shape, value, name, member, "rfc822")
            headers[member.location_name or name] = text
        elif member.location == "headers":
            for key, text in value.items():
                headers[(member.location_name or "") + key] = text
        elif member.location == "statusCode":
            status = value
    if shape.payload:
        member = shape.members[shape.payload]
        value = output.get(shape.payload)
        if member.shape.type == "blob":
            return status, headers, value or b""
        if member.shape.type == "string":
            return status, headers, (value or "").encode()
        if value is None:
            return status, headers, b""
        if service.protocol == "rest-xml":
            out = []
            xml_bodies.write_value(member, member.shape, member.location_name or shape.payload,
                                   value, out, operation.name)
            headers["Content-Type"] = "application/xml"
            return status, headers, "".join(out).encode()
        headers["Content-Type"] = "application/json"
        return status, headers, json.dumps(
            json_bodies.write(member.shape, value, operation.name)).encode()
    if service.protocol == "rest-json":
        headers["Content-Type"] = "application/json"
        return status, headers, json.dumps(
            json_bodies.write(shape, output, operation.name)).encode()
    in_body = [name for name in output
               if name[0] != "_" and shape.members[name].location is None]
    if not in_body and all(member.location for member in shape.members.values()):
        return status, headers, b""
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n',
           f'<{shape.name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">']
    xml_bodies.write_members(shape, output, out, operation.name)
    out.append(f"</{shape.name}>")
    headers["Content-Type"] = "application/xml"
    return status, headers, "".join(out).encode()


__all__ = ["find", "read", "write", "InputProblem"]
