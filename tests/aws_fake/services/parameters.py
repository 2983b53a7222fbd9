"""SSM parameters (Systems Manager User Guide, "Parameter Store")."""

import re

from .. import paging
from ..errors import Refusal
from . import operation

_NAME = re.compile(r"^[a-zA-Z0-9_.\-/]+$")


def _arn(call, name):
    return call.arn("ssm", "parameter/" + name.lstrip("/"))


def public_parameter(world, given):
    """A public parameter, /aws/service/...: in every account of the region."""
    world.place("aws", given["region"])["parameters"][given["name"]] = {"versions": [
        {"Name": given["name"], "Type": "String", "Value": given["value"], "Version": 1,
         "LastModifiedDate": world.clock.now(), "DataType": "aws:ec2:image",
         "ARN": f"arn:aws:ssm:{given['region']}::parameter{given['name']}", "_labels": []}],
        "tier": "Standard", "tags": {}}
    return {}


def _table(call, name):
    if name.startswith("/aws/service/"):
        return call.world.place("aws", call.region)["parameters"]
    return call.place["parameters"]


def _split(name):
    """(plain name, selector) of NAME, NAME:3, NAME:label or an ARN."""
    if name.startswith("arn:"):
        parts = name.split(":", 5)
        name = parts[5].removeprefix("parameter")
        if name.count("/") == 1:
            name = name[1:]
    plain, _, selector = name.partition(":")
    return plain, selector


def _settle(call, item):
    """A value of type aws:ec2:image becomes a version only when its AMI was found good."""
    waiting = item.get("waiting")
    if waiting and call.world.is_due(waiting["due"], look=True):
        del item["waiting"]
        image = call.world.images.get(waiting["version"]["Value"])
        from .ec2 import images
        if image is not None and image["State"] != "deregistered" and images.visible(call, image):
            images.settle(call.world, image)
            if image["State"] == "available":
                item["versions"].append(waiting["version"])


def _version(call, name):
    plain, selector = _split(name)
    item = _table(call, plain).get(plain)
    if item is None:
        return None
    _settle(call, item)
    if not item["versions"]:
        return None
    if not selector:
        return item["versions"][-1]
    for version in item["versions"]:
        if str(version["Version"]) == selector or selector in version["_labels"]:
            return {**version, "Selector": ":" + selector}
    raise Refusal("ParameterVersionNotFound", f"Systems Manager could not find version {selector} "
                  f"of {plain}")


def _shown(call, version):
    value = version["Value"]
    if version["Type"] == "SecureString" and not call.input.get("WithDecryption"):
        value = f"AQICA-not-decrypted-{len(value)}"
    return {**version, "Value": value}


def resolve(call, name):
    """The value that `resolve:ssm:NAME` gives."""
    version = _version(call, name)
    if version is None:
        raise Refusal("InvalidParameterValue", f"Unable to find parameter {name}")
    return version["Value"]


def _limits(name, value, tier, item):
    if tier == "Intelligent-Tiering":
        tier = "Advanced" if len(value.encode()) > 4096 else "Standard"
    if item is not None and item["tier"] == "Advanced" and tier == "Standard":
        tier = "Advanced"  # there is no way back
    if len(value.encode()) > (8192 if tier == "Advanced" else 4096):
        limit = "8 KB" if tier == "Advanced" else "4096 characters for standard parameters"
        raise Refusal("ValidationException", f"the value of {name} is larger than {limit}; use the "
                      "advanced-parameter tier" if tier != "Advanced" else
                      f"the value of {name} is larger than 8 KB")
    return tier


