"""Instances: RunInstances to terminated (EC2 User Guide, "Instance lifecycle")."""

import base64
import secrets
import threading

from ... import authorization, machine, policies
from ...errors import Refusal
from .. import operation
from . import images, networks, volumes
from .common import (born, check_id, check_kinds, filtered, find, hidden, not_found, paged, select,
                     tags_for)

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64,
          "stopped": 80}
_NAMES = {
    "instance-id": "InstanceId", "image-id": "ImageId", "instance-state-name": "State.Name",
    "instance-state-code": "State.Code", "instance-type": "InstanceType", "subnet-id": "SubnetId",
    "vpc-id": "VpcId", "private-ip-address": "PrivateIpAddress", "client-token": "ClientToken",
    "key-name": "KeyName", "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "availability-zone": "Placement.AvailabilityZone", "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType", "architecture": "Architecture",
    "instance.group-id": "SecurityGroups.GroupId", "owner-id": "_owner",
    "block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId",
    "reservation-id": "_reservation",
}
_ARM = {"t4g", "m6g", "m7g", "c6g", "c7g", "r6g", "r7g", "a1", "m8g", "c8g", "r8g", "im4gn"}


def state(name):
    return {"Code": _CODES[name], "Name": name}


def architecture_of(instance_type):
    return "arm64" if instance_type.partition(".")[0] in _ARM else "x86_64"


def settle(world, place, item, look=False):
    """Moves the instance on to where it is by now."""
    name = item["State"]["Name"]
    if name in ("pending", "stopping", "shutting-down") and world.is_due(item["_due"], look):
        if name == "pending":
            if item.get("_failure"):
                _end(world, place, item, "Server.InternalError", item["_failure"])
            else:
                item["State"] = state("running")
                item["_registered"] = world.due("ssm-registration")
                if item["_user_data"] and world.switches["run-commands"] and machine.possible():
                    threading.Thread(target=machine.of, args=(world, place, item), daemon=True).start()
        elif name == "stopping":
            machine.went_off(world, place, item)
            item["State"] = state("stopped")
        else:
            _end(world, place, item)
    elif name == "running" and machine.switched_itself_off(world, item):
        power_off(world, place, item)


def _end(world, place, item, code="Client.UserInitiatedShutdown", message="User initiated"):
    from .. import commands
    commands.stop_on(place, item["InstanceId"])
    machine.ended(world, item)
    item["State"] = state("terminated")
    item["StateReason"] = {"Code": code, "Message": f"{code}: {message}"}
    for mapping in item.pop("BlockDeviceMappings", []):
        volumes.release(world, place, mapping["Ebs"]["VolumeId"],
                        mapping["Ebs"]["DeleteOnTermination"])
    item["BlockDeviceMappings"] = []
    item["NetworkInterfaces"] = []
    for name in ("SubnetId", "VpcId", "PrivateIpAddress"):
        item.pop(name, None)


def power_off(world, place, item):
    """The guest shut itself down: stopped or terminated, as it was asked for."""
    if item["State"]["Name"] != "running":
        return
    ends = item["_shutdown"] == "terminate"
    item["State"] = state("shutting-down" if ends else "stopping")
    item["StateReason"] = {"Code": "Client.InstanceInitiatedShutdown",
                           "Message": "Client.InstanceInitiatedShutdown: Instance initiated "
                                      "shutdown"}
    item["_due"] = world.due("instance-terminate" if ends else "instance-stop")


@operation("ec2", "RunInstances", own_dry_run=True)
def run_instances(call):
    def create():
        return _run(call)

    result = call.world.once(call, call.input.get("ClientToken"), create)
    for item in result["Instances"]:
        settle(call.world, call.place, item)
    return result


def _merged(call):
    """The input over the launch template that it names."""
    given = dict(call.input)
    wanted = given.pop("LaunchTemplate", None)
    if not wanted:
        return given
    from . import launch_templates
    data = dict(launch_templates.data_of(call, wanted))
    tags = data.get("TagSpecifications", []) + given.get("TagSpecifications", [])
    data.update(given)
    if tags:
        data["TagSpecifications"] = tags
    return data


