"""KMS keys, policies and grants: who may use a key (KMS Developer Guide, "Key policies").

Keys encrypt nothing here: blocks are kept as they came. Access is what is told apart.
"""

import json
import secrets
import uuid

from .. import authorization, policies
from ..errors import Refusal
from . import operation

_USE = ("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant")


def _make(world, account, region, policy, description="", managed=False, tags=()):
    key_id = str(uuid.uuid4())
    arn = f"arn:aws:kms:{region}:{account}:key/{key_id}"
    item = {
        "AWSAccountId": account, "KeyId": key_id, "Arn": arn, "CreationDate": world.clock.now(),
        "Enabled": True, "Description": description, "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled", "Origin": "AWS_KMS", "KeyManager": "AWS" if managed else "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "MultiRegion": False, "_region": region,
        "_managed": managed, "_policy": policy, "_grants": {}, "_tags": list(tags)}
    world.keys[arn] = item
    return item


def _root_policy(account):
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{
        "Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*",
        "Resource": "*"}]})


def default_key(call):
    """ARN of the key that aws/ebs means in the caller's place."""
    place = call.place
    if "ebs-key" not in place.settings:
        item = _make(call.world, call.account, call.region, _root_policy(call.account),
                     "Default key that protects my EBS volumes when no other key is defined", True)
        place.settings["ebs-key"] = item["Arn"]
        place["aliases"]["alias/aws/ebs"] = item["KeyId"]
    return place.settings["ebs-key"]


def is_default(world, arn):
    key = world.keys.get(arn)
    return key is not None and key["_managed"]


def lookup(call, name):
    """The key of an id, an ARN or an alias; None when there is none in this region."""
    if name.startswith("arn:"):
        parts = name.split(":", 5)
        if parts[5].startswith("alias/"):
            place = call.world.place(parts[4], parts[3])
            key_id = place["aliases"].get(parts[5])
            name = f"arn:aws:kms:{parts[3]}:{parts[4]}:key/{key_id}"
        found = call.world.keys.get(name)
        return found if found and found["_region"] == call.region else None
    if name == "alias/aws/ebs":
        return call.world.keys[default_key(call)]
    if name.startswith("alias/"):
        name = call.place["aliases"].get(name, name)
    return call.world.keys.get(call.arn("kms", f"key/{name}"))


def permitted(call, key, action, extra=None):
    """True when key policy, identity policies and grants together let the caller do `action`."""
    caller = call.caller
    account = call.account
    arn = caller.arn if caller else f"arn:aws:iam::{account}:root"
    context = {"kms:ViaService": f"ec2.{call.region}.amazonaws.com", "kms:CallerAccount": account,
               "kms:GrantIsForAWSResource": "true"}
    if caller:
        context.update(authorization.context_of(call.world, caller, call.region))
    context.update(extra or {})
    for grant in key["_grants"].values():
        grantee = grant["GranteePrincipal"]
        if action.removeprefix("kms:") in grant["Operations"] and (
                grantee in (arn, f"arn:aws:iam::{account}:root")
                or (caller and grantee == authorization.principal_arn(caller))):
            return True
    decision = policies.resource_policy(json.loads(key["_policy"]), action, None, account, arn,
                                        context)
    if decision != "allowed":
        return False
    # A statement for the account's root hands the decision to the caller's own policies.
    own = authorization.identity_policies(call.world, caller) if caller else None
    return own is None or policies.decide(own, action, key["Arn"], context) == "allowed"


def may_use(call, arn):
    """True when EC2 can use the key in the caller's name."""
    key = call.world.keys.get(arn)
    if key is None or key["KeyState"] != "Enabled":
        return False
    if key["_managed"]:
        return key["AWSAccountId"] == call.account
    return all(permitted(call, key, action) for action in _USE) or \
        permitted(call, key, "kms:Decrypt") and any(key["_grants"])


def _key(call, action=None):
    found = lookup(call, call.input["KeyId"])
    if found is None:
        raise Refusal("NotFoundException", f"Key '{call.input['KeyId']}' does not exist")
    action = action or call.operation
    if not permitted(call, found, f"kms:{action}"):
        raise Refusal("AccessDeniedException", f"User: {call.caller.arn} is not authorized to "
                      f"perform: kms:{action} on resource: {found['Arn']}")
    return found


@operation("kms", "CreateKey")
def create_key(call):
    policy = call.input.get("Policy") or _root_policy(call.account)
    _check_policy(call, policy)
    return {"KeyMetadata": _make(call.world, call.account, call.region, policy,
                                 call.input.get("Description", ""), tags=call.input.get("Tags", ()))}


def _check_policy(call, policy):
    try:
        document = json.loads(policy)
    except ValueError:
        raise Refusal("MalformedPolicyDocumentException", "the policy is no JSON") from None
    if call.caller and policies.resource_policy(
            document, "kms:PutKeyPolicy", None, call.account, call.caller.arn,
            authorization.context_of(call.world, call.caller, call.region)) != "allowed" and \
            not call.input.get("BypassPolicyLockoutSafetyCheck"):
        raise Refusal("MalformedPolicyDocumentException", "The new key policy will not allow you "
                      "to update the key policy in the future.")


