"""S3: buckets, objects, versions, conditional writes (S3 User Guide and API reference)."""

import hashlib
import re
import secrets

from ..errors import Refusal
from ..paging import page
from . import operation

_NAME = re.compile(r"^[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]$")


def _bucket(call, write=False):
    name = call.input["Bucket"]
    bucket = call.world.buckets.get(name)
    if bucket is None:
        raise Refusal("NoSuchBucket", "The specified bucket does not exist", 404,
                      {"BucketName": name})
    if bucket["account"] != call.account and not _granted(call, bucket):
        raise Refusal("AccessDenied", "Access Denied", 403)
    if bucket["region"] != call.region:
        raise Refusal("AuthorizationHeaderMalformed",
                      f"The authorization header is malformed; the region '{call.region}' is "
                      f"wrong; expecting '{bucket['region']}'", 400, {"Region": bucket["region"]})
    return bucket


def _granted(call, bucket):
    import json

    from .. import authorization, policies
    if not bucket.get("policy"):
        return False
    key = call.input.get("Key")
    arn = f"arn:aws:s3:::{call.input['Bucket']}" + (f"/{key}" if key else "")
    return policies.resource_policy(
        json.loads(bucket["policy"]), authorization.action_name("s3", call.operation), arn,
        call.account, call.caller.arn,
        authorization.context_of(call.world, call.caller, call.region)) == "allowed"


def _etag(data):
    return '"' + hashlib.md5(data).hexdigest() + '"'


def store(world, bucket, key, data, kind="binary/octet-stream", metadata=None):
    """Puts an object; the new version."""
    versioned = bucket["versioning"] == "Enabled"
    version = {"id": secrets.token_urlsafe(24) if versioned else "null", "data": data,
               "etag": _etag(data), "time": world.clock.now(), "type": kind, "marker": False,
               "metadata": metadata or {}}
    versions = bucket["objects"].setdefault(key, [])
    if not versioned:
        versions[:] = [item for item in versions if item["id"] != "null"]
    versions.append(version)
    return version


def _current(bucket, key):
    versions = bucket["objects"].get(key)
    return versions[-1] if versions else None


