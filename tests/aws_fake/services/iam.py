"""IAM: users, roles, policies, instance profiles and the simulator."""

import json
import secrets
from urllib.parse import quote

from .. import authorization, policies
from ..errors import Refusal
from ..paging import page
from . import operation
from .ec2.common import born


def _missing(kind, name):
    return Refusal("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)


def _document(text):
    try:
        document = json.loads(text)
    except ValueError:
        raise Refusal("MalformedPolicyDocument", "Syntax errors in policy.") from None
    if not isinstance(document, dict) or "Statement" not in document:
        raise Refusal("MalformedPolicyDocument", "The policy has no Statement")
    return document


def _new(prefix):
    return prefix + secrets.token_hex(9)[:17].upper()


def _get(call, table, kind, name):
    item = call.place[table].get(name)
    if item is None:
        raise _missing(kind, name)
    return item


def _shown_role(item):
    return {**item, "AssumeRolePolicyDocument": quote(item["_trust"])}


@operation("iam", "CreateRole")
def create_role(call):
    given = call.input
    name = given["RoleName"]
    if name in call.place["roles"]:
        raise Refusal("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
    _document(given["AssumeRolePolicyDocument"])
    path = given.get("Path", "/")
    item = {"Path": path, "RoleName": name, "RoleId": _new("AROA"), "CreateDate": call.now,
            "Arn": f"arn:aws:iam::{call.account}:role{path}{name}",
            "Description": given.get("Description", ""),
            "MaxSessionDuration": given.get("MaxSessionDuration", 3600),
            "Tags": given.get("Tags", []), "_trust": given["AssumeRolePolicyDocument"],
            "_policies": {}, "_attached": []}
    call.place["roles"][name] = item
    return {"Role": _shown_role(item)}


@operation("iam", "GetRole")
def get_role(call):
    return {"Role": _shown_role(_get(call, "roles", "role", call.input["RoleName"]))}


@operation("iam", "UpdateAssumeRolePolicy")
def update_assume_role_policy(call):
    _document(call.input["PolicyDocument"])
    _get(call, "roles", "role", call.input["RoleName"])["_trust"] = call.input["PolicyDocument"]
    return {}


@operation("iam", "UpdateRole")
def update_role(call):
    item = _get(call, "roles", "role", call.input["RoleName"])
    item.update({name: call.input[name] for name in ("Description", "MaxSessionDuration")
                 if name in call.input})
    return {}


@operation("iam", "DeleteRole")
def delete_role(call):
    item = _get(call, "roles", "role", call.input["RoleName"])
    if item["_policies"] or item["_attached"] or any(
            item["RoleName"] in profile["_roles"]
            for profile in call.place["instance_profiles"].values()):
        raise Refusal("DeleteConflict", "Cannot delete entity, must delete policies and instance "
                      "profiles first.", 409)
    del call.place["roles"][item["RoleName"]]
    return {}


@operation("iam", "CreateUser")
def create_user(call):
    name = call.input["UserName"]
    if name in call.place["users"]:
        raise Refusal("EntityAlreadyExists", f"User with name {name} already exists.", 409)
    item = {"Path": "/", "UserName": name, "UserId": _new("AIDA"), "CreateDate": call.now,
            "Arn": f"arn:aws:iam::{call.account}:user/{name}", "Tags": [], "_policies": {},
            "_attached": []}
    call.place["users"][name] = item
    return {"User": item}


@operation("iam", "GetUser")
def get_user(call):
    name = call.input.get("UserName") or call.caller.arn.rpartition("/")[2]
    return {"User": _get(call, "users", "user", name)}


@operation("iam", "DeleteUser")
def delete_user(call):
    _get(call, "users", "user", call.input["UserName"])
    del call.place["users"][call.input["UserName"]]
    return {}


@operation("iam", "CreateAccessKey")
def create_access_key(call):
    from ..world import Credentials
    user = _get(call, "users", "user",
                call.input.get("UserName") or call.caller.arn.rpartition("/")[2])
    credentials = Credentials("AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20),
                              call.account, user["Arn"], user["UserId"])
    call.world.credentials[credentials.key] = credentials
    return {"AccessKey": {"UserName": user["UserName"], "AccessKeyId": credentials.key,
                          "Status": "Active", "SecretAccessKey": credentials.secret,
                          "CreateDate": call.now}}


@operation("iam", "DeleteAccessKey")
def delete_access_key(call):
    credentials = call.world.credentials.pop(call.input["AccessKeyId"], None)
    if credentials is None:
        raise _missing("access key", call.input["AccessKeyId"])
    return {}


def _holder(call):
    if "RoleName" in call.input:
        return _get(call, "roles", "role", call.input["RoleName"])
    return _get(call, "users", "user", call.input["UserName"])


def _put_inline(call):
    _holder(call)["_policies"][call.input["PolicyName"]] = _document(call.input["PolicyDocument"])
    return {}


def _get_inline(call):
    found = _holder(call)["_policies"].get(call.input["PolicyName"])
    if found is None:
        raise _missing("policy", call.input["PolicyName"])
    key = "RoleName" if "RoleName" in call.input else "UserName"
    return {key: call.input[key], "PolicyName": call.input["PolicyName"],
            "PolicyDocument": quote(json.dumps(found))}


def _delete_inline(call):
    if _holder(call)["_policies"].pop(call.input["PolicyName"], None) is None:
        raise _missing("policy", call.input["PolicyName"])
    return {}


def _attach(call):
    arn = call.input["PolicyArn"]
    if not arn.startswith("arn:aws:iam::aws:policy/") and arn not in call.place["policies"]:
        raise _missing("policy", arn)
    holder = _holder(call)
    if arn not in holder["_attached"]:
        holder["_attached"].append(arn)
    return {}


def _detach(call):
    holder = _holder(call)
    if call.input["PolicyArn"] not in holder["_attached"]:
        raise _missing("policy", call.input["PolicyArn"])
    holder["_attached"].remove(call.input["PolicyArn"])
    return {}


for _kind in ("Role", "User"):
    operation("iam", f"Put{_kind}Policy")(_put_inline)
    operation("iam", f"Get{_kind}Policy")(_get_inline)
    operation("iam", f"Delete{_kind}Policy")(_delete_inline)
    operation("iam", f"Attach{_kind}Policy")(_attach)
    operation("iam", f"Detach{_kind}Policy")(_detach)
    operation("iam", f"List{_kind}Policies")(
        lambda call: {"PolicyNames": list(_holder(call)["_policies"]), "IsTruncated": False})
    operation("iam", f"ListAttached{_kind}Policies")(
        lambda call: {"AttachedPolicies": [
            {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
            for arn in _holder(call)["_attached"]], "IsTruncated": False})


@operation("iam", "CreatePolicy")
def create_policy(call):
    given = call.input
    arn = f"arn:aws:iam::{call.account}:policy{given.get('Path', '/')}{given['PolicyName']}"
    if arn in call.place["policies"]:
        raise Refusal("EntityAlreadyExists", f"A policy called {given['PolicyName']} already "
                      "exists.", 409)
    item = {"PolicyName": given["PolicyName"], "PolicyId": _new("ANPA"), "Arn": arn,
            "Path": given.get("Path", "/"), "DefaultVersionId": "v1", "AttachmentCount": 0,
            "IsAttachable": True, "CreateDate": call.now, "UpdateDate": call.now,
            "_document": _document(given["PolicyDocument"])}
    call.place["policies"][arn] = item
    return {"Policy": item}


@operation("iam", "GetPolicy")
def get_policy(call):
    return {"Policy": _get(call, "policies", "policy", call.input["PolicyArn"])}


@operation("iam", "GetPolicyVersion")
def get_policy_version(call):
    item = _get(call, "policies", "policy", call.input["PolicyArn"])
    return {"PolicyVersion": {"Document": quote(json.dumps(item["_document"])), "VersionId": "v1",
                              "IsDefaultVersion": True, "CreateDate": item["CreateDate"]}}


@operation("iam", "DeletePolicy")
def delete_policy(call):
    _get(call, "policies", "policy", call.input["PolicyArn"])
    del call.place["policies"][call.input["PolicyArn"]]
    return {}


def _shown_profile(call, item):
    return {**item, "Roles": [_shown_role(call.place["roles"][name]) for name in item["_roles"]
                              if name in call.place["roles"]]}


@operation("iam", "CreateInstanceProfile")
def create_instance_profile(call):
    name = call.input["InstanceProfileName"]
    if name in call.place["instance_profiles"]:
        raise Refusal("EntityAlreadyExists", f"Instance Profile {name} already exists.", 409)
    path = call.input.get("Path", "/")
    item = born(call, {
        "Path": path, "InstanceProfileName": name, "InstanceProfileId": _new("AIPA"),
        "Arn": f"arn:aws:iam::{call.account}:instance-profile{path}{name}",
        "CreateDate": call.now, "Tags": call.input.get("Tags", []), "_roles": []})
    call.place["instance_profiles"][name] = item
    return {"InstanceProfile": _shown_profile(call, item)}


def _profile(call):
    return _get(call, "instance_profiles", "instance profile", call.input["InstanceProfileName"])


@operation("iam", "GetInstanceProfile")
def get_instance_profile(call):
    return {"InstanceProfile": _shown_profile(call, _profile(call))}


@operation("iam", "DeleteInstanceProfile")
def delete_instance_profile(call):
    if _profile(call)["_roles"]:
        raise Refusal("DeleteConflict", "Cannot delete entity, must remove roles from instance "
                      "profile first.", 409)
    del call.place["instance_profiles"][call.input["InstanceProfileName"]]
    return {}


@operation("iam", "AddRoleToInstanceProfile")
def add_role_to_instance_profile(call):
    item = _profile(call)
    _get(call, "roles", "role", call.input["RoleName"])
    if item["_roles"]:
        raise Refusal("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile:"
                      " 1", 409)
    item["_roles"].append(call.input["RoleName"])
    return {}


@operation("iam", "RemoveRoleFromInstanceProfile")
def remove_role_from_instance_profile(call):
    item = _profile(call)
    if call.input["RoleName"] not in item["_roles"]:
        raise _missing("role", call.input["RoleName"])
    item["_roles"].remove(call.input["RoleName"])
    return {}


def _list(name, table, member, shown):
    def answer(call):
        items = [shown(call, item) for _, item in sorted(call.place[table].items())]
        found, token = page(call, items, call.input.get("MaxItems", 100), call.input.get("Marker"),
                            "ValidationError")
        return {member: found, "IsTruncated": token is not None, "Marker": token}
    operation("iam", name)(answer)


_list("ListRoles", "roles", "Roles", lambda call, item: _shown_role(item))
_list("ListUsers", "users", "Users", lambda call, item: item)
_list("ListPolicies", "policies", "Policies", lambda call, item: item)
_list("ListInstanceProfiles", "instance_profiles", "InstanceProfiles", _shown_profile)


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(call):
    given = call.input
    arn = given["PolicySourceArn"]
    account, kind = arn.split(":")[4], arn.split(":", 5)[5].partition("/")[0]
    place = call.world.place(account, "aws-global")
    holder = place["roles" if kind == "role" else "users"].get(arn.rpartition("/")[2])
    if holder is None:
        raise _missing(kind, arn)
    found = authorization.policies_of(call.world, place, holder)
    found += [_document(text) for text in given.get("PolicyInputList", ())]
    context = {entry["ContextKeyName"]: entry["ContextKeyValues"]
               for entry in given.get("ContextEntries", ())}
    results = []
    for action in given["ActionNames"]:
        for resource in given.get("ResourceArns", ["*"]):
            results.append({"EvalActionName": action, "EvalResourceName": resource,
                            "EvalDecision": policies.decide(found, action, resource, context),
                            "MatchedStatements": [], "MissingContextValues": []})
    return {"EvaluationResults": results, "IsTruncated": False}
