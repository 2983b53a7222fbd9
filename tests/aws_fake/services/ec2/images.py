"""AMIs: made, registered, shared, seen, deregistered (EC2 User Guide, "Amazon Machine Images")."""

import re
import time

from ...errors import Refusal
from .. import operation
from . import allowed_images, snapshots
from .common import (born, check_id, check_kinds, filtered, find, hidden, not_found, paged,
                     tags_for)

_NAMES = {
    "image-id": "ImageId", "name": "Name", "state": "State", "owner-id": "OwnerId",
    "owner-alias": "ImageOwnerAlias", "description": "Description", "architecture": "Architecture",
    "is-public": "Public", "image-type": "ImageType", "root-device-type": "RootDeviceType",
    "root-device-name": "RootDeviceName", "virtualization-type": "VirtualizationType",
    "hypervisor": "Hypervisor", "platform": "Platform", "ena-support": "EnaSupport",
    "creation-date": "CreationDate", "product-code": "ProductCodes.ProductCodeId",
    "product-code.type": "ProductCodes.ProductCodeType",
    "block-device-mapping.snapshot-id": "BlockDeviceMappings.Ebs.SnapshotId",
    "block-device-mapping.encrypted": "BlockDeviceMappings.Ebs.Encrypted",
    "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
    "block-device-mapping.volume-size": "BlockDeviceMappings.Ebs.VolumeSize",
    "source-instance-id": "SourceInstanceId", "manifest-location": "ImageLocation",
    "image-allowed": "_allowed", "source-image-id": "SourceImageId",
    "source-image-region": "SourceImageRegion",
}
_NAME = re.compile(r"^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$")


def settle(world, item, look=False):
    """Moves the image, and its snapshots, on to where they are by now."""
    if item["State"] != "pending" or not world.is_due(item["_due"], look):
        return
    reason = item.get("_failure")
    for mapping in item["BlockDeviceMappings"]:
        snapshot = world.snapshots.get(mapping.get("Ebs", {}).get("SnapshotId"))
        if snapshot is not None and snapshot["State"] == "pending":
            snapshot["_due"] = {"at": 0}
            snapshots.settle(world, snapshot)
        if snapshot is not None and snapshot["State"] == "error":
            reason = reason or snapshot["StateMessage"]
    if reason:
        item["State"] = "failed"
        item["StateReason"] = {"Code": "Client.InternalError", "Message": reason}
    else:
        item["State"] = "available"


def launch_permission(world, item, account):
    """True when somebody else's image may be launched by `account`."""
    organization = world.organization
    path = organization.get("paths", {}).get(account, "")
    for entry in item["_permissions"]:
        if entry == {"Group": "all"} or entry.get("UserId") == account:
            return True
        if "OrganizationArn" in entry and path and entry["OrganizationArn"] == \
                organization.get("arn"):
            return True
        unit = entry.get("OrganizationalUnitArn", "")
        if unit and path and unit.rpartition("/")[2] in path.split("/"):
            return True
    return False


def visible(call, item):
    if item["_region"] != call.region:
        return False
    if item["OwnerId"] == call.account:
        return True
    if allowed_images.hides(call, item):
        return False
    return item["State"] != "disabled" and launch_permission(call.world, item, call.account)


def get(call, name):
    """The image of this region that the caller may see."""
    check_id("ami", name)
    item = call.world.images.get(name)
    if item is None or item["State"] == "deregistered" or not visible(call, item) or hidden(item):
        raise Refusal("InvalidAMIID.NotFound", f"The image id '[{name}]' does not exist")
    settle(call.world, item)
    return item


def own(call, name):
    item = get(call, name)
    if item["OwnerId"] != call.account:
        raise Refusal("AuthFailure", f"Not authorized for images: [{name}]")
    return item


def launchable(call, name):
    item = get(call, name)
    if item["State"] != "available":
        raise Refusal("InvalidAMIID.Unavailable", f"The image id '[{name}]' is not available: "
                      f"{item['State']}")
    return item


def _check_name(call, name):
    if not _NAME.match(name):
        raise Refusal("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters "
                      "long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'")
    for item in call.world.images.values():
        if item["Name"] == name and item["OwnerId"] == call.account and \
                item["_region"] == call.region and item["State"] not in ("deregistered", "failed"):
            raise Refusal("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI "
                          f"{item['ImageId']}")


