"""EBS snapshots, their blocks and who may use them (EBS User Guide, "Amazon EBS snapshots")."""

import base64
import hashlib
import os
import threading

from ...errors import Refusal
from .. import operation
from .common import (born, check_id, check_kinds, filtered, find, hidden, not_found, paged,
                     tags_for)

BLOCK = 524288
_NAMES = {"snapshot-id": "SnapshotId", "status": "State", "volume-id": "VolumeId",
          "owner-id": "OwnerId", "description": "Description", "encrypted": "Encrypted",
          "volume-size": "VolumeSize", "progress": "Progress", "storage-tier": "StorageTier"}


class Store:
    """The blocks of one volume's content: a sparse file and the checksums of what was written."""

    def __init__(self, world, parent=None):
        self._world = world
        self._lock = threading.Lock()
        self._file = None
        self.parent = parent
        self.sums = {}

    def put(self, index, data):
        with self._lock:
            if self._file is None:
                path = os.path.join(self._world.scratch, f"store-{id(self)}-{os.urandom(4).hex()}")
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
                os.unlink(path)
        os.pwrite(self._file, data, index * BLOCK)
        self.sums[index] = base64.b64encode(hashlib.sha256(data).digest()).decode()

    def get(self, index):
        """The block; None when there is none."""
        if index in self.sums:
            return os.pread(self._file, BLOCK, index * BLOCK)
        return self.parent.get(index) if self.parent else None

    def checksum(self, index):
        if index in self.sums:
            return self.sums[index]
        return self.parent.checksum(index) if self.parent else None

    def indexes(self):
        found = set(self.sums)
        if self.parent:
            found |= set(self.parent.indexes())
        return sorted(found)

    def __del__(self):
        if self._file is not None:
            os.close(self._file)


def key_problem(call, key_arn):
    """Why the caller can not use the key; None when it can."""
    from .. import kms
    if kms.may_use(call, key_arn):
        return None
    return "Given key ID is not accessible"


def key_for(call, wanted):
    """(ARN of the key to encrypt with, the problem with it or None)."""
    from .. import kms
    if not wanted:
        return kms.default_key(call), None
    key = kms.lookup(call, wanted)
    if key is None:
        return wanted, "Given key ID is not accessible"
    return key["Arn"], key_problem(call, key["Arn"])


def settle(world, item, look=False):
    if item["State"] == "pending" and not item.get("_writing") and world.is_due(item["_due"], look):
        if item.get("_failure"):
            item["State"] = "error"
            item["StateMessage"] = item["_failure"]
        else:
            item["State"] = "completed"
            item["Progress"] = "100%"


def make(call, store, size, description, tags, volume_id="vol-ffffffff", key=None, failure=None,
         kind="snapshot", region=None, **more):
    """A new pending snapshot of the caller."""
    item = {
        "SnapshotId": call.world.new_id("snap"), "OwnerId": call.account, "VolumeId": volume_id,
        "VolumeSize": size, "StartTime": call.now, "State": "pending", "Progress": "0%",
        "Description": description, "Encrypted": bool(key), "StorageTier": "standard",
        "Tags": [dict(tag) for tag in tags], "_store": store, "_region": region or call.region,
        "_permissions": [], "_due": call.world.due(kind),
        "_failure": failure or call.world.failure(kind, call), **more,
    }
    if key:
        item["KmsKeyId"] = key
    call.world.snapshots[item["SnapshotId"]] = born(call, item)
    return item


def allowed(call, item):
    if item["OwnerId"] == call.account:
        return True
    return any(entry in ({"UserId": call.account}, {"Group": "all"})
               for entry in item["_permissions"])


def readable(call, name):
    """The snapshot of this region, own or shared with the caller."""
    check_id("snap", name)
    item = call.world.snapshots.get(name)
    if item is None or item["_region"] != call.region or not allowed(call, item) or hidden(item):
        not_found("snap", name)
    settle(call.world, item)
    return item


def own(call, name):
    item = readable(call, name)
    if item["OwnerId"] != call.account:
        raise Refusal("AuthFailure", f"Not authorized for snapshot {name}")
    return item


@operation("ec2", "CreateSnapshot")
def create_snapshot(call):
    check_kinds(call, ("snapshot",))
    volume = find(call, "volumes", "vol", call.input["VolumeId"])
    return make(call, volume["_store"], volume["Size"], call.input.get("Description", ""),
                tags_for(call, "snapshot"), volume["VolumeId"], volume.get("KmsKeyId"))


