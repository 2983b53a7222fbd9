"""Who may do what: identity policies, the service's own way of saying no.

Off unless the switch `enforce` is on; a role's trust policy and KMS keys are always obeyed.
"""

from . import policies
from .errors import Refusal

_PREFIXES = {"sesv2": "ses", "inspector-scan": "inspector-scan"}

# What a denied call is called (service references, "Common errors").
_CODES = {"ec2": ("UnauthorizedOperation", 403), "sts": ("AccessDenied", 403),
          "iam": ("AccessDenied", 403), "cloudformation": ("AccessDenied", 403),
          "sns": ("AuthorizationError", 403), "s3": ("AccessDenied", 403),
          "ebs": ("AccessDeniedException", 403), "lambda": ("AccessDeniedException", 403)}


def context_of(world, caller, region, extra=None):
    """The condition keys that every request carries."""
    context = {"aws:PrincipalAccount": caller.account, "aws:PrincipalArn": principal_arn(caller),
               "aws:RequestedRegion": region, "aws:SecureTransport": "true"}
    organization = world.organization
    if caller.account in organization.get("paths", {}):
        context["aws:PrincipalOrgID"] = organization["id"]
        context["aws:PrincipalOrgPaths"] = [organization["paths"][caller.account]]
    if extra:
        context.update(extra)
    return context


def principal_arn(caller):
    if caller.role:
        return f"arn:aws:iam::{caller.account}:role/{caller.role}"
    return caller.arn


def identity_policies(world, caller):
    """The policy documents of whoever calls; None for the account's root, who may do anything."""
    place = world.place(caller.account, "aws-global")
    if caller.arn.endswith(":root"):
        return None
    if caller.role:
        holder = place["roles"].get(caller.role)
    else:
        holder = place["users"].get(caller.arn.rpartition("/")[2])
    if holder is None:
        return []
    return policies_of(world, place, holder)


def policies_of(world, place, holder):
    found = list(holder["_policies"].values())
    for arn in holder["_attached"]:
        found.append(managed_policy(place, arn))
    return found


_ADMINISTRATOR = {"Version": "2012-10-17",
                  "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def managed_policy(place, arn):
    if arn == "arn:aws:iam::aws:policy/AdministratorAccess":
        return _ADMINISTRATOR
    policy = place["policies"].get(arn)
    return policy["_document"] if policy else {"Statement": []}


def action_name(service, operation):
    special = {("lambda", "Invoke"): "lambda:InvokeFunction",
               ("s3", "ListObjectsV2"): "s3:ListBucket", ("s3", "ListObjects"): "s3:ListBucket",
               ("s3", "HeadObject"): "s3:GetObject", ("s3", "HeadBucket"): "s3:ListBucket",
               ("s3", "CopyObject"): "s3:PutObject", ("s3", "DeleteObjects"): "s3:DeleteObject",
               ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
               ("s3", "ListBuckets"): "s3:ListAllMyBuckets"}
    found = special.get((service, operation))
    return found or f"{_PREFIXES.get(service, service)}:{operation}"


def resource_of(call):
    """The ARN that the call is about, where one input names it; None otherwise."""
    given = call.input
    if call.service == "ssm" and isinstance(given.get("Name"), str) and \
            "Parameter" in call.operation:
        return call.arn("ssm", "parameter/" + given["Name"].lstrip("/"))
    if call.service == "ssm" and "Path" in given:
        return call.arn("ssm", "parameter/" + given["Path"].lstrip("/"))
    if call.service == "s3" and "Bucket" in given:
        arn = f"arn:aws:s3:::{given['Bucket']}"
        return f"{arn}/{given['Key']}" if "Key" in given else arn
    for name in ("RoleArn", "TopicArn", "KeyId"):
        if isinstance(given.get(name), str) and given[name].startswith("arn:"):
            return given[name]
    return None


def _request_tags(call):
    extra = {}
    tags = [tag for group in call.input.get("TagSpecifications", ())
            for tag in group.get("Tags", ())]
    if isinstance(call.input.get("Tags"), list):
        tags += [tag for tag in call.input["Tags"] if isinstance(tag, dict) and "Key" in tag]
    for tag in tags:
        extra[f"aws:RequestTag/{tag['Key']}"] = tag.get("Value", "")
    if tags:
        extra["aws:TagKeys"] = [tag["Key"] for tag in tags]
    return extra


def check(call):
    """Throws the service's refusal when the caller's policies do not allow the call."""
    if call.caller is None or call.operation == "GetCallerIdentity":
        return
    found = identity_policies(call.world, call.caller)
    if found is None:
        return
    action = action_name(call.service, call.operation)
    context = context_of(call.world, call.caller, call.region, _request_tags(call))
    decision = policies.decide(found, action, resource_of(call), context)
    if decision == "allowed" and call.caller.session_policies:
        decision = policies.decide(call.caller.session_policies, action, resource_of(call), context)
    if decision != "allowed":
        deny(call, action, decision)


def deny(call, action, decision="implicitDeny"):
    code, status = _CODES.get(call.service, ("AccessDeniedException", 400))
    if call.service == "ec2":
        raise Refusal(code, "You are not authorized to perform this operation. User: "
                      f"{call.caller.arn} is not authorized to perform: {action}", status)
    why = "with an explicit deny" if decision == "explicitDeny" else \
        "because no identity-based policy allows the action"
    raise Refusal(code, f"User: {call.caller.arn} is not authorized to perform: {action} {why}",
                  status)
