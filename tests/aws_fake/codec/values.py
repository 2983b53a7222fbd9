"""Single values: text on the wire to Python and back, and the model's limits on them."""

import base64
import binascii
import datetime
import email.utils
import re

from ..errors import InputProblem

_ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$")


def read_time(text, path):
    """Seconds since 1970 from any of the three forms."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text)
    try:
        return float(text)
    except (TypeError, ValueError):
        pass
    try:
        if _ISO.match(text):
            value = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            if value.tzinfo is None:
                value = value.replace(tzinfo=datetime.timezone.utc)
            return value.timestamp()
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        raise InputProblem("type", path, f"'{text}' is not a timestamp") from None


def write_time(seconds, form):
    if form == "unixTimestamp":
        whole = int(seconds)
        return str(whole) if whole == seconds else f"{seconds:.3f}"
    if form == "rfc822":
        return email.utils.formatdate(seconds, usegmt=True)
    moment = datetime.datetime.fromtimestamp(round(seconds, 3), datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def read_text(shape, text, path, timestamp_format=None):
    """A scalar that came as text (form, XML, header, query string)."""
    kind = shape.type
    if kind == "string":
        return text
    if kind in ("integer", "long"):
        try:
            return int(text)
        except ValueError:
            raise InputProblem("type", path, f"'{text}' is not an integer") from None
    if kind == "boolean":
        lowered = text.lower()
        if lowered not in ("true", "false", "1", "0"):
            raise InputProblem("type", path, f"'{text}' is not a boolean")
        return lowered in ("true", "1")
    if kind in ("float", "double"):
        try:
            return float(text)
        except ValueError:
            raise InputProblem("type", path, f"'{text}' is not a number") from None
    if kind == "timestamp":
        return read_time(text, path)
    if kind == "blob":
        return read_base64(text, path)
    raise InputProblem("type", path, f"a plain value where a {kind} belongs")


def read_base64(text, path):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputProblem("type", path, "not base64") from None


def check(shape, value, path):
    """The limits of a scalar, list or map: length, range, enumeration, pattern."""
    kind = shape.type
    if kind == "string":
        if shape.enum is not None and value not in shape.enum:
            raise InputProblem(
                "value", path, f"Value ({value}) for parameter {path} is invalid: not one of the "
                "values that the service knows")
        size = len(value)
        if shape.maximum is not None and size > shape.maximum:
            raise InputProblem("value", path, f"Value at '{path}' failed to satisfy constraint: "
                               f"Member must have length less than or equal to {shape.maximum}")
        if shape.minimum is not None and size < shape.minimum:
            raise InputProblem("value", path, f"Value at '{path}' failed to satisfy constraint: "
                               f"Member must have length greater than or equal to {shape.minimum}")
        pattern = shape.pattern
        if pattern is not None and not pattern.search(value):
            raise InputProblem("value", path, f"Value '{value}' at '{path}' failed to satisfy "
                               f"constraint: Member must satisfy regular expression pattern: "
                               f"{pattern.pattern}")
    elif kind in ("integer", "long", "float", "double"):
        if ((shape.maximum is not None and value > shape.maximum)
                or (shape.minimum is not None and value < shape.minimum)):
            raise InputProblem("value", path, f"Value ({value}) for parameter {path} is invalid: "
                               f"not between {shape.minimum} and {shape.maximum}")
    elif kind in ("list", "map", "blob"):
        if ((shape.maximum is not None and len(value) > shape.maximum)
                or (shape.minimum is not None and len(value) < shape.minimum)):
            raise InputProblem("value", path, f"Value at '{path}' failed to satisfy constraint: "
                               f"{len(value)} entries, not {shape.minimum} to {shape.maximum}")


def check_required(shape, found, path):
    for name in shape.required:
        if name not in found:
            where = f"{path}.{name}" if path else name
            raise InputProblem("missing", where,
                               f"The request must contain the parameter {where}")
