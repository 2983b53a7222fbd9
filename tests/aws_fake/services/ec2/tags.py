"""Tags on what exists (EC2 User Guide, "Tag your Amazon EC2 resources")."""

from ...errors import Refusal
from .. import operation
from .common import CODES, add_tag, filtered, hidden, paged, shown_tags

_TABLES = {
    "i": ("instances", "instance"), "vol": ("volumes", "volume"), "vpc": ("vpcs", "vpc"),
    "subnet": ("subnets", "subnet"), "sg": ("security_groups", "security-group"),
    "lt": ("launch_templates", "launch-template"), "rtb": ("route_tables", "route-table"),
    "igw": ("internet_gateways", "internet-gateway"), "nat": ("nat_gateways", "natgateway"),
    "eipalloc": ("addresses", "elastic-ip"), "vpce": ("vpc_endpoints", "vpc-endpoint"),
    "key": ("key_pair_ids", "key-pair"),
}


def resource(call, name):
    """The resource of any kind that has this id and belongs to the caller."""
    prefix = name.rpartition("-")[0]
    if prefix in ("ami", "snap"):
        item = (call.world.images if prefix == "ami" else call.world.snapshots).get(name)
        if item is not None and (item["_region"] != call.region or item["OwnerId"] != call.account
                                 or item["State"] == "deregistered"):
            item = None
    elif prefix in _TABLES:
        item = call.place[_TABLES[prefix][0]].get(name)
    else:
        raise Refusal("InvalidID", f"The ID '{name}' is not valid")
    if item is None or hidden(item):
        raise Refusal(f"{CODES.get(prefix, 'InvalidID')}.NotFound", f"The ID '{name}' does not "
                      "exist")
    return item


@operation("ec2", "CreateTags")
def create_tags(call):
    names = call.input["Resources"]
    if len(names) > 1000:
        raise Refusal("InvalidParameterValue", "at most 1000 resources in one call")
    items = [resource(call, name) for name in names]
    changed = []
    for item in items:
        found = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
        for tag in call.input["Tags"]:
            add_tag(found, tag)
        changed.append(shown_tags(found))
    for item, tags in zip(items, changed):
        item["Tags"] = tags
    return {}


@operation("ec2", "DeleteTags")
def delete_tags(call):
    for name in call.input["Resources"]:
        item = resource(call, name)
        if "Tags" not in call.input:
            item["Tags"] = []
            continue
        for gone in call.input["Tags"]:
            item["Tags"] = [tag for tag in item.get("Tags", ()) if not (
                tag["Key"] == gone.get("Key") and gone.get("Value", tag["Value"]) == tag["Value"])]
    return {}


@operation("ec2", "DescribeTags")
def describe_tags(call):
    found = []

    def add(name, kind, item):
        for tag in item.get("Tags", ()):
            found.append({"ResourceId": name, "ResourceType": kind, **tag})

    for item in call.world.images.values():
        if item["_region"] == call.region and item["OwnerId"] == call.account and \
                item["State"] != "deregistered":
            add(item["ImageId"], "image", item)
    for item in call.world.snapshots.values():
        if item["_region"] == call.region and item["OwnerId"] == call.account:
            add(item["SnapshotId"], "snapshot", item)
    for table, kind in _TABLES.values():
        for name, item in call.place[table].items():
            add(name, kind, item)
    names = {"resource-id": "ResourceId", "resource-type": "ResourceType", "key": "Key",
             "value": "Value"}
    return paged(call, filtered(call, found, names), "Tags")
