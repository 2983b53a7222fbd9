"""VPCs, subnets, security groups, routes, gateways, endpoints."""

import ipaddress

from ...errors import Refusal
from .. import operation
from .common import (CODES, born, check_kinds, filtered, find, not_found, paged, select, tags_for)


def _seeded(place):
    """Every place begins with a default network, as every account does."""
    if "default-vpc" in place.settings:
        return
    vpc, base = "vpc-0default0000000", "172.31"
    vpc = "vpc-" + f"{int(place.account):012d}"[:5] + "0" * 12
    place.settings["default-vpc"] = vpc
    place["vpcs"][vpc] = {"VpcId": vpc, "CidrBlock": base + ".0.0/16", "State": "available",
                          "IsDefault": True, "OwnerId": place.account, "InstanceTenancy": "default",
                          "DhcpOptionsId": "default", "Tags": [], "_seed": True}
    _group(place, vpc, "default", "default VPC security group", [], "sg-" + vpc[4:], seed=True)
    for number, letter in enumerate("abc"):
        name = f"subnet-{number:05d}" + "0" * 12
        place["subnets"][name] = _subnet_item(place, name, vpc, f"{base}.{number * 16}.0/20",
                                              place.region + letter, [], True)


def _subnet_item(place, name, vpc, cidr, zone, tags, seed=False):
    return {"SubnetId": name, "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone,
            "AvailabilityZoneId": f"zone-{zone}", "State": "available", "OwnerId": place.account,
            "AvailableIpAddressCount": ipaddress.ip_network(cidr).num_addresses - 5,
            "DefaultForAz": seed, "MapPublicIpOnLaunch": seed, "Tags": tags, "_seed": seed,
            "_next": 4}


def default_subnet(place, _world):
    _seeded(place)
    return next(item for item in place["subnets"].values() if item["_seed"])


def default_group(place, vpc):
    _seeded(place)
    for item in place["security_groups"].values():
        if item["VpcId"] == vpc and item["GroupName"] == "default":
            return item
    raise Refusal("InvalidGroup.NotFound", "there is no default group")


def take_address(subnet):
    network = ipaddress.ip_network(subnet["CidrBlock"])
    number = subnet["_next"]
    subnet["_next"] = number + 1 if number + 2 < network.num_addresses - 1 else 4
    return str(network[number])


def _group(place, vpc, name, description, tags, group_id, seed=False):
    item = {"GroupId": group_id, "GroupName": name, "Description": description, "VpcId": vpc,
            "OwnerId": place.account, "IpPermissions": [], "IpPermissionsEgress": [
                {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [],
                 "PrefixListIds": [], "UserIdGroupPairs": []}], "Tags": tags, "_seed": seed}
    place["security_groups"][group_id] = item
    return item


def ready_network(world, given):
    """A private subnet with a group that lets nothing in; for tests that are not about networks."""
    place = world.place(given["account"], given["region"])
    _seeded(place)
    vpc = world.new_id("vpc")
    place["vpcs"][vpc] = {"VpcId": vpc, "CidrBlock": "10.0.0.0/16", "State": "available",
                          "IsDefault": False, "OwnerId": place.account, "Tags": [], "_seed": True}
    subnets = []
    for number in range(int(given.get("subnets", 1))):
        name = world.new_id("subnet")
        place["subnets"][name] = _subnet_item(place, name, vpc, f"10.0.{number}.0/24",
                                              place.region + "abcdef"[number % 6], [], True)
        subnets.append(name)
    group = _group(place, vpc, "no-inbound", "nothing in", [], world.new_id("sg"), seed=True)
    return {"vpc": vpc, "subnets": subnets, "security_group": group["GroupId"]}