def _run(call):
    world, place = call.world, call.place
    given = _merged(call)
    check_kinds(call, ("instance", "volume", "network-interface", "spot-instances-request"))
    if "ImageId" not in given:
        raise Refusal("MissingParameter", "The request must contain the parameter ImageId")
    if given["MinCount"] < 1 or given["MaxCount"] < given["MinCount"]:
        raise Refusal("InvalidParameterValue", "MinCount and MaxCount do not fit")
    instance_type = given.get("InstanceType", "m1.small")
    image_id = given["ImageId"]
    if image_id.startswith("resolve:ssm:"):
        from .. import parameters
        image_id = parameters.resolve(call, image_id[len("resolve:ssm:"):])
    image = images.launchable(call, image_id)
    if image["Architecture"] != architecture_of(instance_type):
        raise Refusal("InvalidParameterValue", f"The architecture '{architecture_of(instance_type)}"
                      f"' of the specified instance type does not match the architecture "
                      f"'{image['Architecture']}' of the specified AMI.")
    subnet, groups = _network(call, given)
    profile = _profile(call, given.get("IamInstanceProfile"))
    if "KeyName" in given and given["KeyName"] not in place["key_pairs"]:
        raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{given['KeyName']}' does not exist")
    user_data = given.get("UserData")
    if user_data:
        try:
            raw = base64.b64decode(user_data, validate=True)
        except ValueError:
            raise Refusal("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") \
                from None
        if len(raw) > 16384:
            raise Refusal("InvalidParameterValue", "User data is limited to 16384 bytes")
    mappings = _mappings(image, given.get("BlockDeviceMappings", ()))
    _check_product_codes(call, image)
    _check_capacity(call, instance_type, subnet)
    call.dry_run()
    reservation = "r-" + secrets.token_hex(9)[:17]
    made = []
    for number in range(given["MaxCount"]):
        made.append(_make(call, given, image, instance_type, subnet, groups, profile, mappings,
                          reservation, number))
    alive = sum(one["State"]["Name"] not in ("shutting-down", "terminated")
                for somewhere in world.all_places("instances")
                for one in somewhere["instances"].values())
    world.most_instances = max(world.most_instances, alive)
    return {"ReservationId": reservation, "OwnerId": call.account, "Groups": [],
            "Instances": made}


def _network(call, given):
    interfaces = given.get("NetworkInterfaces", ())
    if interfaces and ("SubnetId" in given or "SecurityGroupIds" in given):
        raise Refusal("InvalidParameterCombination", "Network interfaces and an instance-level "
                      "subnet ID or security groups may not be specified on the same request")
    first = interfaces[0] if interfaces else {}
    subnet_id = given.get("SubnetId") or first.get("SubnetId")
    subnet = find(call, "subnets", "subnet", subnet_id) if subnet_id else \
        networks.default_subnet(call.place, call.world)
    ids = given.get("SecurityGroupIds") or first.get("Groups") or []
    groups = [find(call, "security_groups", "sg", name) for name in ids]
    if not groups:
        groups = [networks.default_group(call.place, subnet["VpcId"])]
    if any(group["VpcId"] != subnet["VpcId"] for group in groups):
        raise Refusal("InvalidGroup.NotFound", "The security group and the subnet belong to "
                      "different networks.")
    return subnet, groups


def _profile(call, wanted):
    if not wanted:
        return None
    profiles = call.world.place(call.account, "aws-global")["instance_profiles"]
    for item in profiles.values():
        if wanted.get("Name") == item["InstanceProfileName"] or wanted.get("Arn") == item["Arn"]:
            if hidden(item):
                break
            _check_pass_role(call, item)
            return item
    label = "Name" if "Name" in wanted else "ARN"
    raise Refusal("InvalidParameterValue", f"Value ({wanted.get('Name') or wanted.get('Arn')}) for "
                  f"parameter iamInstanceProfile.{label.lower()} is invalid. Invalid IAM Instance "
                  f"Profile {label.lower() if label == 'Name' else label}")


def _check_pass_role(call, profile):
    if not call.world.switches["enforce"]:
        return
    own = authorization.identity_policies(call.world, call.caller)
    for role in profile["_roles"]:
        arn = call.world.place(call.account, "aws-global")["roles"][role]["Arn"]
        context = authorization.context_of(call.world, call.caller, call.region,
                                           {"iam:PassedToService": "ec2.amazonaws.com"})
        if own is not None and policies.decide(own, "iam:PassRole", arn, context) != "allowed":
            authorization.deny(call, "iam:PassRole")