@operation("ssm", "PutParameter")
def put_parameter(call):
    given, table = call.input, call.place["parameters"]
    name, value = given["Name"], given["Value"]
    if not _NAME.match(name) or re.match(r"/?(aws|ssm)", name, re.IGNORECASE):
        raise Refusal("ValidationException", "Parameter name: can't be prefixed with \"aws\" or "
                      "\"ssm\" (case-insensitive), and has letters, numbers and . - _ / only")
    if name.count("/") > 15:
        raise Refusal("HierarchyLevelLimitExceededException", "at most 15 levels")
    if "/" in name and not name.startswith("/"):
        raise Refusal("ValidationException", "Parameter name must be a fully qualified name")
    if value == "":
        raise Refusal("ValidationException", "Value at 'value' failed to satisfy constraint: "
                      "Member must have length greater than or equal to 1")
    item = table.get(name)
    if item is not None:
        _settle(call, item)
    if item is not None and not given.get("Overwrite"):
        raise Refusal("ParameterAlreadyExists", "The parameter already exists. To overwrite this "
                      "value, set the overwrite option in the request to true.")
    if item is not None and given.get("Tags"):
        raise Refusal("ValidationException", "tags and overwrite can't be used together")
    if item is None and "Type" not in given:
        raise Refusal("ValidationException", "A parameter type is required when you create a "
                      "parameter.")
    if "AllowedPattern" in given and not re.fullmatch(given["AllowedPattern"], value):
        raise Refusal("ParameterPatternMismatchException", f"{name} does not fit "
                      f"{given['AllowedPattern']}")
    tier = _limits(name, value, given.get("Tier", "Standard"), item)
    if item is None:
        item = table[name] = {"versions": [], "tier": tier, "tags": {
            tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}, "count": 0}
    kind = given.get("Type") or item["versions"][-1]["Type"]
    if item["versions"] and item["versions"][-1]["Type"] != kind and "SecureString" in (
            kind, item["versions"][-1]["Type"]):
        raise Refusal("HierarchyTypeMismatchException", "the type of a parameter stays")
    if len(item["versions"]) >= 100 and item["versions"][0]["_labels"]:
        raise Refusal("ParameterMaxVersionLimitExceeded", "the oldest version has a label")
    item["tier"] = tier
    item["count"] += 1
    version = {"Name": name, "Type": kind, "Value": value, "Version": item["count"],
               "LastModifiedDate": call.now, "ARN": _arn(call, name),
               "DataType": given.get("DataType", "text"), "_labels": [],
               "_user": call.caller.arn, "_description": given.get("Description")}
    if version["DataType"] == "aws:ec2:image":
        item["waiting"] = {"version": version, "due": call.world.due("parameter-check")}
        _settle(call, item)
    else:
        item["versions"].append(version)
    del item["versions"][:-100]
    return {"Version": item["count"], "Tier": tier}


@operation("ssm", "GetParameter")
def get_parameter(call):
    version = _version(call, call.input["Name"])
    if version is None:
        raise Refusal("ParameterNotFound", f"Parameter {call.input['Name']} not found.")
    return {"Parameter": _shown(call, version)}


@operation("ssm", "GetParameters")
def get_parameters(call):
    good, bad = [], []
    for name in call.input["Names"]:
        try:
            version = _version(call, name)
        except Refusal:
            version = None
        if version is None:
            bad.append(name)
        else:
            good.append(_shown(call, version))
    return {"Parameters": good, "InvalidParameters": bad}


@operation("ssm", "GetParametersByPath")
def get_parameters_by_path(call):
    given = call.input
    path = given["Path"]
    if not path.startswith("/"):
        raise Refusal("ValidationException", "The parameter path must start with a slash")
    path = path.rstrip("/") + "/"
    found = []
    for name in sorted(_table(call, path)):
        if not name.startswith(path):
            continue
        if not given.get("Recursive") and "/" in name[len(path):]:
            continue
        version = _version(call, name)
        if version is not None:
            found.append(_shown(call, version))
    # The first page may be empty and still not be the last: callers must go on by the token.
    if call.world.switches.get("empty-pages") and not given.get("NextToken") and found:
        _, token = paging.page(call, [None, *found], 0, None)
        return {"Parameters": [], "NextToken": token}
    items, token = paging.page(call, found, given.get("MaxResults", 10), given.get("NextToken"))
    return {"Parameters": items, "NextToken": token}


@operation("ssm", "DescribeParameters")
def describe_parameters(call):
    given = call.input
    found = []
    for name in sorted(call.place["parameters"]):
        item = call.place["parameters"][name]
        version = _version(call, name)
        if version is None or not _fits(name, item, version, given.get("ParameterFilters", ())):
            continue
        found.append({"Name": name, "ARN": version["ARN"], "Type": version["Type"],
                      "LastModifiedDate": version["LastModifiedDate"], "Tier": item["tier"],
                      "LastModifiedUser": version["_user"], "Version": version["Version"],
                      "Description": version["_description"], "DataType": version["DataType"],
                      "Policies": []})
    items, token = paging.page(call, found, given.get("MaxResults", 10), given.get("NextToken"))
    return {"Parameters": items, "NextToken": token}