def _object(call, bucket):
    key, wanted = call.input["Key"], call.input.get("VersionId")
    if wanted:
        for item in bucket["objects"].get(key, ()):
            if item["id"] == wanted:
                if item["marker"]:
                    raise Refusal("MethodNotAllowed", "a delete marker", 405)
                return item
        raise Refusal("NoSuchVersion", "The specified version does not exist.", 404)
    item = _current(bucket, key)
    if item is None or item["marker"]:
        raise Refusal("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})
    return item


@operation("s3", "CreateBucket")
def create_bucket(call):
    name = call.input["Bucket"]
    if not _NAME.match(name):
        raise Refusal("InvalidBucketName", "The specified bucket is not valid.")
    region = call.input.get("CreateBucketConfiguration", {}).get("LocationConstraint", "us-east-1")
    if region != call.region:
        raise Refusal("IllegalLocationConstraintException", f"The {region} location constraint is "
                      "incompatible for the region specific endpoint this request was sent to.")
    existing = call.world.buckets.get(name)
    if existing is not None:
        if existing["account"] == call.account:
            if call.region == "us-east-1":
                return {"Location": f"/{name}"}
            raise Refusal("BucketAlreadyOwnedByYou", "Your previous request to create the named "
                          "bucket succeeded and you already own it.", 409)
        raise Refusal("BucketAlreadyExists", "The requested bucket name is not available.", 409)
    make(call.world, call.account, call.region, name)
    return {"Location": f"/{name}"}


def make(world, account, region, name):
    world.buckets[name] = {"name": name, "account": account, "region": region, "objects": {},
                           "versioning": None, "created": world.clock.now(), "policy": None,
                           "tags": [], "settings": {}}
    return world.buckets[name]


@operation("s3", "DeleteBucket")
def delete_bucket(call):
    bucket = _bucket(call)
    if any(bucket["objects"].values()):
        raise Refusal("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
    del call.world.buckets[bucket["name"]]
    return {}


@operation("s3", "HeadBucket")
def head_bucket(call):
    _bucket(call)
    return {}


@operation("s3", "ListBuckets")
def list_buckets(call):
    return {"Buckets": [{"Name": item["name"], "CreationDate": item["created"]}
                        for item in call.world.buckets.values() if item["account"] == call.account],
            "Owner": {"ID": call.account}}


@operation("s3", "GetBucketLocation")
def get_bucket_location(call):
    region = _bucket(call)["region"]
    return {"LocationConstraint": None if region == "us-east-1" else region}


@operation("s3", "PutObject")
def put_object(call):
    given, bucket = call.input, _bucket(call, True)
    data = given.get("Body", b"")
    current = _current(bucket, given["Key"])
    alive = current is not None and not current["marker"]
    if given.get("IfNoneMatch") == "*" and alive:
        raise Refusal("PreconditionFailed", "At least one of the pre-conditions you specified did "
                      "not hold", 412)
    if "IfMatch" in given:
        if not alive:
            raise Refusal("NoSuchKey", "The specified key does not exist.", 404)
        if given["IfMatch"].strip('"') != current["etag"].strip('"'):
            raise Refusal("PreconditionFailed", "At least one of the pre-conditions you specified "
                          "did not hold", 412)
    if "ContentMD5" in given:
        import base64
        if base64.b64encode(hashlib.md5(data).digest()).decode() != given["ContentMD5"]:
            raise Refusal("BadDigest", "The Content-MD5 you specified did not match what we "
                          "received.")
    version = store(call.world, bucket, given["Key"], data,
                    given.get("ContentType", "binary/octet-stream"), given.get("Metadata"))
    answer = {"ETag": version["etag"]}
    if bucket["versioning"]:
        answer["VersionId"] = version["id"]
    return answer


def _head(call, bucket, item):
    answer = {"ETag": item["etag"], "ContentLength": len(item["data"]), "AcceptRanges": "bytes",
              "LastModified": int(item["time"]), "ContentType": item["type"],
              "Metadata": item["metadata"]}
    if bucket["versioning"]:
        answer["VersionId"] = item["id"]
    return answer


@operation("s3", "GetObject")
def get_object(call):
    bucket = _bucket(call)
    item = _object(call, bucket)
    if call.input.get("IfMatch", item["etag"]).strip('"') != item["etag"].strip('"'):
        raise Refusal("PreconditionFailed", "pre-condition", 412)
    answer = _head(call, bucket, item)
    data = item["data"]
    span = re.fullmatch(r"bytes=(\d*)-(\d*)", call.input.get("Range", ""))
    if span and (span.group(1) or span.group(2)):
        if span.group(1):
            start, end = int(span.group(1)), int(span.group(2) or len(data) - 1)
        else:
            start, end = max(0, len(data) - int(span.group(2))), len(data) - 1
        if start >= len(data):
            raise Refusal("InvalidRange", "The requested range is not satisfiable", 416)
        end = min(end, len(data) - 1)
        answer["ContentRange"] = f"bytes {start}-{end}/{len(data)}"
        data = data[start:end + 1]
        answer["_status"] = 206
    answer["Body"] = data
    answer["ContentLength"] = len(data)
    return answer


@operation("s3", "HeadObject")
def head_object(call):
    bucket = _bucket(call)
    try:
        return _head(call, bucket, _object(call, bucket))
    except Refusal as refusal:
        raise Refusal("404" if refusal.status == 404 else refusal.code, "Not Found",
                      refusal.status) from None


@operation("s3", "CopyObject")
def copy_object(call):
    from urllib.parse import unquote
    source_bucket, _, rest = unquote(call.input["CopySource"]).lstrip("/").partition("/")
    key, _, version_id = rest.partition("?versionId=")
    source = call.world.buckets.get(source_bucket)
    if source is None:
        raise Refusal("NoSuchBucket", "The specified bucket does not exist", 404)
    items = [item for item in source["objects"].get(key, ())
             if not version_id or item["id"] == version_id]
    if not items or items[-1]["marker"]:
        raise Refusal("NoSuchKey", "The specified key does not exist.", 404)
    version = store(call.world, _bucket(call), call.input["Key"], items[-1]["data"],
                    items[-1]["type"], items[-1]["metadata"])
    return {"CopyObjectResult": {"ETag": version["etag"], "LastModified": version["time"]}}


def _remove(call, bucket, key, version_id):
    """{deleted members} of one delete."""
    versions = bucket["objects"].get(key, [])
    if version_id:
        gone = [item for item in versions if item["id"] == version_id]
        versions[:] = [item for item in versions if item["id"] != version_id]
        if not versions:
            bucket["objects"].pop(key, None)
        answer = {"VersionId": version_id}
        if gone and gone[0]["marker"]:
            answer["DeleteMarker"] = True
        return answer
    if bucket["versioning"] != "Enabled":
        bucket["objects"].pop(key, None)
        return {}
    marker = {"id": secrets.token_urlsafe(24), "data": b"", "etag": "", "time": call.now,
              "type": "", "marker": True, "metadata": {}}
    bucket["objects"].setdefault(key, []).append(marker)
    return {"DeleteMarker": True, "VersionId": marker["id"]}


@operation("s3", "DeleteObject")
def delete_object(call):
    return _remove(call, _bucket(call), call.input["Key"], call.input.get("VersionId"))


@operation("s3", "DeleteObjects")
def delete_objects(call):
    bucket = _bucket(call)
    if not any(name.startswith(("content-md5", "x-amz-checksum-", "x-amz-sdk-checksum"))
               for name in call.raw.headers):
        raise Refusal("InvalidRequest", "Missing required header for this request: Content-MD5")
    done = []
    for entry in call.input["Delete"]["Objects"]:
        result = _remove(call, bucket, entry["Key"], entry.get("VersionId"))
        shown = {"Key": entry["Key"]}
        if result.get("DeleteMarker") and not entry.get("VersionId"):
            shown.update(DeleteMarker=True, DeleteMarkerVersionId=result["VersionId"])
        elif entry.get("VersionId"):
            shown["VersionId"] = entry["VersionId"]
        done.append(shown)
    return {} if call.input["Delete"].get("Quiet") else {"Deleted": done}


def _grouped(keys, prefix, delimiter):
    """Keys and common prefixes, in order."""
    plain, common = [], []
    for key in keys:
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix):]
        if delimiter and delimiter in rest:
            group = prefix + rest.split(delimiter)[0] + delimiter
            if group not in common:
                common.append(group)
        else:
            plain.append(key)
    return plain, common


