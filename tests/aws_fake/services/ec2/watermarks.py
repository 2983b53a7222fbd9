"""Watermarks of AMIs (EC2 API Reference, AttachImageWatermark): they go on to whatever is made from the image."""

import re

from ...errors import Refusal
from .. import operation
from . import images

_NAME = re.compile(r"^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$")


@operation("ec2", "AttachImageWatermark", own_dry_run=True)
def attach_image_watermark(call):
    item = images.own(call, call.input["ImageId"])
    name = call.input["WatermarkName"]
    if not _NAME.match(name):
        raise Refusal("InvalidParameterValue", f"'{name}' is no name of a watermark")
    if item["Public"]:
        raise Refusal("InvalidRequest", "Public images take no watermarks")
    call.dry_run()
    key = f"{call.account}:{name}"
    marks = item.setdefault("ImageWatermarks", [])
    if all(mark["WatermarkKey"] != key for mark in marks):
        item["ImageWatermarks"] = marks + [{
            "WatermarkKey": key, "SourceImageRegion": call.region,
            "SourceImageId": item["ImageId"], "SourceImageCreationTime": call.now,
            "WatermarkCreationTime": call.now}]
    return {"WatermarkKey": key}


@operation("ec2", "DetachImageWatermark", own_dry_run=True)
def detach_image_watermark(call):
    item = images.own(call, call.input["ImageId"])
    key = call.input["WatermarkKey"]
    marks = item.get("ImageWatermarks", [])
    if all(mark["WatermarkKey"] != key for mark in marks):
        raise Refusal("InvalidParameterValue", f"The image has no watermark {key}")
    call.dry_run()
    item["ImageWatermarks"] = [mark for mark in marks if mark["WatermarkKey"] != key]
    return {"Return": True}
