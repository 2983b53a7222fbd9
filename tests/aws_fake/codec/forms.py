"""Form bodies of the ec2 and query protocols -> checked input."""

from urllib.parse import unquote_plus

from ..errors import InputProblem
from .values import check, check_required, read_text


def parse(body):
    """The body as (name, value) pairs in order."""
    pairs = []
    try:
        text = body.decode("ascii")
        for part in text.split("&"):
            if part:
                name, _, value = part.partition("=")
                pairs.append((unquote_plus(name, errors="strict"),
                              unquote_plus(value, errors="strict")))
    except UnicodeDecodeError:
        raise InputProblem("body", "", "The query string is not valid UTF-8") from None
    return pairs


def _tree(pairs):
    root = {}
    for name, value in pairs:
        node = root
        parts = name.split(".")
        for part in parts[:-1]:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                raise InputProblem("body", name, f"{name} is both a value and a structure")
            node = below
        if parts[-1] in node:
            raise InputProblem("body", name, f"The parameter {name} appears twice")
        node[parts[-1]] = value
    return root


def ec2_name(member):
    if member.query_name:
        return member.query_name
    if member.location_name:
        return member.location_name[0].upper() + member.location_name[1:]
    return member.name[0].upper() + member.name[1:]


def query_name(member):
    if member.shape.type == "list" and member.flattened:
        return member.shape.member.location_name or member.location_name or member.name
    return member.location_name or member.name


def read(shape, pairs, protocol):
    """Checked input of `shape` from the pairs, without Action and Version."""
    tree = _tree([pair for pair in pairs if pair[0] not in ("Action", "Version")])
    if shape is None:
        if tree:
            raise InputProblem("unknown", next(iter(tree)),
                               f"The parameter {next(iter(tree))} is not recognized")
        return {}
    naming = ec2_name if protocol == "ec2" else query_name
    return _structure(shape, tree, "", naming)


def _structure(shape, tree, path, naming):
    names = shape.wire_names(naming)
    found = {}
    for key, below in tree.items():
        member = names.get(key)
        where = f"{path}.{key}" if path else key
        if member is None:
            raise InputProblem("unknown", where, f"The parameter {where} is not recognized")
        found[member.name] = _value(member.shape, member, below, where, naming)
    check_required(shape, found, path)
    return found


def _value(shape, member, below, path, naming):
    kind = shape.type
    if kind == "structure":
        if not isinstance(below, dict):
            if below == "":
                return {}
            raise InputProblem("type", path, f"a plain value where {path} is a structure")
        return _structure(shape, below, path, naming)
    if kind == "list":
        if below == "":
            return []
        if not isinstance(below, dict):
            raise InputProblem("type", path, f"a plain value where {path} is a list")
        if naming is query_name and not member.flattened:
            name = shape.member.location_name or "member"
            if set(below) != {name}:
                raise InputProblem("unknown", path, f"the entries of {path} are named {name}")
            below = below[name]
            path = f"{path}.{name}"
        items = [_value(shape.member.shape, shape.member, item, f"{path}.{number}", naming)
                 for number, item in _numbered(below, path)]
        check(shape, items, path)
        return items
    if kind == "map":
        if below == "":
            return {}
        if not member.flattened and naming is query_name:
            below = below.get("entry", {})
        found = {}
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        for number, item in _numbered(below, path):
            if not isinstance(item, dict) or key_name not in item:
                raise InputProblem("missing", path, f"entry {number} of {path} has no {key_name}")
            found[item[key_name]] = _value(shape.value.shape, shape.value,
                                           item.get(value_name, ""), f"{path}.{number}", naming)
        return found
    if isinstance(below, dict):
        raise InputProblem("unknown", path, f"The parameter {path}.{next(iter(below))} is not "
                           "recognized")
    value = read_text(shape, below, path)
    check(shape, value, path)
    return value


def _numbered(below, path):
    if not isinstance(below, dict):
        raise InputProblem("type", path, f"a plain value where {path} is a list")
    try:
        numbered = sorted((int(key), item) for key, item in below.items())
    except (TypeError, ValueError):
        raise InputProblem("unknown", path, f"{path} is a list: its entries have numbers") from None
    return numbered