def _fits(name, item, version, filters):
    for entry in filters:
        key, option, values = entry["Key"], entry.get("Option", "Equals"), entry.get("Values", ())
        if key == "Name":
            good = any(name == value if option == "Equals" else name.startswith(value)
                       if option == "BeginsWith" else value in name for value in values)
        elif key == "Path":
            good = any(name.startswith(value.rstrip("/") + "/") for value in values)
        elif key == "Type":
            good = version["Type"] in values
        elif key.startswith("tag:"):
            good = item["tags"].get(key[4:]) in values or (not values and key[4:] in item["tags"])
        else:
            raise Refusal("InvalidFilterKey", f"the stand-in has no filter {key}")
        if not good:
            return False
    return True


@operation("ssm", "GetParameterHistory")
def get_parameter_history(call):
    item = call.place["parameters"].get(call.input["Name"])
    if item is None:
        raise Refusal("ParameterNotFound", f"Parameter {call.input['Name']} not found.")
    found = [{"Name": version["Name"], "Type": version["Type"], "Version": version["Version"],
              "Value": _shown(call, version)["Value"], "Labels": version["_labels"],
              "LastModifiedDate": version["LastModifiedDate"], "Tier": item["tier"],
              "LastModifiedUser": version["_user"], "DataType": version["DataType"],
              "Policies": []} for version in item["versions"]]
    items, token = paging.page(call, found, call.input.get("MaxResults", 50),
                               call.input.get("NextToken"))
    return {"Parameters": items, "NextToken": token}


@operation("ssm", "LabelParameterVersion")
def label_parameter_version(call):
    given = call.input
    item = call.place["parameters"].get(given["Name"])
    if item is None:
        raise Refusal("ParameterNotFound", f"Parameter {given['Name']} not found.")
    number = given.get("ParameterVersion", item["versions"][-1]["Version"])
    chosen = next((version for version in item["versions"] if version["Version"] == number), None)
    if chosen is None:
        raise Refusal("ParameterVersionNotFound", f"no version {number}")
    bad = [label for label in given["Labels"] if re.match(r"(\d|aws|ssm)", label, re.IGNORECASE)]
    good = [label for label in given["Labels"] if label not in bad]
    if len(set(chosen["_labels"]) | set(good)) > 10:
        raise Refusal("ParameterVersionLabelLimitExceeded", "at most 10 labels")
    for version in item["versions"]:
        version["_labels"] = [label for label in version["_labels"] if label not in good]
    chosen["_labels"] += good
    return {"InvalidLabels": bad, "ParameterVersion": number}


@operation("ssm", "DeleteParameter")
def delete_parameter(call):
    if call.place["parameters"].pop(call.input["Name"], None) is None:
        raise Refusal("ParameterNotFound", f"Parameter {call.input['Name']} not found.")
    return {}


@operation("ssm", "DeleteParameters")
def delete_parameters(call):
    good = [name for name in call.input["Names"]
            if call.place["parameters"].pop(name, None) is not None]
    return {"DeletedParameters": good,
            "InvalidParameters": [name for name in call.input["Names"] if name not in good]}


@operation("ssm", "AddTagsToResource")
def add_tags_to_resource(call):
    _tags(call).update({tag["Key"]: tag["Value"] for tag in call.input["Tags"]})
    return {}


@operation("ssm", "RemoveTagsFromResource")
def remove_tags_from_resource(call):
    for key in call.input["TagKeys"]:
        _tags(call).pop(key, None)
    return {}


@operation("ssm", "ListTagsForResource")
def list_tags_for_resource(call):
    return {"TagList": [{"Key": key, "Value": value} for key, value in _tags(call).items()]}


def _tags(call):
    if call.input["ResourceType"] != "Parameter":
        raise Refusal("InvalidResourceType", "the stand-in tags parameters only")
    item = call.place["parameters"].get(call.input["ResourceId"])
    if item is None:
        raise Refusal("InvalidResourceId", f"no parameter {call.input['ResourceId']}")
    return item["tags"]
