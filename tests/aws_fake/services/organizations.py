"""Organizations: accounts, units and who manages them."""

import hashlib
import json

from ..errors import Refusal
from ..paging import page
from . import operation


def arrange(world, given):
    """Makes the organization: {units: {name: [accounts]}, parents: {name: name of the unit that it is
    in}, states: {account: state}, left: [accounts], enabled_services: [...]}.

    The first account of the stand-in manages; accounts in no unit sit at the root. Arranging it again
    moves accounts, as they join, leave and are closed; what else was made of it stays.
    """
    before = world.organization
    management = world.seed_accounts[0]
    name = "o-" + hashlib.sha256(management.encode()).hexdigest()[:10]
    root = "r-" + name[2:6]
    units, paths, parents = {}, {}, {}
    outer = given.get("parents", {})

    def id_of(unit):
        return f"ou-{root[2:]}-" + hashlib.sha256(unit.encode()).hexdigest()[:8]

    def path_of(unit):
        above = path_of(outer[unit]) if unit in outer else f"{name}/{root}/"
        return above + id_of(unit) + "/"

    for account in world.accounts:
        if account in given.get("left", ()):
            continue
        paths[account] = f"{name}/{root}/"
        parents[account] = root
    for unit, accounts in given.get("units", {}).items():
        unit_id = id_of(unit)
        units[unit_id] = {"Id": unit_id, "Name": unit,
                          "_parent": id_of(outer[unit]) if unit in outer else root, "Arn":
                          f"arn:aws:organizations::{management}:ou/{name}/{unit_id}"}
        for account in accounts:
            if account not in world.accounts:
                raise ValueError(f"no account {account}")
            paths[account] = path_of(unit)
            parents[account] = unit_id
    world.organization = {
        "id": name, "arn": f"arn:aws:organizations::{management}:organization/{name}",
        "management": management, "root": root, "units": units, "paths": paths,
        "parents": parents, "enabled": list(given.get("enabled_services", ())),
        "states": dict(given.get("states", {})), "delegated": before.get("delegated", {}),
        "policies": before.get("policies", {})}
    return {"organization": world.organization["arn"],
            "units": {item["Name"]: item["Arn"] for item in units.values()}}


def _organization(call, manager=True):
    found = call.world.organization
    if not found or call.account not in found["paths"]:
        raise Refusal("AWSOrganizationsNotInUseException", "Your account is not a member of an "
                      "organization.")
    if manager and call.account != found["management"] and \
            call.account not in found["delegated"]:
        raise Refusal("AccessDeniedException", "You don't have permissions to access this "
                      "resource.")
    return found


# AWS Organizations API Reference, Account: Status is the older word, which knows less.
_STATUS = {"PENDING_ACTIVATION": "SUSPENDED", "CLOSED": "SUSPENDED"}


def _account(found, name):
    state = found["states"].get(name, "ACTIVE")
    return {"Id": name, "Arn": f"arn:aws:organizations::{found['management']}:account/"
            f"{found['id']}/{name}", "Name": f"account-{name}", "State": state,
            "Status": _STATUS.get(state, state), "Email": f"{name}@example.com",
            "JoinedMethod": "CREATED"}


@operation("organizations", "DescribeOrganization")
def describe_organization(call):
    found = _organization(call, manager=False)
    return {"Organization": {
        "Id": found["id"], "Arn": found["arn"], "FeatureSet": "ALL", "MasterAccountId":
        found["management"], "MasterAccountArn": _account(found, found["management"])["Arn"],
        "MasterAccountEmail": f"{found['management']}@example.com"}}


@operation("organizations", "ListRoots")
def list_roots(call):
    found = _organization(call)
    return {"Roots": [{"Id": found["root"], "Name": "Root", "PolicyTypes": [], "Arn":
                       f"arn:aws:organizations::{found['management']}:root/{found['id']}/"
                       f"{found['root']}"}]}


def _pages(call, items, member):
    chosen, token = page(call, items, min(call.input.get("MaxResults", 20), 20),
                         call.input.get("NextToken"), "InvalidInputException")
    return {member: chosen, "NextToken": token}


@operation("organizations", "ListAccounts")
def list_accounts(call):
    found = _organization(call)
    return _pages(call, [_account(found, name) for name in sorted(found["paths"])], "Accounts")


@operation("organizations", "DescribeAccount")
def describe_account(call):
    found = _organization(call)
    if call.input["AccountId"] not in found["paths"]:
        raise Refusal("AccountNotFoundException", "no such account")
    return {"Account": _account(found, call.input["AccountId"])}


