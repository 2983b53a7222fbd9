"""AMIs stored as S3 objects and restored (EC2 User Guide, "Store and restore an AMI using S3")."""

import json

from ...errors import Refusal
from .. import operation, s3
from . import images, snapshots
from .common import check_id, check_kinds, paged, shown_tags, tags_for

_KEPT = ("Description", "Architecture", "RootDeviceName", "Platform", "EnaSupport", "BootMode",
         "ImdsSupport", "TpmSupport", "PlatformDetails", "SriovNetSupport", "VirtualizationType",
         "ImageWatermarks")


def _bucket(call, name):
    bucket = call.world.buckets.get(name)
    if bucket is None:
        raise Refusal("InvalidBucket.NotFound", f"The bucket {name} does not exist")
    if bucket["account"] != call.account:
        raise Refusal("InvalidRequest", f"You do not have permission to access the bucket {name}")
    if bucket["region"] != call.region:
        raise Refusal("InvalidRequest", f"The bucket {name} is not in the region of the request")
    return bucket


def _tasks(call):
    tasks = call.place["store_tasks"]
    for task in tasks.values():
        if task["StoreTaskState"] == "InProgress" and call.world.is_due(task["_due"], True):
            _finish(call, task)
    return tasks


def _finish(call, task):
    if task["_failure"]:
        task.update(StoreTaskState="Failed", StoreTaskFailureReason=task["_failure"])
        return
    bucket = call.world.buckets.get(task["Bucket"])
    if bucket is None:
        task.update(StoreTaskState="Failed", StoreTaskFailureReason="The bucket is gone")
        return
    stored = s3.store(call.world, bucket, task["S3objectKey"], task["_text"])
    stored["image"] = task["_image"]
    task.update(StoreTaskState="Completed", ProgressPercentage=100)


@operation("ec2", "CreateStoreImageTask", own_dry_run=True)
def create_store_image_task(call):
    item = images.get(call, call.input["ImageId"])
    bucket = call.input["Bucket"]
    _bucket(call, bucket)
    if item["Public"]:
        raise Refusal("InvalidRequest", "Public images can not be stored")
    if item["State"] != "available":
        raise Refusal("InvalidAMIID.Unavailable", f"The image ID '{item['ImageId']}' is not "
                      "available")
    content = []
    for mapping in item["BlockDeviceMappings"]:
        snapshot = call.world.snapshots.get(mapping.get("Ebs", {}).get("SnapshotId"))
        if snapshot is None:
            continue
        if snapshot["Encrypted"]:
            problem = snapshots.key_problem(call, snapshot["KmsKeyId"])
            if problem:
                raise Refusal("InvalidRequest", problem)
        content.append((mapping["DeviceName"], dict(mapping["Ebs"]), snapshot["_store"],
                        snapshot["VolumeSize"]))
    running = sum(size for task in _tasks(call).values() if task["StoreTaskState"] == "InProgress"
                  for _, _, _, size in task["_image"]["content"])
    if running + sum(size for _, _, _, size in content) > call.world.switches["store-limit"]:
        raise Refusal("ResourceLimitExceeded", "The sum of the sizes of the images in progress "
                      "exceeds the limit")
    call.dry_run()
    key = item["ImageId"] + ".bin"
    call.place["store_tasks"][f"{len(call.place['store_tasks'])}"] = {
        "AmiId": item["ImageId"], "TaskStartTime": call.now, "Bucket": bucket, "S3objectKey": key,
        "ProgressPercentage": 10, "StoreTaskState": "InProgress",
        "_due": call.world.due("store"), "_failure": call.world.failure("store", call),
        "_text": json.dumps({"image": item["ImageId"], "owner": item["OwnerId"]}).encode(),
        "_image": {"name": item["Name"], "content": content,
                   "tags": {tag["Key"]: tag["Value"] for tag in item["Tags"]},
                   "kept": {name: item.get(name) for name in _KEPT}}}
    return {"ObjectKey": key}


@operation("ec2", "DescribeStoreImageTasks")
def describe_store_image_tasks(call):
    ids = call.input.get("ImageIds")
    for name in ids or ():
        check_id("ami", name)
    found = [task for task in reversed(list(_tasks(call).values()))
             if not ids or task["AmiId"] in ids]
    return paged(call, found, "StoreImageTaskResults", smallest=1, largest=200, ids=ids)


@operation("ec2", "CreateRestoreImageTask", own_dry_run=True)
def create_restore_image_task(call):
    check_kinds(call, ("image", "snapshot"))
    given = call.input
    bucket = _bucket(call, given["Bucket"])
    versions = bucket["objects"].get(given["ObjectKey"])
    if not versions or versions[-1]["marker"]:
        raise Refusal("InvalidObject.NotFound", f"The object {given['ObjectKey']} does not exist")
    stored = versions[-1].get("image")
    if stored is None:
        raise Refusal("InvalidRequest", f"The object {given['ObjectKey']} is no stored image")
    name = given.get("Name", stored["name"])
    images._check_name(call, name)
    call.dry_run()
    mappings = []
    for device, ebs, store, size in stored["content"]:
        key = snapshots.key_for(call, None)[0] if call.place.settings.get("encrypt") else None
        snapshot = snapshots.make(call, store, size, "Created by CreateRestoreImageTask",
                                  tags_for(call, "snapshot"), key=key)
        mappings.append({"DeviceName": device,
                         "Ebs": {**ebs, "SnapshotId": snapshot["SnapshotId"],
                                 "Encrypted": bool(key)}})
    tags = {**stored["tags"], **{tag["Key"]: tag["Value"] for tag in tags_for(call, "image")}}
    kept = dict(stored["kept"])
    item = images.make(call, name, kept.pop("Description") or "", mappings, shown_tags(tags),
                       kind="image-copy", **kept)
    return {"ImageId": item["ImageId"]}
