"""Windows fast launch (EC2 User Guide, "Configure Windows fast launch")."""

from ...errors import Refusal
from .. import operation
from . import images
from .common import check_id, paged


def _settle(call, item):
    if item["State"] in ("enabling", "disabling") and call.world.is_due(item["_due"], True):
        if item["_failure"]:
            item.update(State=item["State"] + "-failed", StateTransitionReason=item["_failure"])
        else:
            item.update(State="enabled" if item["State"] == "enabling" else "off",
                        StateTransitionReason="")


def _all(call):
    table = call.place["fast_launch"]
    for item in list(table.values()):
        _settle(call, item)
        if item["State"] == "off":
            del table[item["ImageId"]]
    return table


@operation("ec2", "EnableFastLaunch", own_dry_run=True)
def enable_fast_launch(call):
    given = call.input
    image = images.get(call, given["ImageId"])
    if (image.get("Platform") or "").lower() != "windows":
        raise Refusal("InvalidParameterValue", "Fast launch is for Windows images")
    if given.get("ResourceType", "snapshot") != "snapshot":
        raise Refusal("InvalidParameterValue", "The only resource type is snapshot")
    if given.get("MaxParallelLaunches", 6) < 6:
        raise Refusal("InvalidParameterValue", "MaxParallelLaunches must be 6 or greater")
    template = given.get("LaunchTemplate", {})
    if template and not any(
            template.get("LaunchTemplateName") == item["LaunchTemplateName"] or
            template.get("LaunchTemplateId") == item["LaunchTemplateId"]
            for item in call.place["launch_templates"].values()):
        raise Refusal("InvalidLaunchTemplateName.NotFoundException", "no such launch template")
    table = _all(call)
    if table.get(given["ImageId"], {}).get("State") == "disabling":
        raise Refusal("IncorrectState", "Its prepared snapshots are being removed")
    call.dry_run()
    table[given["ImageId"]] = {
        "ImageId": given["ImageId"], "ResourceType": "snapshot",
        "SnapshotConfiguration": {"TargetResourceCount": given.get(
            "SnapshotConfiguration", {}).get("TargetResourceCount", 5)},
        "LaunchTemplate": template, "MaxParallelLaunches": given.get("MaxParallelLaunches", 6),
        "OwnerId": image["OwnerId"], "State": "enabling", "StateTransitionReason": "",
        "StateTransitionTime": call.now, "_due": call.world.due("fast-launch"),
        "_failure": call.world.failure("fast-launch", call)}
    return table[given["ImageId"]]


@operation("ec2", "DisableFastLaunch", own_dry_run=True)
def disable_fast_launch(call):
    item = _all(call).get(call.input["ImageId"])
    if item is None:
        raise Refusal("InvalidRequest", "Fast launch is not enabled for this image")
    if item["State"] == "enabling" and not call.input.get("Force"):
        raise Refusal("IncorrectState", "It is being enabled")
    call.dry_run()
    item.update(State="disabling", _due=call.world.due("fast-launch"), _failure=None,
                StateTransitionTime=call.now)
    return item


@operation("ec2", "DescribeFastLaunchImages")
def describe_fast_launch_images(call):
    ids = call.input.get("ImageIds")
    for name in ids or ():
        check_id("ami", name)
    found = [item for item in _all(call).values() if not ids or item["ImageId"] in ids]
    return paged(call, found, "FastLaunchImages", smallest=0, largest=200, ids=ids)
