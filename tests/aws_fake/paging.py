"""Pages of a list with opaque tokens."""

import base64
import binascii
import hashlib
import json

from .errors import Refusal


def _mark(call):
    plain = {name: value for name, value in call.input.items()
             if name not in ("NextToken", "MaxResults", "Marker", "PageToken", "nextToken",
                             "PageSize", "Limit", "maxResults", "MaxItems", "MaxRecords")}
    text = json.dumps([call.operation, plain], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def page(call, items, size, token, code="InvalidNextToken"):
    """(items of this page, token of the next or None)."""
    start = 0
    if token:
        try:
            mark, start = json.loads(base64.urlsafe_b64decode(token))
            if mark != _mark(call) or not isinstance(start, int):
                raise ValueError
        except (ValueError, TypeError, binascii.Error):
            raise Refusal(code, "The token is not valid for this call") from None
    if size is None:
        size = len(items) or 1
    end = start + size
    following = None
    if end < len(items):
        following = base64.urlsafe_b64encode(json.dumps([_mark(call), end]).encode()).decode()
    return items[start:end], following
