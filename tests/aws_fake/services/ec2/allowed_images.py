"""Allowed AMIs (EC2 User Guide, "Control the discovery and use of AMIs"): a place's own images are always allowed."""

import fnmatch
import re

from ...errors import Refusal
from .. import operation

_PROVIDER = re.compile(r"^(amazon|aws-marketplace|aws-backup-vault|none|[0-9]{12})$")
_CRITERIA = 10
_VALUES = {"ImageNames": 50, "MarketplaceProductCodes": 50, "ImageWatermarks": 50, "ImageProviders": 200}


def _settings(place):
    return place["allowed_images"].setdefault("settings", {
        "State": "disabled", "ImageCriteria": [], "ManagedBy": "account"})


def _changeable(call):
    found = _settings(call.place)
    if found["ManagedBy"] != "account":
        raise Refusal("OperationNotPermitted", "The setting is managed by a declarative policy and "
                      "cannot be modified by the account.")
    return found


@operation("ec2", "GetAllowedImagesSettings")
def get_allowed_images_settings(call):
    return _settings(call.place)


@operation("ec2", "EnableAllowedImagesSettings")
def enable_allowed_images_settings(call):
    state = call.input["AllowedImagesSettingsState"]
    _changeable(call)["State"] = state
    return {"AllowedImagesSettingsState": state}


@operation("ec2", "DisableAllowedImagesSettings")
def disable_allowed_images_settings(call):
    _changeable(call)["State"] = "disabled"
    return {"AllowedImagesSettingsState": "disabled"}


@operation("ec2", "ReplaceImageCriteriaInAllowedImagesSettings")
def replace_image_criteria(call):
    criteria = call.input.get("ImageCriteria", [])
    if len(criteria) > _CRITERIA:
        raise Refusal("InvalidParameterValue", f"No more than {_CRITERIA} criteria")
    for criterion in criteria:
        if not criterion:
            raise Refusal("InvalidParameterValue", "A criterion says nothing")
        for member, most in _VALUES.items():
            if len(criterion.get(member, ())) > most:
                raise Refusal("InvalidParameterValue", f"No more than {most} {member}")
        for provider in criterion.get("ImageProviders", ()):
            if not _PROVIDER.match(provider):
                raise Refusal("InvalidParameterValue", f"'{provider}' is no image provider")
    _changeable(call)["ImageCriteria"] = criteria
    return {"ReturnValue": True}


def _fits(criterion, item):
    providers = criterion.get("ImageProviders")
    if providers and item["OwnerId"] not in providers and \
            item.get("ImageOwnerAlias") not in providers:
        return False
    marks = criterion.get("ImageWatermarks")
    carried = [mark["WatermarkKey"] for mark in item.get("ImageWatermarks", ())]
    if marks and not any(fnmatch.fnmatchcase(key, mark.get("WatermarkKey", "*"))
                         for mark in marks for key in carried):
        return False
    names = criterion.get("ImageNames")
    return not names or any(fnmatch.fnmatchcase(item["Name"], name.replace("[", "[[]"))
                            for name in names)


def hides(call, item):
    """Whether the setting keeps an image of somebody else from the place. No criteria allow all."""
    found = _settings(call.place)
    if found["State"] != "enabled" or item["OwnerId"] == call.account:
        return False
    return bool(found["ImageCriteria"]) and \
        not any(_fits(criterion, item) for criterion in found["ImageCriteria"])
