"""EBS direct APIs: snapshots written and read by blocks (EBS User Guide, "EBS direct APIs")."""

import base64
import hashlib
import hmac
import os

from ..errors import Refusal
from ..paging import page
from . import operation
from .ec2 import snapshots
from .ec2.common import hidden

_SECRET = os.urandom(16)
_TOKEN_LIFE = 7 * 86400  # block tokens expire after seven days
_LARGEST = 16384  # GiB


def _invalid(message, reason="INVALID_PARAMETER_VALUE"):
    return Refusal("ValidationException", message, 400, {"Reason": reason})


def _found(call, name):
    item = call.world.snapshots.get(name)
    if item is None or item["_region"] != call.region or hidden(item):
        raise Refusal("ResourceNotFoundException", f"The snapshot '{name}' does not exist.", 404,
                      {"Reason": "SNAPSHOT_NOT_FOUND"})
    if not snapshots.allowed(call, item):
        raise Refusal("AccessDeniedException", f"no access to {name}", 403,
                      {"Reason": "UNAUTHORIZED_ACCOUNT"})
    snapshots.settle(call.world, item)
    return item


def _readable(call, name):
    item = _found(call, name)
    if item["State"] != "completed":
        raise _invalid(f"The snapshot '{name}' is {item['State']}", "INVALID_PARAMETER_VALUE")
    if item["Encrypted"] and not _key_usable(call, item["KmsKeyId"]):
        raise Refusal("AccessDeniedException", "The key of the snapshot is not accessible", 403,
                      {"Reason": "DEPENDENCY_ACCESS_DENIED"})
    return item


def _key_usable(call, arn):
    from . import kms
    return kms.may_use(call, arn)


def _token(name, index, until):
    text = f"{name} {index} {int(until)}"
    mark = hmac.new(_SECRET, text.encode(), "sha256").digest()[:12]
    return base64.b64encode(text.encode() + b" " + mark).decode()


def _check_token(call, token, name, index):
    try:
        raw = base64.b64decode(token, validate=True)
        text, mark = raw[:-13].decode(), raw[-12:]
        of, number, until = text.split(" ")
    except (ValueError, UnicodeDecodeError):
        raise _invalid("The block token is invalid", "INVALID_BLOCK_TOKEN") from None
    if not hmac.compare_digest(mark, hmac.new(_SECRET, text.encode(), "sha256").digest()[:12]) or \
            of != name or int(number) != index:
        raise _invalid("The block token is invalid", "INVALID_BLOCK_TOKEN")
    if call.now > int(until):
        raise _invalid("The block token is expired", "INVALID_BLOCK_TOKEN")


@operation("ebs", "StartSnapshot")
def start_snapshot(call):
    given, world = call.input, call.world

    def create():
        if given["VolumeSize"] > _LARGEST:
            raise _invalid("The volume size is invalid", "INVALID_VOLUME_SIZE")
        parent = None
        if "ParentSnapshotId" in given:
            parent = _readable(call, given["ParentSnapshotId"])
            if given.get("Encrypted") is not None or "KmsKeyArn" in given:
                raise _invalid("Encrypted and KmsKeyArn do not go with ParentSnapshotId",
                               "INVALID_PARAMETER_VALUE")
            if parent["VolumeSize"] > given["VolumeSize"]:
                raise _invalid("the parent is larger", "INVALID_VOLUME_SIZE")
        pending = [item for item in world.snapshots.values() if item.get("_writing")
                   and item["OwnerId"] == call.account and item["_region"] == call.region]
        if len(pending) >= 100:
            raise Refusal("ConcurrentLimitExceededException", "too many pending snapshots", 400)
        key = None
        if parent is not None:
            key = parent.get("KmsKeyId")
        elif "KmsKeyArn" in given and not given.get("Encrypted"):
            raise _invalid("If you specify KmsKeyArn, Encrypted must be true")
        elif given.get("Encrypted") or call.place.settings.get("encrypt"):
            key, problem = snapshots.key_for(call, given.get("KmsKeyArn"))
            if problem:
                raise Refusal("AccessDeniedException", problem, 403,
                              {"Reason": "DEPENDENCY_ACCESS_DENIED"})
        item = snapshots.make(
            call, snapshots.Store(world, parent["_store"] if parent else None),
            given["VolumeSize"], given.get("Description", ""),
            [{"Key": tag.get("Key", ""), "Value": tag.get("Value", "")}
             for tag in given.get("Tags", ())], key=key)
        item["_writing"] = True
        item["_until"] = call.now + given.get("Timeout", 60) * 60
        answer = {"SnapshotId": item["SnapshotId"], "OwnerId": call.account, "Status": "pending",
                  "StartTime": item["StartTime"], "VolumeSize": item["VolumeSize"],
                  "BlockSize": snapshots.BLOCK, "Description": item["Description"],
                  "Tags": item["Tags"]}
        if parent is not None:
            answer["ParentSnapshotId"] = parent["SnapshotId"]
        if key:
            answer["KmsKeyArn"] = key
        return answer

    return world.once(call, given.get("ClientToken"), create, "ConflictException")


def _writing(call, name):
    item = _found(call, name)
    if item["OwnerId"] != call.account:
        raise Refusal("AccessDeniedException", "not yours", 403,
                      {"Reason": "UNAUTHORIZED_ACCOUNT"})
    if item.get("_writing") and call.now > item["_until"]:
        item["_writing"] = False
        item["State"] = "error"
        item["StateMessage"] = "the snapshot was not completed in time"
    if not item.get("_writing"):
        raise _invalid(f"The snapshot '{name}' is not pending", "INVALID_SNAPSHOT_ID")
    return item