@operation("kms", "DescribeKey")
def describe_key(call):
    return {"KeyMetadata": _key(call)}


@operation("kms", "ListKeys")
def list_keys(call):
    return {"Keys": [{"KeyId": item["KeyId"], "KeyArn": item["Arn"]}
                     for item in call.world.keys.values()
                     if item["AWSAccountId"] == call.account and item["_region"] == call.region],
            "Truncated": False}


@operation("kms", "GetKeyPolicy")
def get_key_policy(call):
    return {"Policy": _key(call)["_policy"]}


@operation("kms", "PutKeyPolicy")
def put_key_policy(call):
    item = _key(call)
    _check_policy(call, call.input["Policy"])
    item["_policy"] = call.input["Policy"]
    return {}


@operation("kms", "CreateAlias")
def create_alias(call):
    name = call.input["AliasName"]
    if name in call.place["aliases"]:
        raise Refusal("AlreadyExistsException", f"An alias with the name {name} already exists")
    found = lookup(call, call.input["TargetKeyId"])
    if found is None:
        raise Refusal("NotFoundException", "no such key")
    call.place["aliases"][name] = found["KeyId"]
    return {}


@operation("kms", "UpdateAlias")
def update_alias(call):
    call.place["aliases"][call.input["AliasName"]] = lookup(call, call.input["TargetKeyId"])["KeyId"]
    return {}


@operation("kms", "DeleteAlias")
def delete_alias(call):
    if call.place["aliases"].pop(call.input["AliasName"], None) is None:
        raise Refusal("NotFoundException", "no such alias")
    return {}


@operation("kms", "ListAliases")
def list_aliases(call):
    found = [{"AliasName": name, "TargetKeyId": key, "AliasArn": call.arn("kms", name)}
             for name, key in call.place["aliases"].items()]
    if "KeyId" in call.input:
        wanted = lookup(call, call.input["KeyId"])
        found = [item for item in found if wanted and item["TargetKeyId"] == wanted["KeyId"]]
    return {"Aliases": found, "Truncated": False}


@operation("kms", "CreateGrant")
def create_grant(call):
    given, item = call.input, _key(call)
    for grant in item["_grants"].values():  # the same name and the same content: the same grant
        if given.get("Name") and grant.get("Name") == given["Name"] and \
                grant["GranteePrincipal"] == given["GranteePrincipal"] and \
                grant["Operations"] == given["Operations"]:
            return {"GrantId": grant["GrantId"], "GrantToken": grant["_token"]}
    grant_id, token = secrets.token_hex(32), secrets.token_urlsafe(60)
    item["_grants"][grant_id] = {
        "KeyId": item["Arn"], "GrantId": grant_id, "GranteePrincipal": given["GranteePrincipal"],
        "Operations": given["Operations"], "Name": given.get("Name"), "CreationDate": call.now,
        "IssuingAccount": call.account, "RetiringPrincipal": given.get("RetiringPrincipal"),
        "_token": token}
    return {"GrantId": grant_id, "GrantToken": token}


@operation("kms", "ListGrants")
def list_grants(call):
    found = [grant for grant in _key(call)["_grants"].values()
             if call.input.get("GrantId") in (None, grant["GrantId"])]
    return {"Grants": found, "Truncated": False}


@operation("kms", "RevokeGrant")
def revoke_grant(call):
    if _key(call)["_grants"].pop(call.input["GrantId"], None) is None:
        raise Refusal("NotFoundException", "no such grant")
    return {}


@operation("kms", "ScheduleKeyDeletion")
def schedule_key_deletion(call):
    item = _key(call)
    days = call.input.get("PendingWindowInDays", 30)
    item.update(KeyState="PendingDeletion", Enabled=False, DeletionDate=call.now + days * 86400)
    return {"KeyId": item["Arn"], "DeletionDate": item["DeletionDate"], "KeyState": item["KeyState"],
            "PendingWindowInDays": days}


def _set_state(state):
    def change(call):
        _key(call).update(KeyState=state, Enabled=state == "Enabled", DeletionDate=None)
        return {"KeyId": call.input["KeyId"]} if call.operation == "CancelKeyDeletion" else {}
    return change


operation("kms", "EnableKey")(_set_state("Enabled"))
operation("kms", "DisableKey")(_set_state("Disabled"))
operation("kms", "CancelKeyDeletion")(_set_state("Disabled"))


@operation("kms", "EnableKeyRotation")
def enable_key_rotation(call):
    _key(call)["_rotation"] = True
    return {}


@operation("kms", "GetKeyRotationStatus")
def get_key_rotation_status(call):
    return {"KeyRotationEnabled": _key(call).get("_rotation", False)}


@operation("kms", "ListResourceTags")
def list_resource_tags(call):
    return {"Tags": _key(call)["_tags"], "Truncated": False}


@operation("kms", "TagResource")
def tag_resource(call):
    item = _key(call)
    keys = {tag["TagKey"] for tag in call.input["Tags"]}
    item["_tags"] = [tag for tag in item["_tags"] if tag["TagKey"] not in keys] + call.input["Tags"]
    return {}