@operation("ec2", "CreateVpc")
def create_vpc(call):
    _seeded(call.place)
    check_kinds(call, ("vpc",))
    name = call.world.new_id("vpc")
    item = born(call, {"VpcId": name, "CidrBlock": call.input["CidrBlock"], "State": "available",
                       "IsDefault": False, "OwnerId": call.account, "InstanceTenancy": "default",
                       "DhcpOptionsId": "default", "Tags": tags_for(call, "vpc"), "_attributes": {
                           "EnableDnsSupport": True, "EnableDnsHostnames": False}})
    call.place["vpcs"][name] = item
    _group(call.place, name, "default", "default VPC security group", [], call.world.new_id("sg"),
           seed=True)
    table = _route_table(call, name, [])
    table["Associations"].append({"Main": True, "RouteTableId": table["RouteTableId"],
                                  "RouteTableAssociationId": call.world.new_id("rtbassoc")})
    table["_seed"] = True
    return {"Vpc": item}


@operation("ec2", "DescribeVpcAttribute")
def describe_vpc_attribute(call):
    item = find(call, "vpcs", "vpc", call.input["VpcId"])
    name = call.input["Attribute"][0].upper() + call.input["Attribute"][1:]
    return {"VpcId": item["VpcId"],
            name: {"Value": item.get("_attributes", {}).get(name, True)}}


@operation("ec2", "ModifyVpcAttribute")
def modify_vpc_attribute(call):
    item = find(call, "vpcs", "vpc", call.input["VpcId"])
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in call.input:
            item.setdefault("_attributes", {})[name] = call.input[name].get("Value", False)
    return {}


@operation("ec2", "CreateSubnet")
def create_subnet(call):
    given = call.input
    check_kinds(call, ("subnet",))
    vpc = find(call, "vpcs", "vpc", given["VpcId"])
    try:
        network = ipaddress.ip_network(given["CidrBlock"])
        inside = network.subnet_of(ipaddress.ip_network(vpc["CidrBlock"]))
    except ValueError:
        raise Refusal("InvalidParameterValue", f"Value ({given['CidrBlock']}) for parameter "
                      "cidrBlock is invalid.") from None
    if not inside:
        raise Refusal("InvalidSubnet.Range", f"The CIDR '{given['CidrBlock']}' is invalid.")
    for other in call.place["subnets"].values():
        if other["VpcId"] == vpc["VpcId"] and \
                network.overlaps(ipaddress.ip_network(other["CidrBlock"])):
            raise Refusal("InvalidSubnet.Conflict", f"The CIDR '{given['CidrBlock']}' conflicts "
                          "with another subnet")
    name = call.world.new_id("subnet")
    item = _subnet_item(call.place, name, vpc["VpcId"], given["CidrBlock"],
                        given.get("AvailabilityZone", call.region + "a"), tags_for(call, "subnet"))
    call.place["subnets"][name] = born(call, item)
    return {"Subnet": item}


@operation("ec2", "ModifySubnetAttribute")
def modify_subnet_attribute(call):
    item = find(call, "subnets", "subnet", call.input["SubnetId"])
    if "MapPublicIpOnLaunch" in call.input:
        item["MapPublicIpOnLaunch"] = call.input["MapPublicIpOnLaunch"].get("Value", False)
    return {}


@operation("ec2", "CreateSecurityGroup")
def create_security_group(call):
    given = call.input
    _seeded(call.place)
    check_kinds(call, ("security-group",))
    vpc = given.get("VpcId") or call.place.settings["default-vpc"]
    find(call, "vpcs", "vpc", vpc)
    if any(item["VpcId"] == vpc and item["GroupName"] == given["GroupName"]
           for item in call.place["security_groups"].values()):
        raise Refusal("InvalidGroup.Duplicate", f"The security group '{given['GroupName']}' "
                      f"already exists for VPC '{vpc}'")
    item = _group(call.place, vpc, given["GroupName"], given["Description"],
                  tags_for(call, "security-group"), call.world.new_id("sg"))
    born(call, item)
    return {"GroupId": item["GroupId"], "Tags": item["Tags"]}


def _permissions(call, side):
    given = call.input
    item = find(call, "security_groups", "sg", given.get("GroupId", ""))
    entries = given.get("IpPermissions")
    if entries is None:
        entries = [{"IpProtocol": given.get("IpProtocol", "-1"), "FromPort": given.get("FromPort"),
                    "ToPort": given.get("ToPort"),
                    "IpRanges": [{"CidrIp": given["CidrIp"]}] if "CidrIp" in given else []}]
    return item[side], entries