def _mappings(image, overrides):
    by_device = {entry["DeviceName"]: {"DeviceName": entry["DeviceName"],
                                       "Ebs": dict(entry["Ebs"])}
                 for entry in image["BlockDeviceMappings"] if "Ebs" in entry}
    for entry in overrides:
        device = entry.get("DeviceName", "")
        if "NoDevice" in entry:
            by_device.pop(device, None)
            continue
        ebs = entry.get("Ebs", {})
        base = by_device.setdefault(device, {"DeviceName": device, "Ebs": {}})["Ebs"]
        smallest = base.get("VolumeSize", 0)
        if ebs.get("VolumeSize", smallest) < smallest:
            raise Refusal("InvalidBlockDeviceMapping", f"Volume of size {ebs['VolumeSize']}GB is "
                          f"smaller than snapshot '{base.get('SnapshotId')}', expect size >= "
                          f"{smallest}GB")
        if base.get("Encrypted") and ebs.get("Encrypted") is False:
            raise Refusal("InvalidBlockDeviceMapping", "the encrypted flag cannot be cleared for "
                          "a volume of an encrypted snapshot")
        base.update(ebs)
    for entry in by_device.values():
        if "VolumeSize" not in entry["Ebs"]:
            raise Refusal("InvalidBlockDeviceMapping", f"{entry['DeviceName']} has no size")
    return list(by_device.values())


def _check_product_codes(call, image):
    for code in image.get("ProductCodes", ()):
        if code["ProductCodeType"] == "marketplace" and \
                [call.account, code["ProductCodeId"]] not in call.world.switches["marketplace"]:
            raise Refusal("OptInRequired", "In order to use this AWS Marketplace product you need "
                          "to accept terms and subscribe. To do so please visit "
                          f"https://aws.amazon.com/marketplace/pp?sku={code['ProductCodeId']}", 401)


def _check_capacity(call, instance_type, subnet):
    """Switch `capacity`: [{type, subnet, zone, region, account, count, code}]."""
    for entry in call.world.switches["capacity"]:
        if entry.get("type") not in (None, instance_type) or \
                entry.get("subnet") not in (None, subnet["SubnetId"]) or \
                entry.get("zone") not in (None, subnet["AvailabilityZone"]) or \
                entry.get("region") not in (None, call.region) or \
                entry.get("account") not in (None, call.account) or entry.get("count", 1) == 0:
            continue
        if "count" in entry and not call.input.get("DryRun"):
            entry["count"] -= 1
        code = entry.get("code", "InsufficientInstanceCapacity")
        raise Refusal(code, f"We currently do not have sufficient {instance_type} capacity in the "
                      f"Availability Zone you requested ({subnet['AvailabilityZone']}).",
                      500 if code == "InsufficientInstanceCapacity" else 400)


