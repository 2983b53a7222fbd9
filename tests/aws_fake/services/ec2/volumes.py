"""EBS volumes."""

from ...errors import Refusal
from .. import operation
from . import snapshots
from .common import born, check_kinds, filtered, find, paged, select, tags_for

_NAMES = {"volume-id": "VolumeId", "status": "State", "snapshot-id": "SnapshotId",
          "availability-zone": "AvailabilityZone", "size": "Size", "encrypted": "Encrypted",
          "volume-type": "VolumeType", "attachment.instance-id": "Attachments.InstanceId",
          "attachment.device": "Attachments.Device"}


def of_mapping(call, mapping, zone, tags):
    """(a new volume, the reason why it can not be made or None)."""
    ebs = mapping["Ebs"]
    reason = None
    source = call.world.snapshots.get(ebs.get("SnapshotId"))
    encrypted = bool(ebs.get("Encrypted") or (source and source["Encrypted"])
                     or call.place.settings.get("encrypt"))
    key = None
    if encrypted:
        key, reason = snapshots.key_for(call, ebs.get("KmsKeyId") or
                                        (source and source.get("KmsKeyId")))
        if source is not None and source["Encrypted"] and reason is None:
            reason = snapshots.key_problem(call, source["KmsKeyId"])
        if reason:
            reason = f"Client.InvalidKMSKey.InvalidState: {reason}"
    volume = {
        "VolumeId": call.world.new_id("vol"), "Size": ebs["VolumeSize"], "State": "available",
        "SnapshotId": ebs.get("SnapshotId") or "", "AvailabilityZone": zone, "CreateTime": call.now,
        "VolumeType": ebs.get("VolumeType", "gp3"), "Encrypted": encrypted, "Attachments": [],
        "MultiAttachEnabled": False, "Tags": [dict(tag) for tag in tags],
        "Iops": ebs.get("Iops", 3000), "_store": source["_store"] if source else
        snapshots.Store(call.world),
    }
    if key:
        volume["KmsKeyId"] = key
    call.place["volumes"][volume["VolumeId"]] = born(call, volume)
    return volume, reason


def release(world, place, volume_id, delete):
    volume = place["volumes"].get(volume_id)
    if volume is None:
        return
    if delete:
        del place["volumes"][volume_id]
    else:
        volume["State"] = "available"
        volume["Attachments"] = []


@operation("ec2", "CreateVolume")
def create_volume(call):
    given = call.input
    check_kinds(call, ("volume",))

    def create():
        ebs = {name: given[name] for name in ("SnapshotId", "VolumeType", "Encrypted", "KmsKeyId",
                                              "Iops") if name in given}
        if "SnapshotId" in given:
            ebs["VolumeSize"] = snapshots.readable(call, given["SnapshotId"])["VolumeSize"]
        if "Size" in given:
            if given["Size"] < ebs.get("VolumeSize", 1):
                raise Refusal("InvalidParameterValue", "the volume is smaller than its snapshot")
            ebs["VolumeSize"] = given["Size"]
        if "VolumeSize" not in ebs:
            raise Refusal("MissingParameter", "The request must contain the parameter size or "
                          "snapshotId")
        return of_mapping(call, {"Ebs": ebs}, given.get("AvailabilityZone", call.region + "a"),
                          tags_for(call, "volume"))[0]

    return call.world.once(call, given.get("ClientToken"), create)


@operation("ec2", "DescribeVolumes")
def describe_volumes(call):
    ids = call.input.get("VolumeIds")
    return paged(call, filtered(call, select(call, "volumes", "vol", ids), _NAMES), "Volumes",
                 ids=ids)


@operation("ec2", "DeleteVolume")
def delete_volume(call):
    volume = find(call, "volumes", "vol", call.input["VolumeId"])
    if volume["State"] == "in-use":
        raise Refusal("VolumeInUse", f"Volume {volume['VolumeId']} is currently attached to "
                      f"{volume['Attachments'][0]['InstanceId']}")
    del call.place["volumes"][volume["VolumeId"]]
    return {}