def _authorize(call, side):
    rules, entries = _permissions(call, side)
    for entry in entries:
        if entry in rules:
            raise Refusal("InvalidPermission.Duplicate", "the specified rule already exists")
    rules.extend(entries)
    return {"Return": True, "SecurityGroupRules": []}


def _revoke(call, side):
    rules, entries = _permissions(call, side)
    for entry in entries:
        for rule in list(rules):
            if rule.get("IpProtocol") == entry.get("IpProtocol") and \
                    rule.get("IpRanges", []) == entry.get("IpRanges", []):
                rules.remove(rule)
    return {"Return": True}


for _name, _function, _side in (
        ("AuthorizeSecurityGroupIngress", _authorize, "IpPermissions"),
        ("AuthorizeSecurityGroupEgress", _authorize, "IpPermissionsEgress"),
        ("RevokeSecurityGroupIngress", _revoke, "IpPermissions"),
        ("RevokeSecurityGroupEgress", _revoke, "IpPermissionsEgress")):
    operation("ec2", _name)(
        lambda call, function=_function, side=_side: function(call, side))


def _route_table(call, vpc, tags):
    name = call.world.new_id("rtb")
    item = {"RouteTableId": name, "VpcId": vpc, "OwnerId": call.account, "Associations": [],
            "PropagatingVgws": [], "Tags": tags, "Routes": [
                {"DestinationCidrBlock": call.place["vpcs"][vpc]["CidrBlock"],
                 "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"}]}
    call.place["route_tables"][name] = item
    return item


@operation("ec2", "CreateRouteTable")
def create_route_table(call):
    vpc = find(call, "vpcs", "vpc", call.input["VpcId"])
    return {"RouteTable": _route_table(call, vpc["VpcId"], tags_for(call, "route-table"))}


@operation("ec2", "CreateRoute")
def create_route(call):
    given = call.input
    table = find(call, "route_tables", "rtb", given["RouteTableId"])
    route = {name: given[name] for name in ("DestinationCidrBlock", "GatewayId", "NatGatewayId")
             if name in given}
    table["Routes"].append({**route, "State": "active", "Origin": "CreateRoute"})
    return {"Return": True}


@operation("ec2", "AssociateRouteTable")
def associate_route_table(call):
    table = find(call, "route_tables", "rtb", call.input["RouteTableId"])
    find(call, "subnets", "subnet", call.input["SubnetId"])
    name = call.world.new_id("rtbassoc")
    table["Associations"].append({
        "Main": False, "RouteTableId": table["RouteTableId"], "RouteTableAssociationId": name,
        "SubnetId": call.input["SubnetId"], "AssociationState": {"State": "associated"}})
    return {"AssociationId": name, "AssociationState": {"State": "associated"}}


@operation("ec2", "DisassociateRouteTable")
def disassociate_route_table(call):
    for table in call.place["route_tables"].values():
        table["Associations"] = [entry for entry in table["Associations"] if
                                 entry["RouteTableAssociationId"] != call.input["AssociationId"]]
    return {}


@operation("ec2", "CreateInternetGateway")
def create_internet_gateway(call):
    name = call.world.new_id("igw")
    item = {"InternetGatewayId": name, "OwnerId": call.account, "Attachments": [],
            "Tags": tags_for(call, "internet-gateway")}
    call.place["internet_gateways"][name] = born(call, item)
    return {"InternetGateway": item}


@operation("ec2", "AttachInternetGateway")
def attach_internet_gateway(call):
    item = find(call, "internet_gateways", "igw", call.input["InternetGatewayId"])
    item["Attachments"] = [{"VpcId": call.input["VpcId"], "State": "available"}]
    return {}


@operation("ec2", "DetachInternetGateway")
def detach_internet_gateway(call):
    find(call, "internet_gateways", "igw", call.input["InternetGatewayId"])["Attachments"] = []
    return {}


