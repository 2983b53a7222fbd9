"""What CloudFormation can make: each type by the stand-in's own operations.

A maker gets (do, properties, logical name, stack name) and gives (physical id, attributes); `do` calls
an operation with the stack's credentials. A remover undoes it.
"""

import json
import secrets

from ..errors import Refusal


def _pick(properties, *names):
    return {name: properties[name] for name in names if name in properties}


def _tagged(kind, properties):
    tags = properties.get("Tags")
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _name(stack, logical, low=False):
    text = f"{stack}-{logical}-{secrets.token_hex(6).upper()}"
    return text.lower() if low else text


def _vpc(do, p, _, __):
    made = do("ec2", "CreateVpc", CidrBlock=p["CidrBlock"], **_tagged("vpc", p))["Vpc"]
    groups = do("ec2", "DescribeSecurityGroups", Filters=[
        {"Name": "vpc-id", "Values": [made["VpcId"]]}])["SecurityGroups"]
    return made["VpcId"], {"VpcId": made["VpcId"], "CidrBlock": made["CidrBlock"],
                           "DefaultSecurityGroup": groups[0]["GroupId"]}


def _subnet(do, p, _, __):
    made = do("ec2", "CreateSubnet", **_pick(p, "VpcId", "CidrBlock", "AvailabilityZone"),
              **_tagged("subnet", p))["Subnet"]
    return made["SubnetId"], {"SubnetId": made["SubnetId"],
                              "AvailabilityZone": made["AvailabilityZone"]}


def _rules(entries):
    found = []
    for entry in entries:
        rule = _pick(entry, "IpProtocol", "FromPort", "ToPort")
        rule["IpProtocol"] = str(rule["IpProtocol"])
        if "CidrIp" in entry:
            rule["IpRanges"] = [{"CidrIp": entry["CidrIp"]}]
        group = entry.get("SourceSecurityGroupId") or entry.get("DestinationSecurityGroupId")
        if group:
            rule["UserIdGroupPairs"] = [{"GroupId": group}]
        found.append(rule)
    return found


def _security_group(do, p, logical, stack):
    made = do("ec2", "CreateSecurityGroup", GroupName=p.get("GroupName", _name(stack, logical)),
              Description=p["GroupDescription"], **_pick(p, "VpcId"),
              **_tagged("security-group", p))["GroupId"]
    if p.get("SecurityGroupIngress"):
        do("ec2", "AuthorizeSecurityGroupIngress", GroupId=made,
           IpPermissions=_rules(p["SecurityGroupIngress"]))
    return made, {"GroupId": made, "VpcId": p.get("VpcId", "")}


def _rule_of(direction):
    def make(do, p, logical, _):
        do("ec2", f"AuthorizeSecurityGroup{direction}", GroupId=p["GroupId"],
           IpPermissions=_rules([p]))
        return logical, {}
    return make


def _internet_gateway(do, p, _, __):
    made = do("ec2", "CreateInternetGateway", **_tagged("internet-gateway", p))
    name = made["InternetGateway"]["InternetGatewayId"]
    return name, {"InternetGatewayId": name}


def _attachment(do, p, _, __):
    do("ec2", "AttachInternetGateway", InternetGatewayId=p["InternetGatewayId"], VpcId=p["VpcId"])
    return f"IGW|{p['VpcId']}|{p['InternetGatewayId']}", {}


