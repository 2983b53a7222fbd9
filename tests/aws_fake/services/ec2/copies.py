"""CopyImage (EC2 User Guide, "Copy an Amazon EC2 AMI")."""

from ...errors import Refusal
from .. import operation
from . import images, snapshots
from .common import check_id, check_kinds, shown_tags, tags_for


@operation("ec2", "CopyImage", own_dry_run=True)
def copy_image(call):
    check_kinds(call, ("image", "snapshot"))
    return call.world.once(call, call.input.get("ClientToken"), lambda: _copy(call))


def _source(call):
    given, world = call.input, call.world
    name = given["SourceImageId"]
    check_id("ami", name)
    item = world.images.get(name)
    if item is None or item["_region"] != given["SourceRegion"] or \
            item["State"] == "deregistered" or not (
                item["OwnerId"] == call.account
                or images.launch_permission(world, item, call.account)):
        raise Refusal("InvalidAMIID.NotFound", f"The image id '[{name}]' does not exist")
    images.settle(world, item)
    if item["State"] != "available":
        raise Refusal("InvalidAMIID.Unavailable", f"The image ID '{name}' is not available")
    if item["OwnerId"] != call.account:
        if any(code["ProductCodeType"] == "marketplace" for code in item["ProductCodes"]):
            raise Refusal("InvalidRequest", "You can't copy an AMI with a marketplace product code "
                          "that was shared with you from another account")
        for mapping in item["BlockDeviceMappings"]:
            snapshot = world.snapshots.get(mapping.get("Ebs", {}).get("SnapshotId"))
            if snapshot is not None and not snapshots.allowed(call, snapshot) and \
                    not item["Public"]:
                raise Refusal("InvalidRequest", "You do not have permission to access the storage "
                              "of this ami")
    return item


def _copy(call):
    given, world = call.input, call.world
    source = _source(call)
    pending = 0
    for item in world.images.values():
        if item["_kind"] == "image-copy" and item["_region"] == call.region and \
                item["OwnerId"] == call.account and item["State"] == "pending":
            images.settle(world, item)
            pending += item["State"] == "pending"
    if pending >= world.switches["copy-limit"]:
        raise Refusal("ResourceLimitExceeded", "You have reached the limit of concurrent AMI "
                      f"copies to this region: {world.switches['copy-limit']}")
    images._check_name(call, given["Name"])
    within = given.get("SnapshotCopyCompletionDurationMinutes")
    if within is not None and (within % 15 or not 15 <= within <= 48 * 60):
        raise Refusal("InvalidParameterValue", "A completion duration is 15 minutes to 48 hours, "
                      "in steps of 15 minutes")
    call.dry_run()
    tags = tags_for(call, "image")
    if given.get("CopyImageTags") and source["OwnerId"] == call.account:
        merged = {tag["Key"]: tag["Value"] for tag in source["Tags"]
                  if not tag["Key"].startswith("aws:")}
        merged.update({tag["Key"]: tag["Value"] for tag in tags})
        tags = shown_tags(merged)
    mappings, made = [], []
    for mapping in source["BlockDeviceMappings"]:
        ebs = dict(mapping["Ebs"])
        snapshot = world.snapshots.get(ebs.get("SnapshotId"))
        if snapshot is not None:
            copy = snapshots.copied(call, snapshot, given.get("Encrypted"), given.get("KmsKeyId"),
                                    "", tags_for(call, "snapshot"))
            copy.update({"TransferType": "standard"} if within is None else
                        {"TransferType": "time-based", "CompletionDurationMinutes": within})
            made.append(copy)
            ebs["SnapshotId"] = copy["SnapshotId"]
            ebs["Encrypted"] = copy["Encrypted"]
        mappings.append({"DeviceName": mapping["DeviceName"], "Ebs": ebs})
    same = {name: source.get(name) for name in (
        "Architecture", "RootDeviceName", "Platform", "EnaSupport", "BootMode", "ImdsSupport",
        "TpmSupport", "PlatformDetails", "SriovNetSupport", "VirtualizationType", "ImageWatermarks")}
    image_shape = world.models.service("ec2").shape("Image")
    if "SourceImageId" in image_shape.members:
        same.update(SourceImageId=source["ImageId"], SourceImageRegion=source["_region"])
    item = images.make(call, given["Name"], given.get("Description", ""), mappings, tags,
                       kind="image-copy", ProductCodes=list(source["ProductCodes"]), **same)
    for snapshot in made:
        snapshot["Description"] = (
            f"Copied for DestinationAmi {item['ImageId']} from SourceAmi {source['ImageId']} for "
            f"SourceSnapshot. Task created on {int(call.now)}.")
    return {"ImageId": item["ImageId"]}
