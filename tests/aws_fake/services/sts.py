"""AWS STS: who one is, and becoming somebody else (STS API Reference, AssumeRole)."""

import json
import secrets

from .. import authorization, policies
from ..errors import Refusal
from ..world import Credentials
from . import operation


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call):
    return {"UserId": call.caller.user_id, "Account": call.account, "Arn": call.caller.arn}


@operation("sts", "GetAccessKeyInfo")
def get_access_key_info(call):
    credentials = call.world.credentials.get(call.input["AccessKeyId"])
    if credentials is None:
        raise Refusal("ValidationError", "Request Access Key is Invalid")
    return {"Account": credentials.account}


@operation("sts", "AssumeRole")
def assume_role(call):
    world, given = call.world, call.input
    arn = given["RoleArn"]
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise Refusal("ValidationError", f"{arn} is invalid")
    role = _role(world, parts[4], parts[5].rpartition("/")[2])

    def denied():
        raise Refusal("AccessDenied", f"User: {call.caller.arn} is not authorized to perform: "
                      f"sts:AssumeRole on resource: {arn}", 403)

    if role is None or role["Arn"] != arn:
        denied()
    extra = {}
    if "ExternalId" in given:
        extra["sts:ExternalId"] = given["ExternalId"]
    if "RoleSessionName" in given:
        extra["sts:RoleSessionName"] = given["RoleSessionName"]
    context = authorization.context_of(world, call.caller, call.region, extra)
    trust = json.loads(role["_trust"])
    decision = policies.resource_policy(trust, "sts:AssumeRole", None, call.account,
                                        call.caller.arn, context)
    if decision != "allowed":
        denied()
    if call.account != parts[4]:
        # Across accounts the caller's own policies must allow it as well.
        own = authorization.identity_policies(world, call.caller)
        if own is not None and policies.decide(own, "sts:AssumeRole", arn, context) != "allowed":
            denied()
    duration = given.get("DurationSeconds", 3600)
    if call.caller.role and duration > 3600:
        raise Refusal("ValidationError", "The requested DurationSeconds exceeds the 1 hour session "
                      "limit for roles assumed by role chaining")
    if duration > role["MaxSessionDuration"]:
        raise Refusal("ValidationError", "The requested DurationSeconds exceeds the "
                      "MaxSessionDuration set for this role.")
    session_policies = []
    if "Policy" in given:
        if len(given["Policy"]) > 2048:
            raise Refusal("PackedPolicyTooLarge", "the session policy is too large")
        try:
            session_policies.append(json.loads(given["Policy"]))
        except ValueError:
            raise Refusal("MalformedPolicyDocument", "the session policy is no JSON") from None
    return _session(call, parts[4], role, given["RoleSessionName"], duration, session_policies)


@operation("sts", "AssumeRoleWithWebIdentity")
def assume_role_with_web_identity(call):
    """Any token is good whose text is not `expired` or `bad`: no provider is behind it."""
    given = call.input
    token = given["WebIdentityToken"]
    if token.strip() == "expired":
        raise Refusal("ExpiredTokenException", "Token expired")
    if token.strip() == "bad":
        raise Refusal("InvalidIdentityToken", "Couldn't retrieve verification key")
    account = given["RoleArn"].split(":")[4]
    role = _role(call.world, account, given["RoleArn"].rpartition("/")[2])
    if role is None or "sts:AssumeRoleWithWebIdentity" not in role["_trust"]:
        raise Refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    answer = _session(call, account, role, given["RoleSessionName"],
                      given.get("DurationSeconds", 3600), [])
    answer["SubjectFromWebIdentityToken"] = "subject"
    return answer


@operation("sts", "GetSessionToken")
def get_session_token(call):
    duration = call.input.get("DurationSeconds", 43200)
    if call.caller.token:
        raise Refusal("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
    credentials = _issue(call.world, call.account, call.caller.arn, call.caller.user_id, duration)
    return {"Credentials": _shown(credentials)}


def _role(world, account, name):
    return world.place(account, "aws-global")["roles"].get(name)


def _session(call, account, role, name, duration, session_policies):
    arn = f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{name}"
    credentials = _issue(call.world, account, arn, f"{role['RoleId']}:{name}", duration,
                         session_policies, role["RoleName"])
    return {"Credentials": _shown(credentials),
            "AssumedRoleUser": {"AssumedRoleId": credentials.user_id, "Arn": arn}}


def _issue(world, account, arn, user_id, duration, session_policies=(), role=None):
    credentials = Credentials(
        "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), account, arn, user_id,
        secrets.token_urlsafe(120), world.clock.now() + duration, session_policies, role)
    world.credentials[credentials.key] = credentials
    return credentials


def _shown(credentials):
    return {"AccessKeyId": credentials.key, "SecretAccessKey": credentials.secret,
            "SessionToken": credentials.token, "Expiration": int(credentials.expires)}