@operation("ec2", "DescribeSnapshots")
def describe_snapshots(call):
    given, world = call.input, call.world
    ids = given.get("SnapshotIds")
    owners = [call.account if name == "self" else name for name in given.get("OwnerIds", ())]
    restorable = given.get("RestorableByUserIds", ())
    if ids:
        items = [readable(call, name) for name in dict.fromkeys(ids)]
    else:
        items = [item for item in world.snapshots.values() if item["_region"] == call.region
                 and allowed(call, item) and not hidden(item)]
    if owners:
        items = [item for item in items if item["OwnerId"] in owners]
    if restorable:
        names = [call.account if name == "self" else name for name in restorable]
        items = [item for item in items if item["OwnerId"] in names
                 or any(entry.get("UserId") in names or (entry == {"Group": "all"} and
                                                         "all" in names)
                        for entry in item["_permissions"])]
    for item in items:
        settle(world, item, look=True)
    items = [_shown(call, item) for item in items]
    return paged(call, filtered(call, items, _NAMES), "Snapshots", ids=ids)


def _shown(call, item):
    if item["OwnerId"] == call.account:
        return item
    return {**item, "Tags": []}


def image_using(world, name):
    for image in world.images.values():
        if image["State"] in ("deregistered", "failed"):
            continue
        for mapping in image["BlockDeviceMappings"]:
            if mapping.get("Ebs", {}).get("SnapshotId") == name:
                return image["ImageId"]
    return None


@operation("ec2", "DeleteSnapshot")
def delete_snapshot(call):
    item = own(call, call.input["SnapshotId"])
    name = item["SnapshotId"]
    image = image_using(call.world, name)
    if image:
        raise Refusal("InvalidSnapshot.InUse", f"The snapshot {name} is currently in use by "
                      f"{image}")
    del call.world.snapshots[name]
    return {}


@operation("ec2", "CopySnapshot")
def copy_snapshot(call):
    given = call.input
    check_kinds(call, ("snapshot",))
    name = given["SourceSnapshotId"]
    check_id("snap", name)
    source = call.world.snapshots.get(name)
    if source is None or source["_region"] != given["SourceRegion"] or not allowed(call, source):
        not_found("snap", name)
    settle(call.world, source)
    if source["State"] != "completed":
        raise Refusal("IncorrectState", f"Snapshot {name} is {source['State']}")
    copy = copied(call, source, given.get("Encrypted"), given.get("KmsKeyId"),
                  given.get("Description", ""), tags_for(call, "snapshot"))
    return {"SnapshotId": copy["SnapshotId"], "Tags": copy["Tags"]}


def copied(call, source, encrypted, key, description, tags):
    """A copy in the caller's region. A key that can not be used shows only later, as for real."""
    reason = None
    arn = None
    if source["Encrypted"] or encrypted or key or call.place.settings.get("encrypt"):
        arn, reason = key_for(call, key)
    if source["Encrypted"] and reason is None:
        reason = key_problem(call, source["KmsKeyId"])
    return make(call, source["_store"], source["VolumeSize"], description, tags, key=arn,
                failure=reason, kind="snapshot-copy")


@operation("ec2", "ModifySnapshotAttribute")
def modify_snapshot_attribute(call):
    given = call.input
    item = own(call, given["SnapshotId"])
    changes = given.get("CreateVolumePermission", {})
    add, remove = list(changes.get("Add", ())), list(changes.get("Remove", ()))
    entries = [{"UserId": name} for name in given.get("UserIds", ())] + \
        [{"Group": name} for name in given.get("GroupNames", ())]
    if entries:
        (remove if given.get("OperationType") == "remove" else add).extend(entries)
    if len(add) + len(remove) > 500:
        raise Refusal("InvalidParameterValue", "at most 500 modifications in one call")
    for entry in add:
        if "UserId" in entry and not (len(entry["UserId"]) == 12 and entry["UserId"].isdigit()):
            raise Refusal("InvalidParameterValue", f"Invalid user id: {entry['UserId']}")
    if add and item["Encrypted"]:
        from .. import kms
        if kms.is_default(call.world, item["KmsKeyId"]):
            raise Refusal("InvalidParameterValue", "Snapshots encrypted with the AWS managed key "
                          "can't be shared")
        if {"Group": "all"} in add:
            raise Refusal("InvalidParameterValue", "Encrypted snapshots can't be made public")
    for entry in add:
        if entry not in item["_permissions"]:
            item["_permissions"].append(dict(entry))
    item["_permissions"] = [entry for entry in item["_permissions"] if entry not in remove]
    return {}


@operation("ec2", "DescribeSnapshotAttribute")
def describe_snapshot_attribute(call):
    item = own(call, call.input["SnapshotId"])
    answer = {"SnapshotId": item["SnapshotId"]}
    if call.input["Attribute"] == "createVolumePermission":
        answer["CreateVolumePermissions"] = item["_permissions"]
    else:
        answer["ProductCodes"] = []
    return answer
