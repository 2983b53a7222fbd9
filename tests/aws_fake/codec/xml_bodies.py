"""XML: answers of ec2, query and rest-xml, and the request bodies of rest-xml."""

import base64
import xml.etree.ElementTree as ElementTree

from ..errors import InputProblem, OutputProblem
from .values import check, check_required, read_text, write_time

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"})


def escape(text):
    return text.translate(_ESCAPES)


def write_members(shape, value, out, path):
    """The members of a structure that live in the body, as elements appended to `out`."""
    if not isinstance(value, dict):
        raise OutputProblem(f"{path} is no structure: {value!r}")
    members = shape.members
    for name, item in value.items():
        if name[0] == "_" or item is None:
            continue
        member = members.get(name)
        if member is None:
            raise OutputProblem(f"{path}.{name} is not in {shape.name}")
        if member.location is not None or member.attribute:
            continue
        write_value(member, member.shape, member.location_name or name, item, out,
                    f"{path}.{name}")


def write_value(member, shape, name, value, out, path):
    kind = shape.type
    if kind == "structure":
        out.append(_opening(member, shape, name, value))
        write_members(shape, value, out, path)
        out.append(f"</{name}>")
    elif kind == "list":
        if not isinstance(value, (list, tuple)):
            raise OutputProblem(f"{path} is no list: {value!r}")
        inner = shape.member
        if member.flattened:
            item_name = inner.location_name or name
            for item in value:
                write_value(inner, inner.shape, item_name, item, out, path)
        else:
            item_name = inner.location_name or "member"
            out.append(f"<{name}>")
            for item in value:
                write_value(inner, inner.shape, item_name, item, out, path)
            out.append(f"</{name}>")
    elif kind == "map":
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        entry = name if member.flattened else "entry"
        if not member.flattened:
            out.append(f"<{name}>")
        for key, item in value.items():
            out.append(f"<{entry}><{key_name}>{escape(key)}</{key_name}>")
            write_value(shape.value, shape.value.shape, value_name, item, out, path)
            out.append(f"</{entry}>")
        if not member.flattened:
            out.append(f"</{name}>")
    else:
        out.append(f"<{name}>{escape(scalar_text(shape, value, path, member, 'iso8601'))}</{name}>")


def _opening(member, shape, name, value):
    attributes = ""
    namespace = member.namespace
    if namespace:
        prefix = namespace.get("prefix")
        attributes += f' xmlns{":" + prefix if prefix else ""}="{namespace["uri"]}"'
    for inner in shape.members.values():
        if inner.attribute and inner.name in value:
            attributes += f' {inner.location_name}="{escape(str(value[inner.name]))}"'
    return f"<{name}{attributes}>"


def scalar_text(shape, value, path, member=None, time_form="iso8601"):
    kind = shape.type
    if kind == "string":
        if not isinstance(value, str):
            raise OutputProblem(f"{path} is no string: {value!r}")
        if shape.enum is not None and value not in shape.enum:
            raise OutputProblem(f"{path}: {value!r} is not in {shape.name}")
        return value
    if kind == "boolean":
        if not isinstance(value, bool):
            raise OutputProblem(f"{path} is no boolean: {value!r}")
        return "true" if value else "false"
    if kind in ("integer", "long"):
        if isinstance(value, bool) or not isinstance(value, int):
            raise OutputProblem(f"{path} is no integer: {value!r}")
        return str(value)
    if kind in ("float", "double"):
        return repr(value)
    if kind == "timestamp":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise OutputProblem(f"{path} is no time: {value!r}")
        return write_time(value, (member and member.timestamp_format) or time_form)
    if kind == "blob":
        return base64.b64encode(value).decode()
    raise OutputProblem(f"{path} is a plain value where {kind} belongs")


def read(shape, body, path):
    """Checked input from a rest-xml body."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise InputProblem("body", path, "The XML you provided has a document type")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise InputProblem("body", path, f"The XML you provided was not well-formed: {error}") \
            from None
    return _read_value(shape, [root], path, None)


def _local(tag):
    return tag.rpartition("}")[2]


def _read_value(shape, elements, path, member):
    kind = shape.type
    if kind == "structure":
        grouped = {}
        for child in elements[0]:
            grouped.setdefault(_local(child.tag), []).append(child)
        found = {}
        names = shape.wire_names(xml_name)
        for name, children in grouped.items():
            inner = names.get(name)
            if inner is None:
                raise InputProblem("body", path, f"unknown element {name}")
            found[inner.name] = _read_value(inner.shape, children, f"{path}.{name}", inner)
        for inner in shape.members.values():
            if inner.attribute:
                for key, text in elements[0].attrib.items():
                    if _local(key) == inner.location_name.partition(":")[2]:
                        found[inner.name] = text
        check_required(shape, found, path)
        return found
    if kind == "list":
        if member is not None and not member.flattened:
            elements = list(elements[0])
        items = [_read_value(shape.member.shape, [item], path, shape.member) for item in elements]
        check(shape, items, path)
        return items
    value = read_text(shape, elements[0].text or "", path)
    check(shape, value, path)
    return value


def xml_name(member):
    if member.shape.type == "list" and member.flattened:
        return member.location_name or member.shape.member.location_name or member.name
    return member.location_name or member.name