@operation("ebs", "PutSnapshotBlock", unlocked=True)
def put_snapshot_block(call):
    given = call.input
    data = given["BlockData"]
    index = given["BlockIndex"]
    if len(data) != snapshots.BLOCK or given["DataLength"] != snapshots.BLOCK:
        raise _invalid("A block is 524288 bytes", "INVALID_PARAMETER_VALUE")
    if given["ChecksumAlgorithm"] != "SHA256":
        raise _invalid("The checksum algorithm is SHA256")
    declared = call.raw.headers.get("x-amz-content-sha256", "")
    digest = bytes.fromhex(declared) if len(declared) == 64 else hashlib.sha256(data).digest()
    checksum = base64.b64encode(digest).decode()
    if checksum != given["Checksum"]:
        raise _invalid("The checksum does not match the block", "INVALID_PARAMETER_VALUE")
    with call.world.lock:
        item = _writing(call, given["SnapshotId"])
        if index >= item["VolumeSize"] * 2048:
            raise _invalid("The block index lies outside the volume", "INVALID_PARAMETER_VALUE")
        item["_until"] = max(item["_until"], call.now + 3600)
    item["_store"].put(index, data)
    return {"Checksum": checksum, "ChecksumAlgorithm": "SHA256"}


@operation("ebs", "CompleteSnapshot")
def complete_snapshot(call):
    given = call.input
    item = _found(call, given["SnapshotId"])
    done = item.get("_completed")
    if done is not None and done == (given["ChangedBlocksCount"], given.get("Checksum")):
        return {"Status": item["State"]}
    item = _writing(call, given["SnapshotId"])
    store = item["_store"]
    if given["ChangedBlocksCount"] != len(store.sums):
        raise _invalid(f"ChangedBlocksCount is {given['ChangedBlocksCount']}, but "
                       f"{len(store.sums)} blocks were written", "INVALID_PARAMETER_VALUE")
    if "Checksum" in given:
        if given.get("ChecksumAggregationMethod", "LINEAR") != "LINEAR":
            raise _invalid("the aggregation method is LINEAR")
        linear = hashlib.sha256(b"".join(base64.b64decode(store.sums[index])
                                         for index in sorted(store.sums)))
        if base64.b64encode(linear.digest()).decode() != given["Checksum"]:
            raise _invalid("The checksum does not match the snapshot's blocks")
    item["_writing"] = False
    item["_completed"] = (given["ChangedBlocksCount"], given.get("Checksum"))
    item["_due"] = call.world.due("snapshot")
    snapshots.settle(call.world, item)
    return {"Status": item["State"]}


def _start_and_size(call):
    size = call.input.get("MaxResults", 10000)
    if not 100 <= size <= 10000:
        raise _invalid("MaxResults is 100 to 10000")
    return call.input.get("StartingBlockIndex", 0), size


@operation("ebs", "ListSnapshotBlocks")
def list_snapshot_blocks(call):
    item = _readable(call, call.input["SnapshotId"])
    start, size = _start_and_size(call)
    indexes = [index for index in item["_store"].indexes() if index >= start]
    chosen, token = page(call, indexes, size, call.input.get("NextToken"), "ValidationException")
    until = call.now + _TOKEN_LIFE
    return {"Blocks": [{"BlockIndex": index, "BlockToken": _token(item["SnapshotId"], index, until)}
                       for index in chosen],
            "ExpiryTime": int(until), "VolumeSize": item["VolumeSize"],
            "BlockSize": snapshots.BLOCK, "NextToken": token}


@operation("ebs", "ListChangedBlocks")
def list_changed_blocks(call):
    given = call.input
    second = _readable(call, given["SecondSnapshotId"])
    first = _readable(call, given["FirstSnapshotId"]) if "FirstSnapshotId" in given else None
    start, size = _start_and_size(call)
    one = first["_store"] if first else None
    indexes = set(second["_store"].indexes()) | set(one.indexes() if one else ())
    changed = [index for index in sorted(indexes) if index >= start and (
        one is None or one.checksum(index) != second["_store"].checksum(index))]
    chosen, token = page(call, changed, size, given.get("NextToken"), "ValidationException")
    until = call.now + _TOKEN_LIFE
    blocks = []
    for index in chosen:
        entry = {"BlockIndex": index}
        if one is not None and one.checksum(index) is not None:
            entry["FirstBlockToken"] = _token(first["SnapshotId"], index, until)
        if second["_store"].checksum(index) is not None:
            entry["SecondBlockToken"] = _token(second["SnapshotId"], index, until)
        blocks.append(entry)
    return {"ChangedBlocks": blocks, "ExpiryTime": int(until), "VolumeSize": second["VolumeSize"],
            "BlockSize": snapshots.BLOCK, "NextToken": token}


@operation("ebs", "GetSnapshotBlock", unlocked=True)
def get_snapshot_block(call):
    given = call.input
    with call.world.lock:
        item = _readable(call, given["SnapshotId"])
    _check_token(call, given["BlockToken"], given["SnapshotId"], given["BlockIndex"])
    data = item["_store"].get(given["BlockIndex"])
    if data is None:
        raise Refusal("ResourceNotFoundException", "no such block", 404,
                      {"Reason": "SNAPSHOT_NOT_FOUND"})
    return {"DataLength": len(data), "BlockData": data, "ChecksumAlgorithm": "SHA256",
            "Checksum": item["_store"].checksum(given["BlockIndex"])}