def _make(call, given, image, instance_type, subnet, groups, profile, mappings, reservation,
          number):
    world, place = call.world, call.place
    name = world.new_id("i")
    address = networks.take_address(subnet)
    shown_groups = [{"GroupId": group["GroupId"], "GroupName": group["GroupName"]}
                    for group in groups]
    options = {"State": "applied", "HttpTokens": "optional", "HttpPutResponseHopLimit": 1,
               "HttpEndpoint": "enabled", "HttpProtocolIpv6": "disabled",
               "InstanceMetadataTags": "disabled"}
    if image.get("ImdsSupport") == "v2.0":
        options.update(HttpTokens="required", HttpPutResponseHopLimit=2)
    options.update(given.get("MetadataOptions", {}))
    item = {
        "InstanceId": name, "ImageId": image["ImageId"], "State": state("pending"),
        "PrivateDnsName": f"ip-{address.replace('.', '-')}.ec2.internal", "PublicDnsName": "",
        "StateTransitionReason": "", "KeyName": given.get("KeyName"), "AmiLaunchIndex": number,
        "ProductCodes": image.get("ProductCodes", []), "InstanceType": instance_type,
        "LaunchTime": call.now, "Placement": {"AvailabilityZone": subnet["AvailabilityZone"],
                                              "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"}, "SubnetId": subnet["SubnetId"],
        "VpcId": subnet["VpcId"], "PrivateIpAddress": address,
        "Architecture": image["Architecture"], "RootDeviceType": "ebs",
        "RootDeviceName": image["RootDeviceName"], "VirtualizationType": "hvm",
        "ClientToken": given.get("ClientToken", ""), "EbsOptimized": given.get("EbsOptimized", False),
        "EnaSupport": True, "Hypervisor": "xen", "SourceDestCheck": True,
        "SecurityGroups": shown_groups, "NetworkInterfaces": [{
            "NetworkInterfaceId": world.new_id("eni"), "SubnetId": subnet["SubnetId"],
            "VpcId": subnet["VpcId"], "PrivateIpAddress": address, "OwnerId": call.account,
            "Status": "in-use", "Groups": shown_groups}],
        "MetadataOptions": options, "Tags": tags_for_merged(given, "instance"),
        "BlockDeviceMappings": [], "PlatformDetails": image.get("PlatformDetails", "Linux/UNIX"),
        "_owner": call.account, "_reservation": reservation,
        "_shutdown": given.get("InstanceInitiatedShutdownBehavior", "stop"),
        "_user_data": given.get("UserData", ""),
        "_protected": given.get("DisableApiTermination", False),
        "_profile": profile["InstanceProfileName"] if profile else None,
        "_due": world.due("instance-start"), "_failure": world.failure("instance-start", call),
    }
    if image.get("Platform"):
        item["Platform"] = image["Platform"]
    if profile:
        item["IamInstanceProfile"] = {"Arn": profile["Arn"], "Id": profile["InstanceProfileId"]}
    if given.get("InstanceMarketOptions"):
        item["InstanceLifecycle"] = "spot"
    for mapping in mappings:
        volume, reason = volumes.of_mapping(call, mapping, subnet["AvailabilityZone"],
                                            tags_for_merged(given, "volume"))
        if reason:
            item["_failure"] = reason
        volume["State"] = "in-use"
        volume["Attachments"] = [{"AttachTime": call.now, "Device": mapping["DeviceName"],
                                  "InstanceId": name, "State": "attached",
                                  "VolumeId": volume["VolumeId"], "DeleteOnTermination":
                                  mapping["Ebs"].get("DeleteOnTermination", True)}]
        item["BlockDeviceMappings"].append({"DeviceName": mapping["DeviceName"], "Ebs": {
            "AttachTime": call.now, "Status": "attached", "VolumeId": volume["VolumeId"],
            "DeleteOnTermination": mapping["Ebs"].get("DeleteOnTermination", True)}})
    place["instances"][name] = born(call, item)
    world.made["instances"] += 1
    return item


def tags_for_merged(given, kind):
    class _Call:
        input = given
    return tags_for(_Call, kind)


def _chosen(call, ids):
    items = select(call, "instances", "i", ids)
    for item in items:
        settle(call.world, call.place, item, look=True)
    return items


@operation("ec2", "DescribeInstances")
def describe_instances(call):
    ids = call.input.get("InstanceIds")
    if ids or call.input.get("Filters"):
        answer = paged(call, filtered(call, _chosen(call, ids), _NAMES), "Reservations", ids=ids)
    else:  # a fleet is looked at page by page: only what is shown is moved on
        answer = paged(call, select(call, "instances", "i", None), "Reservations")
        for item in answer["Reservations"]:
            settle(call.world, call.place, item, look=True)
    grouped = {}
    for item in answer["Reservations"]:
        grouped.setdefault(item["_reservation"], []).append(item)
    answer["Reservations"] = [
        {"ReservationId": name, "OwnerId": call.account, "Groups": [], "Instances": found}
        for name, found in grouped.items()]
    return answer


@operation("ec2", "DescribeInstanceStatus")
def describe_instance_status(call):
    ids = call.input.get("InstanceIds")
    items = filtered(call, _chosen(call, ids), _NAMES)
    if not call.input.get("IncludeAllInstances"):
        items = [item for item in items if item["State"]["Name"] == "running"]
    answer = paged(call, items, "InstanceStatuses", ids=ids)

    def health(item):
        fine = item["State"]["Name"] == "running"
        return {"Status": "ok" if fine else "not-applicable", "Details": [
            {"Name": "reachability", "Status": "passed"}] if fine else []}

    answer["InstanceStatuses"] = [
        {"InstanceId": item["InstanceId"], "InstanceState": item["State"],
         "AvailabilityZone": item["Placement"]["AvailabilityZone"], "SystemStatus": health(item),
         "InstanceStatus": health(item)} for item in answer["InstanceStatuses"]]
    return answer