def _parent(call, found):
    name = call.input["ParentId"]
    if name != found["root"] and name not in found["units"]:
        raise Refusal("ParentNotFoundException", f"no {name}")
    return name


@operation("organizations", "ListAccountsForParent")
def list_accounts_for_parent(call):
    found = _organization(call)
    parent = _parent(call, found)
    return _pages(call, [_account(found, name) for name in sorted(found["parents"])
                         if found["parents"][name] == parent], "Accounts")


@operation("organizations", "ListOrganizationalUnitsForParent")
def list_organizational_units_for_parent(call):
    found = _organization(call)
    parent = _parent(call, found)
    return _pages(call, [item for item in found["units"].values() if item["_parent"] == parent],
                  "OrganizationalUnits")


@operation("organizations", "DescribeOrganizationalUnit")
def describe_organizational_unit(call):
    found = _organization(call)
    item = found["units"].get(call.input["OrganizationalUnitId"])
    if item is None:
        raise Refusal("OrganizationalUnitNotFoundException", "no such unit")
    return {"OrganizationalUnit": item}


@operation("organizations", "ListParents")
def list_parents(call):
    found = _organization(call)
    child = call.input["ChildId"]
    if child in found["units"]:
        return {"Parents": [{"Id": found["units"][child]["_parent"], "Type": "ROOT"}]}
    if child not in found["parents"]:
        raise Refusal("ChildNotFoundException", "no such child")
    parent = found["parents"][child]
    return {"Parents": [{"Id": parent, "Type": "ROOT" if parent == found["root"] else
                         "ORGANIZATIONAL_UNIT"}]}


@operation("organizations", "EnableAWSServiceAccess")
def enable_aws_service_access(call):
    found = _organization(call)
    if call.input["ServicePrincipal"] not in found["enabled"]:
        found["enabled"].append(call.input["ServicePrincipal"])
    return {}


@operation("organizations", "ListAWSServiceAccessForOrganization")
def list_aws_service_access(call):
    return {"EnabledServicePrincipals": [{"ServicePrincipal": name}
                                         for name in _organization(call)["enabled"]]}


@operation("organizations", "RegisterDelegatedAdministrator")
def register_delegated_administrator(call):
    _organization(call)["delegated"].setdefault(call.input["AccountId"], []).append(
        call.input["ServicePrincipal"])
    return {}


_POLICY_TYPES = ("SERVICE_CONTROL_POLICY", "DECLARATIVE_POLICY_EC2")
# Organizations User Guide, "Quotas for AWS Organizations".
_MOST_CHARACTERS = {"SERVICE_CONTROL_POLICY": 5120, "DECLARATIVE_POLICY_EC2": 10000}


def _check_policy(kind, content):
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict) or \
            kind == "DECLARATIVE_POLICY_EC2" and list(document) != ["ec2_attributes"]:
        raise Refusal("MalformedPolicyDocumentException", "The provided policy document does not "
                      "meet the requirements of the specified policy type.")
    if len(content) > _MOST_CHARACTERS[kind]:
        raise Refusal("ConstraintViolationException", "The policy document is too long.")


def _policy(call):
    found = _organization(call)["policies"].get(call.input["PolicyId"])
    if found is None:
        raise Refusal("PolicyNotFoundException", "We can't find a policy with the PolicyId that you "
                      "specified.")
    return found


@operation("organizations", "CreatePolicy")
def create_policy(call):
    found = _organization(call)
    kind = call.input["Type"]
    if kind not in _POLICY_TYPES:
        raise Refusal("InvalidInputException", f"{kind} is not known here")
    _check_policy(kind, call.input["Content"])
    name = f"p-{len(found['policies']):010d}"
    found["policies"][name] = {"Content": call.input["Content"], "PolicySummary": {
        "Id": name, "Name": call.input["Name"], "Description": call.input["Description"],
        "Type": kind, "AwsManaged": False,
        "Arn": f"arn:aws:organizations::{found['management']}:policy/{found['id']}/{name}"}}
    return {"Policy": found["policies"][name]}


@operation("organizations", "DescribePolicy")
def describe_policy(call):
    return {"Policy": _policy(call)}


@operation("organizations", "UpdatePolicy")
def update_policy(call):
    found = _policy(call)
    if "Content" in call.input:
        _check_policy(found["PolicySummary"]["Type"], call.input["Content"])
        found["Content"] = call.input["Content"]
    return {"Policy": found}
