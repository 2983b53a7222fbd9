"""What EC2 offers: regions, zones, instance types, keys, account settings."""

import hashlib

from ...errors import Refusal
from .. import operation
from . import instances
from .common import filtered, paged, tags_for

REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2",
           "eu-central-1", "eu-north-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
           "ap-south-1", "ca-central-1", "sa-east-1")
_OPT_IN = ("af-south-1", "ap-east-1", "eu-south-1", "me-south-1")
_TYPES = ("t2.micro", "t2.small", "t2.medium", "t2.large", "t3.micro", "t3.small", "t3.medium",
          "t3.large", "m5.large", "m5.xlarge", "m6i.large", "m6i.xlarge", "c5.large", "c6i.large",
          "t4g.micro", "t4g.small", "t4g.medium", "m6g.large", "m7g.large", "c7g.large")


@operation("ec2", "DescribeRegions")
def describe_regions(call):
    items = [{"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com",
              "OptInStatus": "opt-in-not-required"} for name in REGIONS]
    opted = call.world.place(call.account, "aws-global").settings.get("regions", ())
    items += [{"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus":
               "opted-in" if name in opted else "not-opted-in"} for name in _OPT_IN]
    if not call.input.get("AllRegions"):
        items = [item for item in items if item["OptInStatus"] != "not-opted-in"]
    names = call.input.get("RegionNames")
    if names:
        unknown = set(names) - {item["RegionName"] for item in items}
        if unknown:
            raise Refusal("InvalidParameterValue", f"Invalid region(s): {', '.join(unknown)}")
        items = [item for item in items if item["RegionName"] in names]
    return {"Regions": filtered(call, items, {"region-name": "RegionName",
                                              "opt-in-status": "OptInStatus"})}


@operation("ec2", "DescribeAvailabilityZones")
def describe_availability_zones(call):
    items = [{"ZoneName": call.region + letter, "ZoneId": f"zone-{call.region}{letter}",
              "RegionName": call.region, "State": "available", "ZoneType": "availability-zone",
              "OptInStatus": "opt-in-not-required", "GroupName": call.region, "Messages": []}
             for letter in "abc"]
    return {"AvailabilityZones": filtered(call, items, {
        "zone-name": "ZoneName", "state": "State", "region-name": "RegionName",
        "zone-type": "ZoneType", "opt-in-status": "OptInStatus"})}


@operation("ec2", "DescribeInstanceTypes")
def describe_instance_types(call):
    wanted = call.input.get("InstanceTypes") or _TYPES
    items = [{"InstanceType": name, "CurrentGeneration": not name.startswith("t2"),
              "ProcessorInfo": {"SupportedArchitectures": [instances.architecture_of(name)]},
              "VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 4096},
              "SupportedRootDeviceTypes": ["ebs"], "SupportedVirtualizationTypes": ["hvm"],
              "SupportedBootModes": ["legacy-bios", "uefi"], "Hypervisor": "nitro",
              "BareMetal": False} for name in wanted]
    return paged(call, filtered(call, items, {
        "instance-type": "InstanceType", "current-generation": "CurrentGeneration",
        "processor-info.supported-architecture": "ProcessorInfo.SupportedArchitectures"}),
        "InstanceTypes", ids=call.input.get("InstanceTypes"))


@operation("ec2", "DescribeInstanceTypeOfferings")
def describe_instance_type_offerings(call):
    kind = call.input.get("LocationType", "region")
    places = [call.region] if kind == "region" else [call.region + letter for letter in "abc"]
    items = [{"InstanceType": name, "LocationType": kind, "Location": place}
             for name in _TYPES for place in places]
    return paged(call, filtered(call, items, {"instance-type": "InstanceType",
                                              "location": "Location"}), "InstanceTypeOfferings")


@operation("ec2", "CreateKeyPair")
def create_key_pair(call):
    return _key_pair(call, {"KeyMaterial": "-----BEGIN RSA PRIVATE KEY-----\nthe stand-in has "
                                           "none\n-----END RSA PRIVATE KEY-----"})


@operation("ec2", "ImportKeyPair")
def import_key_pair(call):
    return _key_pair(call, {})


def _key_pair(call, more):
    name = call.input["KeyName"]
    if name in call.place["key_pairs"]:
        raise Refusal("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")
    item = {"KeyPairId": call.world.new_id("key"), "KeyName": name,
            "KeyFingerprint": hashlib.sha1(name.encode()).hexdigest(),
            "Tags": tags_for(call, "key-pair")}
    call.place["key_pairs"][name] = item
    return {**item, **more}


@operation("ec2", "DescribeKeyPairs")
def describe_key_pairs(call):
    names = call.input.get("KeyNames", ())
    for name in names:
        if name not in call.place["key_pairs"]:
            raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    items = [item for name, item in call.place["key_pairs"].items() if not names or name in names]
    return {"KeyPairs": filtered(call, items, {"key-name": "KeyName"})}


@operation("ec2", "DeleteKeyPair")
def delete_key_pair(call):
    call.place["key_pairs"].pop(call.input.get("KeyName"), None)
    return {}


@operation("ec2", "GetEbsEncryptionByDefault")
def get_ebs_encryption_by_default(call):
    return {"EbsEncryptionByDefault": call.place.settings.get("encrypt", False)}


@operation("ec2", "EnableEbsEncryptionByDefault")
def enable_ebs_encryption_by_default(call):
    call.place.settings["encrypt"] = True
    return {"EbsEncryptionByDefault": True}


@operation("ec2", "DisableEbsEncryptionByDefault")
def disable_ebs_encryption_by_default(call):
    call.place.settings["encrypt"] = False
    return {"EbsEncryptionByDefault": False}


@operation("ec2", "GetEbsDefaultKmsKeyId")
def get_ebs_default_kms_key_id(call):
    from .. import kms
    return {"KmsKeyId": kms.default_key(call)}


@operation("ec2", "DescribeAccountAttributes")
def describe_account_attributes(call):
    return {"AccountAttributes": [{"AttributeName": "supported-platforms", "AttributeValues": [
        {"AttributeValue": "VPC"}]}]}