def make(call, name, description, mappings, tags, kind="image", **more):
    """A new pending image of the caller."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(call.now))
    item = {
        "ImageId": call.world.new_id("ami"), "Name": name, "Description": description,
        "ImageLocation": f"{call.account}/{name}", "ImageType": "machine", "Public": False,
        "OwnerId": call.account, "State": "pending", "CreationDate": stamp,
        "Architecture": "x86_64", "RootDeviceType": "ebs", "VirtualizationType": "hvm",
        "Hypervisor": "xen", "EnaSupport": True, "SriovNetSupport": "simple",
        "PlatformDetails": "Linux/UNIX", "UsageOperation": "RunInstances", "ProductCodes": [],
        "BlockDeviceMappings": mappings, "Tags": [dict(tag) for tag in tags],
        "_region": call.region, "_permissions": [], "_due": call.world.due(kind), "_kind": kind,
        "_failure": call.world.failure(kind, call),
    }
    known = call.world.models.service("ec2").shape("Image").members  # older models have fewer
    item.update({key: value for key, value in more.items() if value is not None and key in known})
    call.world.images[item["ImageId"]] = born(call, item)
    call.world.made["images"] += 1
    return item


@operation("ec2", "CreateImage", own_dry_run=True)
def create_image(call):
    given, world = call.input, call.world
    check_kinds(call, ("image", "snapshot"))
    instance = find(call, "instances", "i", given["InstanceId"])
    from . import instances
    instances.settle(world, call.place, instance)
    if instance["State"]["Name"] not in ("running", "stopped"):
        raise Refusal("IncorrectState", f"Instance '{given['InstanceId']}' is not 'running' or "
                      f"'stopped'")
    _check_name(call, given["Name"])
    call.dry_run()
    mappings = []
    overrides = {entry.get("DeviceName"): entry for entry in given.get("BlockDeviceMappings", ())}
    for mapping in instance["BlockDeviceMappings"]:
        override = overrides.get(mapping["DeviceName"], {})
        if "NoDevice" in override:
            continue
        volume = call.place["volumes"][mapping["Ebs"]["VolumeId"]]
        snapshot = snapshots.make(
            call, volume["_store"], volume["Size"],
            f"Created by CreateImage({instance['InstanceId']})", tags_for(call, "snapshot"),
            volume["VolumeId"], volume.get("KmsKeyId"))
        ebs = {"SnapshotId": snapshot["SnapshotId"],
               "VolumeSize": override.get("Ebs", {}).get("VolumeSize", volume["Size"]),
               "VolumeType": volume["VolumeType"], "Encrypted": volume["Encrypted"],
               "DeleteOnTermination": override.get("Ebs", {}).get(
                   "DeleteOnTermination", mapping["Ebs"]["DeleteOnTermination"])}
        mappings.append({"DeviceName": mapping["DeviceName"], "Ebs": ebs})
    source = world.images.get(instance["ImageId"], {})
    item = make(call, given["Name"], given.get("Description", ""), mappings,
                tags_for(call, "image"), Architecture=instance["Architecture"],
                RootDeviceName=instance["RootDeviceName"], Platform=instance.get("Platform"),
                ProductCodes=list(instance["ProductCodes"]), BootMode=source.get("BootMode"),
                ImdsSupport=source.get("ImdsSupport"),
                ImageWatermarks=source.get("ImageWatermarks"), SourceInstanceId=instance["InstanceId"],
                SourceImageId=instance["ImageId"], SourceImageRegion=call.region,
                PlatformDetails=instance["PlatformDetails"])
    for mapping in mappings:
        world.snapshots[mapping["Ebs"]["SnapshotId"]]["Description"] += \
            f" for {item['ImageId']}"
    return {"ImageId": item["ImageId"]}


@operation("ec2", "RegisterImage", own_dry_run=True)
def register_image(call):
    given = call.input
    check_kinds(call, ("image",))
    _check_name(call, given["Name"])
    root = given.get("RootDeviceName")
    if "ImageLocation" in given:
        raise Refusal("InvalidParameterValue", "the stand-in registers no images from S3")
    if not root:
        raise Refusal("MissingParameter", "The request must contain the parameter rootDeviceName")
    mappings = []
    for entry in given.get("BlockDeviceMappings", ()):
        ebs = dict(entry.get("Ebs", {}))
        name = ebs.get("SnapshotId")
        if name:
            snapshot = snapshots.readable(call, name)
            if snapshot["State"] != "completed":
                raise Refusal("InvalidSnapshot.NotFound" if snapshot.get("_writing") else
                              "IncorrectState", f"Snapshot {name} is {snapshot['State']}, not "
                              "completed")
            if "Encrypted" in ebs:
                raise Refusal("InvalidParameterCombination", "You cannot specify the encrypted "
                              "flag if specifying a snapshot id in a block device mapping")
            if ebs.get("VolumeSize", snapshot["VolumeSize"]) < snapshot["VolumeSize"]:
                raise Refusal("InvalidBlockDeviceMapping", "the volume is smaller than its "
                              "snapshot")
            ebs.setdefault("VolumeSize", snapshot["VolumeSize"])
            ebs["Encrypted"] = snapshot["Encrypted"]
        ebs.setdefault("DeleteOnTermination", True)
        ebs.setdefault("VolumeType", "standard")
        ebs.setdefault("Encrypted", False)
        mappings.append({"DeviceName": entry.get("DeviceName", ""), "Ebs": ebs})
    if not any(entry["DeviceName"] == root and entry["Ebs"].get("SnapshotId")
               for entry in mappings):
        raise Refusal("InvalidBlockDeviceMapping", "A snapshotId must be specified for the root "
                      f"device {root}")
    call.dry_run()
    item = make(call, given["Name"], given.get("Description", ""), mappings,
                tags_for(call, "image"), Architecture=given.get("Architecture", "i386"),
                RootDeviceName=root, EnaSupport=given.get("EnaSupport", False),
                BootMode=given.get("BootMode"), ImdsSupport=given.get("ImdsSupport"),
                TpmSupport=given.get("TpmSupport"),
                VirtualizationType=given.get("VirtualizationType", "paravirtual"),
                SriovNetSupport=given.get("SriovNetSupport", ""))
    item["_due"] = {"at": 0}  # there is nothing to copy
    settle(call.world, item)
    return {"ImageId": item["ImageId"]}


@operation("ec2", "DescribeImages")
def describe_images(call):
    given, world = call.input, call.world
    ids = given.get("ImageIds")
    if ids:
        for name in ids:
            check_id("ami", name)
        found = {}
        missing = []
        for name in dict.fromkeys(ids):
            item = world.images.get(name)
            if item is None or not visible(call, item) or hidden(item):
                missing.append(name)
            elif item["State"] != "deregistered":
                found[name] = item
        if missing:
            plural = "ids" if len(missing) > 1 else "id"
            raise Refusal("InvalidAMIID.NotFound",
                          f"The image {plural} '[{', '.join(missing)}]' "
                          f"{'do' if len(missing) > 1 else 'does'} not exist")
        items = list(found.values())
    else:
        items = [item for item in world.images.values() if item["State"] != "deregistered"
                 and visible(call, item) and not hidden(item)]
    owners = given.get("Owners")
    if owners:
        names = [call.account if name == "self" else name for name in owners]
        items = [item for item in items
                 if item["OwnerId"] in names or item.get("ImageOwnerAlias") in names]
    users = given.get("ExecutableUsers")
    if users:
        items = [item for item in items if _executable(call, item, users)]
    if not given.get("IncludeDisabled") and not ids:
        items = [item for item in items if item["State"] != "disabled"]
    for item in items:
        settle(world, item, look=True)
    if not given.get("IncludeDeprecated"):
        items = [item for item in items if item["OwnerId"] == call.account
                 or not _deprecated(call, item)]
    return paged(call, filtered(call, [_shown(call, item) for item in items], _NAMES), "Images",
                 smallest=1, ids=ids)


def _deprecated(call, item):
    when = item.get("DeprecationTime")
    return bool(when) and when <= time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(call.now))


def _executable(call, item, users):
    for name in users:
        if name == "self":
            if item["OwnerId"] != call.account and any(
                    entry != {"Group": "all"} for entry in item["_permissions"]):
                return True
        elif name == "all":
            if item["Public"]:
                return True
        elif {"UserId": name} in item["_permissions"]:
            return True
    return False


def _shown(call, item):
    if item["OwnerId"] == call.account:
        return item
    return {**item, "Tags": []}  # tags do not travel with a share


@operation("ec2", "DeregisterImage")
def deregister_image(call):
    given = call.input
    name = given["ImageId"]
    check_id("ami", name)
    item = call.world.images.get(name)
    if item is not None and item["OwnerId"] == call.account and item["State"] == "deregistered" \
            and item["_region"] == call.region:
        raise Refusal("InvalidAMIID.Unavailable", f"The image ID '{name}' is no longer available")
    item = own(call, name)
    if item.get("DeregistrationProtection", "disabled") != "disabled":
        raise Refusal("OperationNotPermitted", f"Deregistration protection is enabled for {name}")
    was_pending = item["State"] == "pending"
    item["State"] = "deregistered"
    item["_permissions"] = []
    answer = {"Return": True}
    names = [mapping["Ebs"]["SnapshotId"] for mapping in item["BlockDeviceMappings"]
             if mapping.get("Ebs", {}).get("SnapshotId")]
    if given.get("DeleteAssociatedSnapshots"):
        answer["DeleteSnapshotResults"] = [_delete_with(call, name) for name in names]
    elif was_pending and item["_kind"] == "image-copy":
        for name in names:  # a copy that is cancelled leaves nothing
            call.world.snapshots.pop(name, None)
    return _fitting(call, "DeregisterImage", answer)


def _delete_with(call, name):
    snapshot = call.world.snapshots.get(name)
    if snapshot is None:
        return {"SnapshotId": name, "ReturnCode": "missing-permissions"}
    if snapshot["OwnerId"] != call.account:
        return {"SnapshotId": name, "ReturnCode": "skipped"}
    if snapshots.image_using(call.world, name):
        return {"SnapshotId": name, "ReturnCode": "skipped"}
    del call.world.snapshots[name]
    return {"SnapshotId": name, "ReturnCode": "success"}


def _fitting(call, operation_name, answer):
    """The members that this version of the model has."""
    shape = call.world.models.service("ec2").operation(operation_name).output
    if shape is None:
        return {}
    return {name: value for name, value in answer.items() if name in shape.members}


# Attributes.

@operation("ec2", "ModifyImageAttribute")
def modify_image_attribute(call):
    given = call.input
    item = own(call, given["ImageId"])
    if "Description" in given:
        item["Description"] = given["Description"].get("Value", "")
    if given.get("Attribute") == "description" and "Value" in given:
        item["Description"] = given["Value"]
    if "ImdsSupport" in given:
        item["ImdsSupport"] = given["ImdsSupport"].get("Value", "v2.0")
    changes = given.get("LaunchPermission", {})
    add, remove = list(changes.get("Add", ())), list(changes.get("Remove", ()))
    entries = [{"UserId": name} for name in given.get("UserIds", ())] + \
        [{"Group": name} for name in given.get("UserGroups", ())] + \
        [{"OrganizationArn": name} for name in given.get("OrganizationArns", ())] + \
        [{"OrganizationalUnitArn": name} for name in given.get("OrganizationalUnitArns", ())]
    if entries:
        (remove if given.get("OperationType") == "remove" else add).extend(entries)
    if add or remove:
        _permit(call, item, add, remove)
    return {}


def _permit(call, item, add, remove):
    for entry in add + remove:
        user = entry.get("UserId")
        if user is not None and not (len(user) == 12 and user.isdigit()):
            raise Refusal("InvalidAMIAttributeItemValue", f'Invalid attribute item value "{user}" '
                          "for userId item type.")
        for name, part in (("OrganizationArn", ":organization/o-"),
                           ("OrganizationalUnitArn", ":ou/o-")):
            if name in entry and part not in entry[name]:
                raise Refusal("InvalidAMIAttributeItemValue", f'Invalid attribute item value '
                              f'"{entry[name]}" for {name} item type.')
    settle(call.world, item)
    if item["State"] != "available":
        raise Refusal("InvalidAMIID.Unavailable", f"The image ID '{item['ImageId']}' is not "
                      "available")
    if add:
        if any(code["ProductCodeType"] == "marketplace" for code in item["ProductCodes"]):
            raise Refusal("InvalidParameterValue", "Images with marketplace product codes can not "
                          "be shared")
        from .. import kms
        for mapping in item["BlockDeviceMappings"]:
            snapshot = call.world.snapshots.get(mapping.get("Ebs", {}).get("SnapshotId"))
            if snapshot is None or not snapshot["Encrypted"]:
                continue
            if kms.is_default(call.world, snapshot["KmsKeyId"]):
                raise Refusal("InvalidParameter", f"Snapshot {snapshot['SnapshotId']} is encrypted "
                              "with the AWS managed key and can not be shared")
            if {"Group": "all"} in add:
                raise Refusal("InvalidParameterValue", "An image with encrypted snapshots can not "
                              "be made public")
        if {"Group": "all"} in add and call.place.settings.get("image-block", "unblocked") != \
                "unblocked":
            raise Refusal("OperationNotPermitted", "Block public access for AMIs is on")
    for entry in add:
        if entry not in item["_permissions"]:
            item["_permissions"].append(dict(entry))
    item["_permissions"] = [entry for entry in item["_permissions"] if entry not in remove]
    if len(item["_permissions"]) > 1000:
        del item["_permissions"][1000:]
        raise Refusal("ResourceLimitExceeded", "an image is shared with at most 1000 entities")
    item["Public"] = {"Group": "all"} in item["_permissions"]


@operation("ec2", "DescribeImageAttribute")
def describe_image_attribute(call):
    item = own(call, call.input["ImageId"])
    answer = {"ImageId": item["ImageId"]}
    attribute = call.input["Attribute"]
    if attribute == "launchPermission":
        answer["LaunchPermissions"] = item["_permissions"]
    elif attribute == "description":
        answer["Description"] = {"Value": item["Description"]}
    elif attribute == "productCodes":
        answer["ProductCodes"] = item["ProductCodes"]
    elif attribute == "blockDeviceMapping":
        answer["BlockDeviceMappings"] = item["BlockDeviceMappings"]
    elif attribute == "bootMode":
        answer["BootMode"] = {"Value": item.get("BootMode", "")}
    elif attribute == "imdsSupport":
        answer["ImdsSupport"] = {"Value": item.get("ImdsSupport", "")}
    elif attribute == "deregistrationProtection":
        answer["DeregistrationProtection"] = {
            "Value": item.get("DeregistrationProtection", "disabled")}
    else:
        raise Refusal("InvalidParameterValue", f"the stand-in has no attribute {attribute}")
    return answer


@operation("ec2", "ResetImageAttribute")
def reset_image_attribute(call):
    item = own(call, call.input["ImageId"])
    item["_permissions"] = []
    item["Public"] = False
    return {}


@operation("ec2", "EnableImageDeprecation")
def enable_image_deprecation(call):
    item = own(call, call.input["ImageId"])
    when = call.input["DeprecateAt"]
    if when <= call.now or when > call.now + 10 * 366 * 86400:
        raise Refusal("InvalidParameterValue", "DeprecateAt must be in the future and at most 10 "
                      "years ahead")
    item["DeprecationTime"] = time.strftime("%Y-%m-%dT%H:%M:00.000Z",
                                            time.gmtime(round(when / 60) * 60))
    return {"Return": True}


@operation("ec2", "DisableImageDeprecation")
def disable_image_deprecation(call):
    own(call, call.input["ImageId"]).pop("DeprecationTime", None)
    return {"Return": True}


@operation("ec2", "DisableImage")
def disable_image(call):
    item = own(call, call.input["ImageId"])
    item["State"] = "disabled"
    item["_permissions"] = []
    item["Public"] = False
    return {"Return": True}


@operation("ec2", "EnableImage")
def enable_image(call):
    item = own(call, call.input["ImageId"])
    if item["State"] == "disabled":
        item["State"] = "available"
    return {"Return": True}


@operation("ec2", "EnableImageDeregistrationProtection")
def enable_deregistration_protection(call):
    item = own(call, call.input["ImageId"])
    item["DeregistrationProtection"] = "enabled-with-cooldown" if call.input.get("WithCooldown") \
        else "enabled-without-cooldown"
    return {"Return": "true"}


@operation("ec2", "DisableImageDeregistrationProtection")
def disable_deregistration_protection(call):
    own(call, call.input["ImageId"])["DeregistrationProtection"] = "disabled"
    return {"Return": "true"}


@operation("ec2", "EnableImageBlockPublicAccess")
def enable_image_block_public_access(call):
    call.place.settings["image-block"] = "block-new-sharing"
    return {"ImageBlockPublicAccessState": "block-new-sharing"}


@operation("ec2", "DisableImageBlockPublicAccess")
def disable_image_block_public_access(call):
    call.place.settings["image-block"] = "unblocked"
    return {"ImageBlockPublicAccessState": "unblocked"}


@operation("ec2", "GetImageBlockPublicAccessState")
def get_image_block_public_access_state(call):
    return {"ImageBlockPublicAccessState": call.place.settings.get("image-block", "unblocked")}


__all__ = ["get", "own", "make", "settle", "launchable", "visible", "not_found"]