@operation("ec2", "AllocateAddress")
def allocate_address(call):
    name = call.world.new_id("eipalloc")
    item = {"AllocationId": name, "PublicIp": f"192.0.2.{len(call.place['addresses']) % 250 + 1}",
            "Domain": "vpc", "Tags": tags_for(call, "elastic-ip")}
    call.place["addresses"][name] = item
    return {name: item[name] for name in ("AllocationId", "PublicIp", "Domain")}


@operation("ec2", "ReleaseAddress")
def release_address(call):
    find(call, "addresses", "eipalloc", call.input.get("AllocationId", ""))
    del call.place["addresses"][call.input["AllocationId"]]
    return {}


@operation("ec2", "CreateNatGateway")
def create_nat_gateway(call):
    given = call.input

    def create():
        subnet = find(call, "subnets", "subnet", given["SubnetId"])
        name = call.world.new_id("nat")
        item = {"NatGatewayId": name, "SubnetId": subnet["SubnetId"], "VpcId": subnet["VpcId"],
                "State": "pending", "CreateTime": call.now, "NatGatewayAddresses": [
                    {"AllocationId": given.get("AllocationId", "")}],
                "Tags": tags_for(call, "natgateway"), "_due": call.world.due("nat-gateway"),
                "_failure": call.world.failure("nat-gateway", call)}
        call.place["nat_gateways"][name] = born(call, item)
        return {"NatGateway": item, "ClientToken": given.get("ClientToken", "")}

    return call.world.once(call, given.get("ClientToken"), create)


@operation("ec2", "DeleteNatGateway")
def delete_nat_gateway(call):
    find(call, "nat_gateways", "nat", call.input["NatGatewayId"])
    del call.place["nat_gateways"][call.input["NatGatewayId"]]
    return {"NatGatewayId": call.input["NatGatewayId"]}


@operation("ec2", "DescribeNatGateways")
def describe_nat_gateways(call):
    items = select(call, "nat_gateways", "nat", call.input.get("NatGatewayIds"))
    for item in items:
        if item["State"] == "pending" and call.world.is_due(item["_due"], look=True):
            item["State"] = "failed" if item["_failure"] else "available"
            if item["_failure"]:
                item["FailureMessage"] = item["_failure"]
    call.input["Filters"] = call.input.get("Filter", [])
    return paged(call, filtered(call, items, {"state": "State", "vpc-id": "VpcId",
                                              "nat-gateway-id": "NatGatewayId",
                                              "subnet-id": "SubnetId"}), "NatGateways")


@operation("ec2", "CreateVpcEndpoint")
def create_vpc_endpoint(call):
    given = call.input

    def create():
        find(call, "vpcs", "vpc", given["VpcId"])
        name = call.world.new_id("vpce")
        item = {"VpcEndpointId": name, "VpcId": given["VpcId"], "ServiceName": given["ServiceName"],
                "VpcEndpointType": given.get("VpcEndpointType", "Gateway"), "State": "available",
                "RouteTableIds": given.get("RouteTableIds", []), "OwnerId": call.account,
                "SubnetIds": given.get("SubnetIds", []), "CreationTimestamp": call.now,
                "PrivateDnsEnabled": given.get("PrivateDnsEnabled", False),
                "Groups": [{"GroupId": group} for group in given.get("SecurityGroupIds", ())],
                "Tags": tags_for(call, "vpc-endpoint")}
        call.place["vpc_endpoints"][name] = born(call, item)
        return {"VpcEndpoint": item}

    return call.world.once(call, given.get("ClientToken"), create)


@operation("ec2", "DeleteVpcEndpoints")
def delete_vpc_endpoints(call):
    for name in call.input["VpcEndpointIds"]:
        call.place["vpc_endpoints"].pop(name, None)
    return {"Unsuccessful": []}


# The lists and the deletes that are all alike.

