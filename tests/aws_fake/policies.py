"""IAM policies, evaluated (IAM User Guide, "Policy evaluation logic").

Allow and Deny, Action/NotAction, Resource/NotResource with wildcards, principals, and the
conditions StringEquals, StringLike, their negations, ArnLike, ArnEquals, Bool, Null, with IfExists
and ForAllValues/ForAnyValue. Any other condition operator refuses the statement.
"""

import fnmatch
import functools
import re


@functools.lru_cache(maxsize=4096)
def _pattern(text):
    return re.compile(fnmatch.translate(text.replace("[", "[[]")), re.DOTALL)


def like(pattern, text):
    return _pattern(pattern).match(text) is not None


def _list(value):
    return value if isinstance(value, list) else [value]


def statements(policy):
    return _list(policy.get("Statement", []))


def decide(policies, action, resource, context):
    """'allowed', 'explicitDeny' or 'implicitDeny' by identity policies.

    `resource` None: not known, fits every Resource.
    """
    allowed = False
    for policy in policies:
        for statement in statements(policy):
            if not _action_fits(statement, action) or not _resource_fits(statement, resource):
                continue
            if not conditions_hold(statement.get("Condition", {}), context):
                continue
            if statement.get("Effect") == "Deny":
                return "explicitDeny"
            allowed = True
    return "allowed" if allowed else "implicitDeny"


def resource_policy(policy, action, resource, account, arn, context):
    """'allowed', 'explicitDeny' or 'implicitDeny' by a policy that names principals."""
    allowed = False
    for statement in statements(policy):
        if not _action_fits(statement, action):
            continue
        if resource is not None and not _resource_fits(statement, resource):
            continue
        if not principal_fits(statement, account, arn):
            continue
        if not conditions_hold(statement.get("Condition", {}), context):
            continue
        if statement.get("Effect") == "Deny":
            return "explicitDeny"
        allowed = True
    return "allowed" if allowed else "implicitDeny"


def principal_fits(statement, account, arn):
    principal = statement.get("Principal")
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    for name in _list(principal.get("AWS", [])):
        if name in ("*", account, f"arn:aws:iam::{account}:root", arn):
            return True
        session = re.match(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/", arn)
        if session and re.fullmatch(
                rf"arn:aws:iam::{session.group(1)}:role/(.*/)?{re.escape(session.group(2))}", name):
            return True
    return False


def _action_fits(statement, action):
    if "Action" in statement:
        return any(like(pattern.lower(), action.lower()) for pattern in _list(statement["Action"]))
    if "NotAction" in statement:
        return not any(like(pattern.lower(), action.lower())
                       for pattern in _list(statement["NotAction"]))
    return False


def _resource_fits(statement, resource):
    if resource is None:
        return True
    if "Resource" in statement:
        return any(like(pattern, resource) for pattern in _list(statement["Resource"]))
    if "NotResource" in statement:
        return not any(like(pattern, resource) for pattern in _list(statement["NotResource"]))
    return "Principal" in statement


def conditions_hold(conditions, context):
    lowered = {name.lower(): value for name, value in context.items()}
    for operator, block in conditions.items():
        for key, wanted in block.items():
            if not _holds(operator, lowered.get(key.lower()), [str(item).lower() if
                          isinstance(item, bool) else str(item) for item in _list(wanted)]):
                return False
    return True


def _holds(operator, found, wanted):
    quantity, _, plain = operator.rpartition(":")
    optional = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    if plain == "Null":
        return (found is None) == (wanted[0].lower() == "true")
    if found is None:
        return optional or quantity == "ForAllValues" or plain.startswith("StringNot")
    values = [str(item).lower() if isinstance(item, bool) else str(item) for item in _list(found)]
    tests = {
        "StringEquals": lambda value: value in wanted,
        "StringNotEquals": lambda value: value not in wanted,
        "StringEqualsIgnoreCase": lambda value: value.lower() in [w.lower() for w in wanted],
        "StringLike": lambda value: any(like(w, value) for w in wanted),
        "StringNotLike": lambda value: not any(like(w, value) for w in wanted),
        "ArnEquals": lambda value: any(like(w, value) for w in wanted),
        "ArnLike": lambda value: any(like(w, value) for w in wanted),
        "Bool": lambda value: value.lower() in [w.lower() for w in wanted],
    }
    test = tests.get(plain)
    if test is None:
        return False
    if quantity == "ForAnyValue":
        return any(test(value) for value in values)
    return all(test(value) for value in values)