def _change(call, allowed, into, kind, wrong):
    """Moves instances on; those already there stay. All or none."""
    ids = call.input["InstanceIds"]
    items = _chosen(call, ids)
    for item in items:
        if item["State"]["Name"] not in allowed:
            raise Refusal("IncorrectInstanceState", f"The instance '{item['InstanceId']}' is not in "
                          f"a state from which it can be {wrong}.")
    call.dry_run()
    changes = []
    for item in items:
        before = item["State"]
        if before["Name"] in allowed[:1] or (kind == "instance-terminate" and
                                             before["Name"] not in ("shutting-down", "terminated")):
            item["State"] = state(into)
            item["_due"] = call.world.due(kind)
            item["StateReason"] = {"Code": "Client.UserInitiatedShutdown",
                                   "Message": "Client.UserInitiatedShutdown: User initiated "
                                              "shutdown"}
        settle(call.world, call.place, item)
        shown = item["State"] if item["State"]["Name"] != "running" else state("pending")
        changes.append({"InstanceId": item["InstanceId"], "CurrentState": shown,
                        "PreviousState": before})
    return changes


@operation("ec2", "StopInstances", own_dry_run=True)
def stop_instances(call):
    return {"StoppingInstances": _change(
        call, ("running", "stopping", "stopped"), "stopping", "instance-stop", "stopped")}


@operation("ec2", "StartInstances", own_dry_run=True)
def start_instances(call):
    return {"StartingInstances": _change(
        call, ("stopped", "pending", "running"), "pending", "instance-start", "started")}


@operation("ec2", "TerminateInstances", own_dry_run=True)
def terminate_instances(call):
    for item in _chosen(call, call.input["InstanceIds"]):
        if item["_protected"]:
            raise Refusal("OperationNotPermitted", f"The instance '{item['InstanceId']}' may not "
                          "be terminated. Modify its 'disableApiTermination' instance attribute "
                          "and try again.")
    return {"TerminatingInstances": _change(
        call, tuple(_CODES), "shutting-down", "instance-terminate", "terminated")}


@operation("ec2", "RebootInstances")
def reboot_instances(call):
    for item in _chosen(call, call.input["InstanceIds"]):
        item["_registered"] = call.world.due("ssm-registration")
    return {}


@operation("ec2", "DescribeInstanceAttribute")
def describe_instance_attribute(call):
    item = find(call, "instances", "i", call.input["InstanceId"])
    attribute = call.input["Attribute"]
    values = {
        "instanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior",
                                              {"Value": item["_shutdown"]}),
        "disableApiTermination": ("DisableApiTermination", {"Value": item["_protected"]}),
        "userData": ("UserData", {"Value": item["_user_data"]} if item["_user_data"] else {}),
        "instanceType": ("InstanceType", {"Value": item["InstanceType"]}),
    }
    if attribute not in values:
        raise Refusal("InvalidParameterValue", f"the stand-in has no attribute {attribute}")
    name, value = values[attribute]
    return {"InstanceId": item["InstanceId"], name: value}


@operation("ec2", "ModifyInstanceAttribute")
def modify_instance_attribute(call):
    given = call.input
    item = find(call, "instances", "i", given["InstanceId"])
    if "DisableApiTermination" in given:
        item["_protected"] = given["DisableApiTermination"].get("Value", False)
    if "InstanceInitiatedShutdownBehavior" in given:
        item["_shutdown"] = given["InstanceInitiatedShutdownBehavior"]["Value"]
    for entry in given.get("BlockDeviceMappings", ()):
        for mapping in item["BlockDeviceMappings"]:
            if mapping["DeviceName"] == entry.get("DeviceName"):
                mapping["Ebs"]["DeleteOnTermination"] = entry["Ebs"]["DeleteOnTermination"]
    return {}


@operation("ec2", "ModifyInstanceMetadataOptions")
def modify_instance_metadata_options(call):
    item = find(call, "instances", "i", call.input["InstanceId"])
    item["MetadataOptions"].update({name: value for name, value in call.input.items()
                                    if name.startswith("Http")})
    return {"InstanceId": item["InstanceId"], "InstanceMetadataOptions": item["MetadataOptions"]}


@operation("ec2", "GetConsoleOutput")
def get_console_output(call):
    item = find(call, "instances", "i", call.input["InstanceId"])
    text = f"booted {item['ImageId']}\n"
    return {"InstanceId": item["InstanceId"], "Timestamp": call.now,
            "Output": base64.b64encode(text.encode()).decode()}


__all__ = ["settle", "power_off", "check_id", "not_found"]
