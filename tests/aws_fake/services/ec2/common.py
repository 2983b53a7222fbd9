"""What the parts of EC2 share: ids, filters, tags, pages, lookups with lag."""

import fnmatch
import functools
import re

from ...errors import Refusal
from ...paging import page

_ID = re.compile(r"^[a-z]+(-[a-z]+)*-([0-9a-f]{8}|[0-9a-f]{17})$")

# Words of the error codes that do not follow from the resource's name.
CODES = {
    "ami": "InvalidAMIID", "i": "InvalidInstanceID", "snap": "InvalidSnapshot",
    "vol": "InvalidVolume", "subnet": "InvalidSubnetID", "sg": "InvalidGroup",
    "vpc": "InvalidVpcID", "lt": "InvalidLaunchTemplateId", "igw": "InvalidInternetGatewayID",
    "rtb": "InvalidRouteTableID", "nat": "NatGateway", "eipalloc": "InvalidAllocationID",
    "vpce": "InvalidVpcEndpointId", "eni": "InvalidNetworkInterfaceID", "key": "InvalidKeyPair",
}
_NAMES = {"ami": "image id", "i": "instance ID", "snap": "snapshot", "vol": "volume",
          "subnet": "subnet ID", "sg": "security group", "vpc": "vpc ID"}


def check_id(prefix, text):
    """Throws InvalidXxxID.Malformed for what can not be an id of this kind."""
    if not text.startswith(prefix + "-") or not _ID.match(text):
        code = CODES[prefix]
        if prefix == "snap":
            code = "InvalidSnapshotID"
        raise Refusal(f"{code}.Malformed",
                      f'Invalid id: "{text}" (expecting "{prefix}-...")')


def not_found(prefix, *ids):
    raise Refusal(f"{CODES[prefix]}.NotFound" if prefix != "nat" else "NatGatewayNotFound",
                  f"The {_NAMES.get(prefix, prefix)} '{', '.join(ids)}' does not exist")


def born(call, item):
    """Marks a new resource: the first `lag` looks at it by id do not find it."""
    lag = call.world.switches["lag"]
    if lag:
        item["_lag"] = lag
    return item


def hidden(item):
    """True while a new resource is not yet seen everywhere. Counts the look."""
    lag = item.get("_lag", 0)
    if lag > 0:
        item["_lag"] = lag - 1
        return True
    return False


def find(call, table, prefix, name):
    """The resource `name` of the caller's place."""
    check_id(prefix, name)
    item = call.place[table].get(name)
    if item is None or hidden(item):
        not_found(prefix, name)
    return item


def select(call, table, prefix, ids):
    """All resources of a table, or exactly those named."""
    items = call.place[table]
    if not ids:
        return [item for item in items.values() if not hidden(item)]
    for name in ids:
        check_id(prefix, name)
    missing = [name for name in ids if name not in items or hidden(items[name])]
    if missing:
        not_found(prefix, *missing)
    return [items[name] for name in dict.fromkeys(ids)]


# Tags.

def tags_for(call, kind):
    """The tags that TagSpecifications gives to a new resource of this kind."""
    found = {}
    for group in call.input.get("TagSpecifications", ()):
        if group.get("ResourceType") == kind:
            for tag in group.get("Tags", ()):
                add_tag(found, tag)
    return shown_tags(found)


def check_kinds(call, allowed):
    for group in call.input.get("TagSpecifications", ()):
        if group.get("ResourceType") not in allowed:
            raise Refusal("InvalidParameterValue", f"'{group.get('ResourceType')}' is not a valid "
                          "taggable resource type for this operation.")


def add_tag(found, tag):
    key, value = tag.get("Key", ""), tag.get("Value", "")
    if not key:
        raise Refusal("InvalidParameterValue", "Tag keys must not be empty")
    if len(key) > 127 or len(value) > 256:
        raise Refusal("InvalidParameterValue", "Tag keys have at most 127 characters, values 256")
    if key.lower().startswith("aws:"):
        raise Refusal("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for "
                      "internal use")
    found[key] = value
    if len(found) > 50:
        raise Refusal("TagLimitExceeded", "You have reached the maximum number of tags")


def shown_tags(found):
    return [{"Key": key, "Value": value} for key, value in found.items()]


# Filters.

@functools.lru_cache(maxsize=4096)
def _matcher(pattern):
    if "*" not in pattern and "?" not in pattern:
        return None
    plain = pattern.replace("[", "[[]")
    return re.compile(fnmatch.translate(plain), re.DOTALL)


def matches(pattern, text):
    matcher = _matcher(pattern)
    return text == pattern if matcher is None else matcher.match(text) is not None


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def values_at(item, path):
    """All values that a dotted path reaches, through lists."""
    items = [item]
    for name in path.split("."):
        below = []
        for one in items:
            if isinstance(one, dict) and name in one:
                value = one[name]
                below.extend(value if isinstance(value, list) else [value])
        items = below
    return [_text(one) for one in items if not isinstance(one, dict)]


def filtered(call, items, names):
    """The items that fit every filter. `names`: filter name -> path in the item."""
    for entry in call.input.get("Filters", ()):
        name, wanted = entry.get("Name", ""), entry.get("Values", ())
        if not wanted:
            raise Refusal("InvalidParameterValue", f"The filter '{name}' has no values")
        if name.startswith("tag:"):
            key = name[4:]
            items = [item for item in items
                     if any(tag["Key"] == key and any(matches(w, tag["Value"]) for w in wanted)
                            for tag in item.get("Tags", ()))]
            continue
        if name == "tag-key":
            path = "Tags.Key"
        elif name == "tag-value":
            path = "Tags.Value"
        else:
            path = names.get(name)
        if path is None:
            raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
        items = [item for item in items
                 if any(matches(w, value) for value in values_at(item, path) for w in wanted)]
    return items


def paged(call, items, name, smallest=5, largest=1000, ids=None):
    """{name: page, NextToken}; MaxResults does not go with ids."""
    size = call.input.get("MaxResults")
    if size is not None:
        if ids:
            raise Refusal("InvalidParameterCombination",
                          "The parameter MaxResults cannot be used with the parameter for ids")
        if not smallest <= size <= largest:
            raise Refusal("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is "
                          f"invalid. Expecting a value between {smallest} and {largest}.")
    found, token = page(call, items, size, call.input.get("NextToken"), "InvalidParameterValue")
    answer = {name: found}
    if token:
        answer["NextToken"] = token
    return answer
