"""Launch templates and their versions."""

from ...errors import Refusal
from .. import operation, parameters
from .common import born, check_id, filtered, find, not_found, page, tags_for


def _found(call, given):
    if "LaunchTemplateId" in given:
        return find(call, "launch_templates", "lt", given["LaunchTemplateId"])
    for item in call.place["launch_templates"].values():
        if item["LaunchTemplateName"] == given.get("LaunchTemplateName"):
            return item
    raise Refusal("InvalidLaunchTemplateName.NotFoundException",
                  "At least one of the launch templates specified in the request does not exist.")


def _version(item, wanted):
    if wanted in (None, "$Default"):
        number = item["DefaultVersionNumber"]
    elif wanted == "$Latest":
        number = item["LatestVersionNumber"]
    else:
        number = int(wanted) if str(wanted).isdigit() else 0
    version = item["_versions"].get(number)
    if version is None:
        raise Refusal("InvalidLaunchTemplateId.VersionNotFound", f"Could not find launch template "
                      f"version {wanted}")
    return version


def data_of(call, given):
    """What a template gives to RunInstances."""
    return _version(_found(call, given), given.get("Version"))["LaunchTemplateData"]


def _add(call, item, data, description):
    number = item["LatestVersionNumber"] + 1
    item["LatestVersionNumber"] = number
    item["_versions"][number] = {
        "LaunchTemplateId": item["LaunchTemplateId"],
        "LaunchTemplateName": item["LaunchTemplateName"], "VersionNumber": number,
        "VersionDescription": description, "CreateTime": call.now, "CreatedBy": call.caller.arn,
        "DefaultVersion": number == item["DefaultVersionNumber"], "LaunchTemplateData": data}
    return item["_versions"][number]


@operation("ec2", "CreateLaunchTemplate")
def create_launch_template(call):
    given = call.input

    def create():
        if any(item["LaunchTemplateName"] == given["LaunchTemplateName"]
               for item in call.place["launch_templates"].values()):
            raise Refusal("InvalidLaunchTemplateName.AlreadyExistsException",
                          "Launch template name already in use.")
        name = call.world.new_id("lt")
        item = {"LaunchTemplateId": name, "LaunchTemplateName": given["LaunchTemplateName"],
                "CreateTime": call.now, "CreatedBy": call.caller.arn, "DefaultVersionNumber": 1,
                "LatestVersionNumber": 0, "Tags": tags_for(call, "launch-template"),
                "_versions": {}}
        call.place["launch_templates"][name] = born(call, item)
        _add(call, item, given["LaunchTemplateData"], given.get("VersionDescription"))
        return {"LaunchTemplate": item}

    return call.world.once(call, given.get("ClientToken"), create)


@operation("ec2", "CreateLaunchTemplateVersion")
def create_launch_template_version(call):
    given = call.input

    def create():
        item = _found(call, given)
        data = {}
        if "SourceVersion" in given:
            data.update(_version(item, given["SourceVersion"])["LaunchTemplateData"])
        data.update(given["LaunchTemplateData"])
        return {"LaunchTemplateVersion": _add(call, item, data, given.get("VersionDescription"))}

    return call.world.once(call, given.get("ClientToken"), create)


@operation("ec2", "ModifyLaunchTemplate")
def modify_launch_template(call):
    item = _found(call, call.input)
    version = _version(item, call.input.get("DefaultVersion"))
    for other in item["_versions"].values():
        other["DefaultVersion"] = other is version
    item["DefaultVersionNumber"] = version["VersionNumber"]
    return {"LaunchTemplate": item}


@operation("ec2", "DescribeLaunchTemplates")
def describe_launch_templates(call):
    given = call.input
    items = list(call.place["launch_templates"].values())
    for name in given.get("LaunchTemplateIds", ()):
        check_id("lt", name)
        if name not in call.place["launch_templates"]:
            not_found("lt", name)
    if "LaunchTemplateIds" in given:
        items = [item for item in items if item["LaunchTemplateId"] in given["LaunchTemplateIds"]]
    for name in given.get("LaunchTemplateNames", ()):
        _found(call, {"LaunchTemplateName": name})
    if "LaunchTemplateNames" in given:
        items = [item for item in items
                 if item["LaunchTemplateName"] in given["LaunchTemplateNames"]]
    items = filtered(call, items, {"launch-template-name": "LaunchTemplateName",
                                   "create-time": "CreateTime"})
    found, token = page(call, items, given.get("MaxResults"), given.get("NextToken"))
    return {"LaunchTemplates": found, "NextToken": token}


@operation("ec2", "DescribeLaunchTemplateVersions")
def describe_launch_template_versions(call):
    given = call.input
    wanted = given.get("Versions")
    if "LaunchTemplateId" in given or "LaunchTemplateName" in given:
        item = _found(call, given)
        items = ([_version(item, name) for name in wanted] if wanted
                 else list(item["_versions"].values()))
    elif wanted and set(wanted) <= {"$Latest", "$Default"}:
        items = [_version(item, name) for item in call.place["launch_templates"].values()
                 for name in wanted]
    else:
        raise Refusal("MissingParameter", "The request must contain the parameter "
                      "LaunchTemplateId or LaunchTemplateName, or $Latest or $Default versions")
    found, token = page(call, items, given.get("MaxResults"), given.get("NextToken"))
    if given.get("ResolveAlias"):
        found = [_resolved(call, version) for version in found]
    return {"LaunchTemplateVersions": found, "NextToken": token}


def _resolved(call, version):
    """The version with the image id that stands behind "resolve:ssm:NAME"."""
    data = version["LaunchTemplateData"]
    if not data.get("ImageId", "").startswith("resolve:ssm:"):
        return version
    image_id = parameters.resolve(call, data["ImageId"].removeprefix("resolve:ssm:"))
    return {**version, "LaunchTemplateData": {**data, "ImageId": image_id}}


@operation("ec2", "DeleteLaunchTemplate")
def delete_launch_template(call):
    item = _found(call, call.input)
    del call.place["launch_templates"][item["LaunchTemplateId"]]
    return {"LaunchTemplate": item}


@operation("ec2", "DeleteLaunchTemplateVersions")
def delete_launch_template_versions(call):
    item = _found(call, call.input)
    good, bad = [], []
    for name in call.input["Versions"]:
        number = int(name) if name.isdigit() else 0
        entry = {"LaunchTemplateId": item["LaunchTemplateId"],
                 "LaunchTemplateName": item["LaunchTemplateName"], "VersionNumber": number}
        if number in item["_versions"] and number != item["DefaultVersionNumber"]:
            del item["_versions"][number]
            good.append(entry)
        else:
            bad.append({**entry, "ResponseError": {
                "Code": "launchTemplateVersionDoesNotExist", "Message": "no such version"}})
    return {"SuccessfullyDeletedLaunchTemplateVersions": good,
            "UnsuccessfullyDeletedLaunchTemplateVersions": bad}