def _detach(do, name):
    _, vpc, gateway = name.split("|")
    do("ec2", "DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)


def _route_table(do, p, _, __):
    made = do("ec2", "CreateRouteTable", VpcId=p["VpcId"], **_tagged("route-table", p))
    name = made["RouteTable"]["RouteTableId"]
    return name, {"RouteTableId": name}


def _route(do, p, _, __):
    do("ec2", "CreateRoute", **_pick(p, "RouteTableId", "DestinationCidrBlock", "GatewayId",
                                     "NatGatewayId"))
    return f"{p['RouteTableId']}|{p.get('DestinationCidrBlock', '')}", {}


def _association(do, p, _, __):
    made = do("ec2", "AssociateRouteTable", RouteTableId=p["RouteTableId"], SubnetId=p["SubnetId"])
    return made["AssociationId"], {"Id": made["AssociationId"]}


def _address(do, p, _, __):
    made = do("ec2", "AllocateAddress", Domain="vpc", **_tagged("elastic-ip", p))
    return made["PublicIp"] + "|" + made["AllocationId"], {
        "AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}


def _nat_gateway(do, p, _, __):
    made = do("ec2", "CreateNatGateway", **_pick(p, "SubnetId", "AllocationId"),
              **_tagged("natgateway", p))["NatGateway"]["NatGatewayId"]
    return made, {"NatGatewayId": made}


def _endpoint(do, p, _, __):
    made = do("ec2", "CreateVpcEndpoint", **_pick(
        p, "VpcId", "ServiceName", "VpcEndpointType", "SubnetIds", "SecurityGroupIds",
        "RouteTableIds", "PrivateDnsEnabled"))["VpcEndpoint"]["VpcEndpointId"]
    return made, {"Id": made}


def _instance(do, p, _, __):
    profile = {"IamInstanceProfile": {"Name": p["IamInstanceProfile"]}} \
        if "IamInstanceProfile" in p else {}
    made = do("ec2", "RunInstances", MinCount=1, MaxCount=1, **profile, **_pick(
        p, "ImageId", "InstanceType", "SubnetId", "SecurityGroupIds", "KeyName", "UserData"),
        **_tagged("instance", p))["Instances"][0]
    return made["InstanceId"], {"InstanceId": made["InstanceId"], "PublicIp": "",
                                "PrivateIp": made["PrivateIpAddress"],
                                "AvailabilityZone": made["Placement"]["AvailabilityZone"]}


def _launch_template(do, p, logical, stack):
    made = do("ec2", "CreateLaunchTemplate", LaunchTemplateData=p["LaunchTemplateData"],
              LaunchTemplateName=p.get("LaunchTemplateName", _name(stack, logical)))
    made = made["LaunchTemplate"]
    return made["LaunchTemplateId"], {"LaunchTemplateId": made["LaunchTemplateId"],
                                      "LatestVersionNumber": "1", "DefaultVersionNumber": "1"}


def _role(do, p, logical, stack):
    name = p.get("RoleName", _name(stack, logical))
    made = do("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(
        p["AssumeRolePolicyDocument"]), **_pick(p, "Path", "MaxSessionDuration", "Description"))
    for policy in p.get("Policies", ()):
        do("iam", "PutRolePolicy", RoleName=name, PolicyName=policy["PolicyName"],
           PolicyDocument=json.dumps(policy["PolicyDocument"]))
    for arn in p.get("ManagedPolicyArns", ()):
        do("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
    return name, {"Arn": made["Role"]["Arn"], "RoleId": made["Role"]["RoleId"]}


def _remove_role(do, name):
    for policy in do("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]:
        do("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    for policy in do("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]:
        do("iam", "DetachRolePolicy", RoleName=name, PolicyArn=policy["PolicyArn"])
    do("iam", "DeleteRole", RoleName=name)


def _profile(do, p, logical, stack):
    name = p.get("InstanceProfileName", _name(stack, logical))
    made = do("iam", "CreateInstanceProfile", InstanceProfileName=name, **_pick(p, "Path"))
    for role in p.get("Roles", ()):
        do("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    return name, {"Arn": made["InstanceProfile"]["Arn"]}


def _remove_profile(do, name):
    found = do("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    for role in found["Roles"]:
        do("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name,
           RoleName=role["RoleName"])
    do("iam", "DeleteInstanceProfile", InstanceProfileName=name)


def _managed_policy(do, p, logical, stack):
    made = do("iam", "CreatePolicy", PolicyName=p.get("ManagedPolicyName", _name(stack, logical)),
              PolicyDocument=json.dumps(p["PolicyDocument"]))["Policy"]["Arn"]
    for role in p.get("Roles", ()):
        do("iam", "AttachRolePolicy", RoleName=role, PolicyArn=made)
    return made, {"PolicyArn": made}


def _policy(do, p, logical, _):
    for role in p.get("Roles", ()):
        do("iam", "PutRolePolicy", RoleName=role, PolicyName=p["PolicyName"],
           PolicyDocument=json.dumps(p["PolicyDocument"]))
    return p["PolicyName"] + "-" + logical, {}


def _bucket(do, p, logical, stack):
    name = p.get("BucketName", _name(stack, logical, low=True))
    region = do.region
    more = {} if region == "us-east-1" else {
        "CreateBucketConfiguration": {"LocationConstraint": region}}
    do("s3", "CreateBucket", Bucket=name, **more)
    if "VersioningConfiguration" in p:
        do("s3", "PutBucketVersioning", Bucket=name,
           VersioningConfiguration=p["VersioningConfiguration"])
    return name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com",
                  "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com"}


def _bucket_policy(do, p, logical, _):
    do("s3", "PutBucketPolicy", Bucket=p["Bucket"], Policy=json.dumps(p["PolicyDocument"]))
    return logical, {}


def _topic(do, p, logical, stack):
    arn = do("sns", "CreateTopic", Name=p.get("TopicName", _name(stack, logical)))["TopicArn"]
    for entry in p.get("Subscription", ()):
        do("sns", "Subscribe", TopicArn=arn, **_pick(entry, "Protocol", "Endpoint"))
    return arn, {"TopicArn": arn, "TopicName": arn.rpartition(":")[2]}


def _subscription(do, p, logical, _):
    do("sns", "Subscribe", **_pick(p, "TopicArn", "Protocol", "Endpoint"))
    return logical, {}


def _key(do, p, _, __):
    made = do("kms", "CreateKey", **_pick(p, "Description"),
              Policy=json.dumps(p["KeyPolicy"]))["KeyMetadata"]
    return made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]}


def _alias(do, p, _, __):
    do("kms", "CreateAlias", AliasName=p["AliasName"], TargetKeyId=p["TargetKeyId"])
    return p["AliasName"], {}


def _parameter(do, p, logical, stack):
    name = p.get("Name", _name(stack, logical))
    do("ssm", "PutParameter", Name=name, **_pick(p, "Value", "Type", "Description", "Tier",
                                                 "DataType", "AllowedPattern"))
    return name, {"Value": p["Value"], "Type": p["Type"]}


def _event_rule(do, p, logical, stack):
    name = p.get("Name", _name(stack, logical))
    pattern = {"EventPattern": json.dumps(p["EventPattern"])} if "EventPattern" in p else {}
    arn = do("events", "PutRule", Name=name, **pattern,
             **_pick(p, "ScheduleExpression", "State", "Description"))["RuleArn"]
    if p.get("Targets"):
        do("events", "PutTargets", Rule=name, Targets=p["Targets"])
    return name, {"Arn": arn}


def _remove_event_rule(do, name):
    targets = do("events", "ListTargetsByRule", Rule=name)["Targets"]
    do("events", "RemoveTargets", Rule=name, Ids=[target["Id"] for target in targets])
    do("events", "DeleteRule", Name=name)


def _function(do, p, logical, stack):
    name = p.get("FunctionName", _name(stack, logical))
    code = {"ZipFile": p.get("Code", {}).get("ZipFile", "").encode()}
    made = do("lambda", "CreateFunction", FunctionName=name, Code=code,
              **_pick(p, "Role", "Runtime", "Handler", "Timeout", "MemorySize"))
    return name, {"Arn": made["FunctionArn"]}


def _config_rule(do, p, logical, stack):
    name = p.get("ConfigRuleName", _name(stack, logical))
    rule = {**p, "ConfigRuleName": name}
    if isinstance(rule.get("InputParameters"), dict):
        rule["InputParameters"] = json.dumps(rule["InputParameters"])
    do("config", "PutConfigRule", ConfigRule=rule)
    return name, {"Arn": do.arn("config", f"config-rule/config-rule-{name}")}


def _conformance_pack(do, p, _, __):
    """Its rules, by names with the pack's id behind them."""
    name = p["ConformancePackName"]
    pack_id = "conformance-pack-" + secrets.token_hex(5)[:9]
    for item in json.loads(p["TemplateBody"])["Resources"].values():
        rule = dict(item["Properties"])
        rule["ConfigRuleName"] = f"{rule['ConfigRuleName']}-{pack_id}"
        do("config", "PutConfigRule", ConfigRule=rule)
    return name, {"Arn": do.arn("config", f"conformance-pack/{name}/{pack_id}")}


def _nothing(_, __, logical, ___):
    return logical, {}


def _by(service, operation, member, listed=False):
    def remove(do, name):
        do(service, operation, **{member: [name] if listed else name})
    return remove


TYPES = {
    "AWS::EC2::VPC": (_vpc, _by("ec2", "DeleteVpc", "VpcId")),
    "AWS::EC2::Subnet": (_subnet, _by("ec2", "DeleteSubnet", "SubnetId")),
    "AWS::EC2::SecurityGroup": (_security_group, _by("ec2", "DeleteSecurityGroup", "GroupId")),
    "AWS::EC2::SecurityGroupIngress": (_rule_of("Ingress"), None),
    "AWS::EC2::SecurityGroupEgress": (_rule_of("Egress"), None),
    "AWS::EC2::InternetGateway": (_internet_gateway,
                                  _by("ec2", "DeleteInternetGateway", "InternetGatewayId")),
    "AWS::EC2::VPCGatewayAttachment": (_attachment, _detach),
    "AWS::EC2::RouteTable": (_route_table, _by("ec2", "DeleteRouteTable", "RouteTableId")),
    "AWS::EC2::Route": (_route, None),
    "AWS::EC2::SubnetRouteTableAssociation": (
        _association, _by("ec2", "DisassociateRouteTable", "AssociationId")),
    "AWS::EC2::EIP": (_address, lambda do, name: do("ec2", "ReleaseAddress",
                                                    AllocationId=name.split("|")[1])),
    "AWS::EC2::NatGateway": (_nat_gateway, _by("ec2", "DeleteNatGateway", "NatGatewayId")),
    "AWS::EC2::VPCEndpoint": (_endpoint, _by("ec2", "DeleteVpcEndpoints", "VpcEndpointIds", True)),
    "AWS::EC2::Instance": (_instance, _by("ec2", "TerminateInstances", "InstanceIds", True)),
    "AWS::EC2::LaunchTemplate": (_launch_template,
                                 _by("ec2", "DeleteLaunchTemplate", "LaunchTemplateId")),
    "AWS::IAM::Role": (_role, _remove_role),
    "AWS::IAM::InstanceProfile": (_profile, _remove_profile),
    "AWS::IAM::ManagedPolicy": (_managed_policy, _by("iam", "DeletePolicy", "PolicyArn")),
    "AWS::IAM::Policy": (_policy, None),
    "AWS::S3::Bucket": (_bucket, _by("s3", "DeleteBucket", "Bucket")),
    "AWS::S3::BucketPolicy": (_bucket_policy, None),
    "AWS::SNS::Topic": (_topic, _by("sns", "DeleteTopic", "TopicArn")),
    "AWS::SNS::Subscription": (_subscription, None),
    "AWS::SNS::TopicPolicy": (_nothing, None),
    "AWS::KMS::Key": (_key, _by("kms", "ScheduleKeyDeletion", "KeyId")),
    "AWS::KMS::Alias": (_alias, _by("kms", "DeleteAlias", "AliasName")),
    "AWS::SSM::Parameter": (_parameter, _by("ssm", "DeleteParameter", "Name")),
    "AWS::Events::Rule": (_event_rule, _remove_event_rule),
    "AWS::Lambda::Function": (_function, _by("lambda", "DeleteFunction", "FunctionName")),
    "AWS::Lambda::Permission": (_nothing, None),
    "AWS::Logs::LogGroup": (_nothing, None),
    "AWS::Config::ConfigRule": (_config_rule, _by("config", "DeleteConfigRule", "ConfigRuleName")),
    "AWS::Config::ConformancePack": (_conformance_pack, None),
    "AWS::CloudFormation::WaitConditionHandle": (_nothing, None),
}


def check_types(resources):
    unknown = sorted({item.get("Type", "") for item in resources.values()} - set(TYPES))
    if unknown:
        raise Refusal("ValidationError", f"Template format error: Unrecognized resource types: "
                      f"[{', '.join(unknown)}]")