_LISTS = {
    "DescribeVpcs": ("vpcs", "vpc", "VpcIds", "Vpcs",
                     {"vpc-id": "VpcId", "cidr": "CidrBlock", "is-default": "IsDefault",
                      "isDefault": "IsDefault", "state": "State"}),
    "DescribeSubnets": ("subnets", "subnet", "SubnetIds", "Subnets",
                        {"vpc-id": "VpcId", "subnet-id": "SubnetId", "cidr-block": "CidrBlock",
                         "availability-zone": "AvailabilityZone", "state": "State",
                         "default-for-az": "DefaultForAz"}),
    "DescribeSecurityGroups": ("security_groups", "sg", "GroupIds", "SecurityGroups",
                               {"vpc-id": "VpcId", "group-id": "GroupId",
                                "group-name": "GroupName", "description": "Description"}),
    "DescribeRouteTables": ("route_tables", "rtb", "RouteTableIds", "RouteTables",
                            {"vpc-id": "VpcId", "route-table-id": "RouteTableId",
                             "association.subnet-id": "Associations.SubnetId",
                             "association.main": "Associations.Main"}),
    "DescribeInternetGateways": ("internet_gateways", "igw", "InternetGatewayIds",
                                 "InternetGateways",
                                 {"attachment.vpc-id": "Attachments.VpcId",
                                  "internet-gateway-id": "InternetGatewayId"}),
    "DescribeVpcEndpoints": ("vpc_endpoints", "vpce", "VpcEndpointIds", "VpcEndpoints",
                             {"vpc-id": "VpcId", "service-name": "ServiceName",
                              "vpc-endpoint-id": "VpcEndpointId",
                              "vpc-endpoint-state": "State"}),
    "DescribeAddresses": ("addresses", "eipalloc", "AllocationIds", "Addresses",
                          {"allocation-id": "AllocationId", "public-ip": "PublicIp"}),
}


def _register_list(name, table, prefix, ids_name, out, names):
    def describe(call):
        _seeded(call.place)
        ids = call.input.get(ids_name)
        answer = paged(call, filtered(call, select(call, table, prefix, ids), names), out, ids=ids)
        return answer

    operation("ec2", name)(describe)


for _name, _spec in _LISTS.items():
    _register_list(_name, *_spec)

_DELETES = {"DeleteVpc": ("vpcs", "vpc", "VpcId"), "DeleteSubnet": ("subnets", "subnet", "SubnetId"),
            "DeleteSecurityGroup": ("security_groups", "sg", "GroupId"),
            "DeleteRouteTable": ("route_tables", "rtb", "RouteTableId"),
            "DeleteInternetGateway": ("internet_gateways", "igw", "InternetGatewayId")}


def _in_use(call, table, name):
    """What stands in the way of a delete, or None."""
    place = call.place
    if table in ("subnets", "security_groups"):
        for item in place["instances"].values():
            if item["State"]["Name"] != "terminated" and (
                    item.get("SubnetId") == name
                    or any(group["GroupId"] == name for group in item["SecurityGroups"])):
                return item["InstanceId"]
    if table == "vpcs":
        for item in place["subnets"].values():
            if item["VpcId"] == name:
                return item["SubnetId"]
        for item in place["security_groups"].values():
            if item["VpcId"] == name and item["GroupName"] != "default":
                return item["GroupId"]
        for item in place["internet_gateways"].values():
            if any(entry["VpcId"] == name for entry in item["Attachments"]):
                return item["InternetGatewayId"]
    if table == "internet_gateways" and place[table][name]["Attachments"]:
        return place[table][name]["Attachments"][0]["VpcId"]
    return None


def _register_delete(name, table, prefix, id_name):
    def delete(call):
        wanted = call.input.get(id_name, "")
        item = find(call, table, prefix, wanted)
        user = _in_use(call, table, wanted)
        if user:
            raise Refusal("DependencyViolation", f"{wanted} has dependencies and cannot be "
                          f"deleted: {user}")
        del call.place[table][wanted]
        if table == "vpcs":
            for other in ("security_groups", "route_tables"):
                for key, below in list(call.place[other].items()):
                    if below["VpcId"] == item["VpcId"]:
                        del call.place[other][key]
        answer = {}
        if name == "DeleteSecurityGroup":
            shape = call.world.models.service("ec2").operation(name).output
            if shape is not None:
                answer = {"Return": True}
        return answer

    operation("ec2", name)(delete)


for _name, _spec in _DELETES.items():
    _register_delete(_name, *_spec)

__all__ = ["ready_network", "default_subnet", "not_found", "CODES"]