def _listed(bucket, key):
    item = bucket["objects"][key][-1]
    return {"Key": key, "LastModified": item["time"], "ETag": item["etag"],
            "Size": len(item["data"]), "StorageClass": "STANDARD"}


def _alive(bucket):
    return sorted(key for key, versions in bucket["objects"].items()
                  if versions and not versions[-1]["marker"])


@operation("s3", "ListObjectsV2")
def list_objects_v2(call):
    given, bucket = call.input, _bucket(call)
    prefix = given.get("Prefix", "")
    keys, common = _grouped([key for key in _alive(bucket) if key > given.get("StartAfter", "")],
                            prefix, given.get("Delimiter", ""))
    size = given.get("MaxKeys", 1000)
    token = given.pop("ContinuationToken", None)
    chosen, following = page(call, keys, size, token, "InvalidArgument")
    return {"IsTruncated": following is not None, "Name": bucket["name"], "Prefix": prefix,
            "MaxKeys": size, "KeyCount": len(chosen) + len(common),
            "Contents": [_listed(bucket, key) for key in chosen],
            "CommonPrefixes": [{"Prefix": name} for name in common],
            "NextContinuationToken": following}


@operation("s3", "ListObjects")
def list_objects(call):
    given, bucket = call.input, _bucket(call)
    prefix, marker = given.get("Prefix", ""), given.get("Marker", "")
    keys, common = _grouped([key for key in _alive(bucket) if key > marker], prefix,
                            given.get("Delimiter", ""))
    size = given.get("MaxKeys", 1000)
    return {"IsTruncated": len(keys) > size, "Name": bucket["name"], "Prefix": prefix,
            "Marker": marker, "MaxKeys": size, "Contents": [_listed(bucket, key)
                                                           for key in keys[:size]],
            "CommonPrefixes": [{"Prefix": name} for name in common]}


@operation("s3", "ListObjectVersions")
def list_object_versions(call):
    bucket, prefix = _bucket(call), call.input.get("Prefix", "")
    good, markers = [], []
    for key in sorted(bucket["objects"]):
        if not key.startswith(prefix):
            continue
        for item in reversed(bucket["objects"][key]):
            entry = {"Key": key, "VersionId": item["id"], "LastModified": item["time"],
                     "IsLatest": item is bucket["objects"][key][-1]}
            if item["marker"]:
                markers.append(entry)
            else:
                good.append({**entry, "ETag": item["etag"], "Size": len(item["data"]),
                             "StorageClass": "STANDARD"})
    return {"IsTruncated": False, "Name": bucket["name"], "Prefix": prefix, "Versions": good,
            "DeleteMarkers": markers, "MaxKeys": 1000}


@operation("s3", "PutBucketVersioning")
def put_bucket_versioning(call):
    _bucket(call)["versioning"] = call.input["VersioningConfiguration"].get("Status")
    return {}


@operation("s3", "GetBucketVersioning")
def get_bucket_versioning(call):
    return {"Status": _bucket(call)["versioning"]}


@operation("s3", "PutBucketPolicy")
def put_bucket_policy(call):
    _bucket(call)["policy"] = call.input["Policy"]
    return {}


@operation("s3", "GetBucketPolicy")
def get_bucket_policy(call):
    policy = _bucket(call)["policy"]
    if policy is None:
        raise Refusal("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return {"Policy": policy}


def _setting(name, member, missing, status=404):
    """Get, put and delete of one stored configuration."""
    def put(call):
        _bucket(call)["settings"][name] = call.input[member]
        return {}

    def get(call):
        value = _bucket(call)["settings"].get(name)
        if value is None:
            raise Refusal(missing, "The configuration was not found", status)
        if member == "Tagging":
            return {"TagSet": value["TagSet"]}
        return {member: value}

    def delete(call):
        _bucket(call)["settings"].pop(name, None)
        return {}

    operation("s3", "Put" + name)(put)
    operation("s3", "Get" + name)(get)
    operation("s3", "Delete" + name)(delete)


_setting("BucketEncryption", "ServerSideEncryptionConfiguration",
         "ServerSideEncryptionConfigurationNotFoundError")
_setting("PublicAccessBlock", "PublicAccessBlockConfiguration",
         "NoSuchPublicAccessBlockConfiguration")
_setting("BucketTagging", "Tagging", "NoSuchTagSet")

