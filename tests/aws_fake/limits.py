"""EC2's token buckets (EC2 Developer Guide, "Request throttling for the Amazon EC2 API")."""

from .errors import Refusal

_UNPAGED = {"DescribeInstances", "DescribeInstanceStatus", "DescribeNetworkInterfaces",
            "DescribeSecurityGroups", "DescribeSnapshots", "DescribeVolumes",
            "DescribeSpotInstanceRequests"}
_OWN = {
    "RunInstances": (5, 2), "StartInstances": (5, 2), "TerminateInstances": (100, 5),
    "CopyImage": (100, 1), "ModifyImageAttribute": (100, 5), "DeregisterImage": (100, 5),
    "ModifySnapshotAttribute": (100, 5), "CreateSnapshot": (100, 5), "DeleteSnapshot": (100, 5),
    "CreateLaunchTemplateVersion": (100, 5), "ModifyLaunchTemplate": (100, 5),
    "CreateVolume": (100, 5), "CreateTags": (100, 10), "DeleteTags": (100, 10),
    "CreateNatGateway": (10, 1), "EnableFastLaunch": (5, 2),
    "EnableImageBlockPublicAccess": (1, 0.1), "DisableImageBlockPublicAccess": (1, 0.1),
}
_RESOURCES = {"RunInstances": (1000, 2), "StartInstances": (1000, 2),
              "TerminateInstances": (1000, 20), "StopInstances": (1000, 20)}
# Requests per second of the other services that the project meets in numbers.
_OTHERS = {("ebs", "StartSnapshot"): (10, 10), ("ebs", "CompleteSnapshot"): (10, 10),
           ("ebs", "ListSnapshotBlocks"): (50, 50), ("ebs", "ListChangedBlocks"): (50, 50),
           ("ebs", "GetSnapshotBlock"): (1000, 1000), ("ebs", "PutSnapshotBlock"): (1000, 1000),
           ("ssm", "GetParameter"): (40, 40), ("ssm", "GetParameters"): (40, 40),
           ("ssm", "GetParametersByPath"): (40, 40), ("ssm", "PutParameter"): (40, 40)}


def throttled(service):
    """What too many requests are called."""
    if service == "ec2":
        return Refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
    if service == "s3":
        return Refusal("SlowDown", "Please reduce your request rate.", 503)
    if service in ("sts", "iam", "cloudformation", "sns"):
        return Refusal("Throttling", "Rate exceeded", 400)
    if service == "ebs":
        return Refusal("RequestThrottledException", "Rate exceeded", 400,
                       {"Reason": "ACCOUNT_THROTTLED"})
    if service == "lambda" or service == "organizations":
        return Refusal("TooManyRequestsException", "Rate exceeded", 429 if service == "lambda"
                       else 400)
    return Refusal("ThrottlingException", "Rate exceeded", 400)


def _bucket(call):
    if call.service != "ec2":
        return _OTHERS.get((call.service, call.operation))
    if call.operation in _OWN:
        return _OWN[call.operation]
    if call.operation.startswith(("Describe", "Get", "List")):
        plain = not any(name in call.input for name in ("Filters", "MaxResults", "NextToken"))
        return (50, 10) if plain and call.operation in _UNPAGED else (100, 20)
    return (50, 5)


def _spend(call, name, size, refill, amount):
    key = (call.account, call.region, call.service, name)
    now = call.now
    tokens, then = call.world.buckets_of_calls.get(key, (size, now))
    tokens = min(size, tokens + (now - then) * refill)
    if tokens < amount:
        call.world.buckets_of_calls[key] = (tokens, now)
        raise throttled(call.service)
    call.world.buckets_of_calls[key] = (tokens - amount, now)


def take(call):
    """Takes the tokens of the call; throws the throttling refusal when the bucket is empty."""
    bucket = _bucket(call)
    if bucket is None:
        return
    default = call.service == "ec2" and bucket == (50, 5) and call.operation not in _OWN
    _spend(call, "(mutating)" if default else call.operation, *bucket, 1)
    resource = _RESOURCES.get(call.operation) if call.service == "ec2" else None
    if resource:
        count = call.input.get("MaxCount") or len(call.input.get("InstanceIds", ())) or 1
        _spend(call, call.operation + " resources", *resource, count)
