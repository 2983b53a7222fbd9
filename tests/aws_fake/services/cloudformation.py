"""CloudFormation: stacks made at once from the stand-in's own services, and shown in their time."""

import json
import uuid

from .. import services
from ..errors import Refusal
from ..paging import page
from ..world import Call
from . import operation, stack_resources, templates


class _Do:
    """Calls the stand-in's operations in the name of whoever called CloudFormation."""

    def __init__(self, call):
        self._call = call
        self.region = call.region

    def arn(self, service, rest):
        return self._call.arn(service, rest)

    def __call__(self, service, name, **given):
        call = self._call
        region = "aws-global" if service in ("iam", "organizations") else call.region
        inner = Call(call.world, service, name, call.account, region, call.caller,
                     call.request_id)
        inner.raw = call.raw
        inner.input = given
        return services.handler(service, name).function(inner)


def _template(call):
    given = call.input
    if "TemplateBody" in given:
        if len(given["TemplateBody"].encode()) > 51200:
            raise Refusal("ValidationError", "1 validation error detected: Value at 'templateBody' "
                          "failed to satisfy constraint: Member must have length less than or "
                          "equal to 51200")
        return given["TemplateBody"]
    if "TemplateURL" in given:
        from . import servicecatalog
        try:
            return servicecatalog.template_at(call, given["TemplateURL"])
        except Refusal as refusal:
            raise Refusal("ValidationError", refusal.message) from None
    raise Refusal("ValidationError", "Either Template URL or Template Body must be specified.")


def _given_parameters(call, before=None):
    found = {}
    for entry in call.input.get("Parameters", ()):
        if entry.get("UsePreviousValue") and before is not None:
            found[entry["ParameterKey"]] = before["_given"].get(entry["ParameterKey"])
        else:
            found[entry["ParameterKey"]] = entry.get("ParameterValue", "")
    return {name: value for name, value in found.items() if value is not None}


def _check_capabilities(call, document):
    named = False
    needed = False
    for item in document["Resources"].values():
        if item.get("Type", "").startswith("AWS::IAM::"):
            needed = True
            named = named or any(name in item.get("Properties", {}) for name in (
                "RoleName", "InstanceProfileName", "ManagedPolicyName", "UserName"))
    given = set(call.input.get("Capabilities", ()))
    if needed and not given & ({"CAPABILITY_NAMED_IAM"} if named else
                               {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}):
        wanted = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        raise Refusal("InsufficientCapabilitiesException", f"Requires capabilities : [{wanted}]")


def deploy(call, name, text, given, tags):
    """Makes the stack; it shows its outcome when its delay has passed."""
    document = templates.parse(text)
    stack_resources.check_types(document["Resources"])
    values = templates.parameter_values(call, document, given)
    stack_id = call.arn("cloudformation", f"stack/{name}/{uuid.uuid4()}")
    stack = {"StackId": stack_id, "StackName": name, "CreationTime": call.now,
             "StackStatus": "CREATE_IN_PROGRESS", "Outputs": [], "DisableRollback": False,
             "Capabilities": call.input.get("Capabilities", []), "Tags": list(tags),
             "Description": document.get("Description"), "Parameters": [
                 {"ParameterKey": key, "ParameterValue": value if isinstance(value, str)
                  else json.dumps(value)} for key, value in given.items()],
             "_given": given, "_template": text, "_resources": {}, "_events": [],
             "_due": call.world.due("stack"), "_aim": "CREATE_COMPLETE"}
    call.place["stacks"][name] = stack
    _event(call, stack, name, stack_id, "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS",
           "User Initiated")
    try:
        reason = call.world.failure("stack", call)
        if reason:
            raise Refusal("InternalFailure", reason)
        _make(call, stack, document, values)
    except (Refusal, KeyError, TypeError, IndexError) as error:
        reason = error.message if isinstance(error, Refusal) else f"Property validation: {error!r}"
        _undo(call, stack)
        stack["_aim"] = "ROLLBACK_COMPLETE"
        stack["StackStatusReason"] = f"The following resource(s) failed to create: {reason}"
    settle(call, stack)
    return stack


def _event(call, stack, logical, physical, kind, status, reason=None):
    stack["_events"].insert(0, {
        "StackId": stack["StackId"], "EventId": str(uuid.uuid4()), "StackName": stack["StackName"],
        "LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind,
        "Timestamp": call.now, "ResourceStatus": status, "ResourceStatusReason": reason})


def _resolver(call, stack, document, values):
    resolver = templates.Resolver(call, document, values, stack["StackName"], stack["StackId"])
    for logical, item in stack["_resources"].items():
        resolver.made[logical] = (item["PhysicalResourceId"].split("|")[0]
                                  if item["ResourceType"] == "AWS::EC2::EIP" else
                                  item["PhysicalResourceId"], item["_attributes"])
    return resolver


def _make(call, stack, document, values):
    """Makes what the stack does not have yet; then its outputs."""
    resolver = _resolver(call, stack, document, values)
    do = _Do(call)
    for logical in templates.order(document["Resources"]):
        item = document["Resources"][logical]
        if logical in stack["_resources"] or (
                "Condition" in item and not resolver.condition(item["Condition"])):
            continue
        maker, _ = stack_resources.TYPES[item["Type"]]
        try:
            properties = resolver.value(item.get("Properties", {}))
            physical, attributes = maker(do, properties, logical, stack["StackName"])
        except Refusal as refusal:
            _event(call, stack, logical, "", item["Type"], "CREATE_FAILED", refusal.message)
            raise Refusal(refusal.code, f"[{logical}]. {refusal.code}: {refusal.message}") from None
        resolver.made[logical] = (physical.split("|")[0] if item["Type"] == "AWS::EC2::EIP"
                                  else physical, attributes)
        stack["_resources"][logical] = {
            "StackId": stack["StackId"], "StackName": stack["StackName"],
            "LogicalResourceId": logical, "PhysicalResourceId": physical,
            "ResourceType": item["Type"], "Timestamp": call.now,
            "ResourceStatus": "CREATE_COMPLETE", "_attributes": attributes,
            "_retain": item.get("DeletionPolicy") == "Retain", "_text": json.dumps(
                item.get("Properties", {}), sort_keys=True)}
        _event(call, stack, logical, physical, item["Type"], "CREATE_COMPLETE")
    stack["Outputs"] = []
    for key, item in document.get("Outputs", {}).items():
        if "Condition" in item and not resolver.condition(item["Condition"]):
            continue
        output = {"OutputKey": key, "OutputValue": str(resolver.value(item["Value"])),
                  "Description": item.get("Description")}
        if "Export" in item:
            output["ExportName"] = resolver.value(item["Export"]["Name"])
        stack["Outputs"].append(output)


def _undo(call, stack, only=None):
    """Removes the stack's resources, the last first. The logical name of one that would not go."""
    do = _Do(call)
    for logical, item in reversed(list(stack["_resources"].items())):
        if only is not None and logical not in only:
            continue
        remover = stack_resources.TYPES[item["ResourceType"]][1]
        if remover is not None and not item["_retain"]:
            try:
                remover(do, item["PhysicalResourceId"])
            except Refusal as refusal:
                if "NotFound" not in refusal.code and "NoSuch" not in refusal.code:
                    return f"[{logical}]. {refusal.message}"
        del stack["_resources"][logical]
    return None


def settle(call, stack):
    if stack["StackStatus"].endswith("_IN_PROGRESS") and \
            call.world.is_due(stack["_due"], look=True):
        stack["StackStatus"] = stack["_aim"]
        _event(call, stack, stack["StackName"], stack["StackId"], "AWS::CloudFormation::Stack",
               stack["_aim"], stack.get("StackStatusReason"))


def remove(call, stack):
    if stack is None:
        return
    reason = _undo(call, stack)
    stack["StackStatus"] = "DELETE_IN_PROGRESS"
    stack["_aim"] = "DELETE_FAILED" if reason else "DELETE_COMPLETE"
    stack["_due"] = call.world.due("stack")
    if reason:
        stack["StackStatusReason"] = f"The following resource(s) failed to delete: {reason}"
    elif stack["StackName"] in call.place["stacks"]:
        call.place["deleted_stacks"][stack["StackId"]] = stack
        del call.place["stacks"][stack["StackName"]]


def _find(call, name, deleted=False):
    stack = call.place["stacks"].get(name)
    if stack is None:
        stack = next((one for one in call.place["stacks"].values() if one["StackId"] == name), None)
    if stack is None and deleted:
        stack = call.place["deleted_stacks"].get(name)
    if stack is None:
        raise Refusal("ValidationError", f"Stack with id {name} does not exist")
    settle(call, stack)
    return stack


@operation("cloudformation", "CreateStack")
def create_stack(call):
    given = call.input

    def create():
        if given["StackName"] in call.place["stacks"]:
            raise Refusal("AlreadyExistsException", f"Stack [{given['StackName']}] already exists")
        text = _template(call)
        _check_capabilities(call, templates.parse(text))
        stack = deploy(call, given["StackName"], text, _given_parameters(call),
                       given.get("Tags", []))
        return {"StackId": stack["StackId"]}

    return call.world.once(call, given.get("ClientRequestToken"), create,
                           "TokenAlreadyExistsException")


def _update(call, stack, text, given):
    document = templates.parse(text)
    stack_resources.check_types(document["Resources"])
    values = templates.parameter_values(call, document, given)
    if text == stack["_template"] and given == stack["_given"]:
        raise Refusal("ValidationError", "No updates are to be performed.")
    changed = _changes(call, stack, document, given, values)
    reason = _undo(call, stack, {name for name, kind in changed if kind != "Add"})
    stack.update(_template=text, _given=given, LastUpdatedTime=call.now,
                 StackStatus="UPDATE_IN_PROGRESS", _due=call.world.due("stack"),
                 _aim="UPDATE_COMPLETE")
    try:
        if reason:
            raise Refusal("InternalFailure", reason)
        _make(call, stack, document, values)
    except Refusal as refusal:
        stack["_aim"] = "UPDATE_ROLLBACK_COMPLETE"
        stack["StackStatusReason"] = refusal.message
    settle(call, stack)


def _changes(call, stack, document, given, values):
    """[(logical name, Add | Modify | Remove)]. A changed parameter counts where it is named."""
    resolver = templates.Resolver(call, document, values, "", "")
    wanted = {logical: item for logical, item in document["Resources"].items()
              if "Condition" not in item or resolver.condition(item["Condition"])}
    touched = {key for key in set(given) | set(stack["_given"])
               if given.get(key) != stack["_given"].get(key)}
    found = []
    for logical, item in wanted.items():
        if logical not in stack["_resources"]:
            found.append((logical, "Add"))
            continue
        text = json.dumps(item.get("Properties", {}), sort_keys=True)
        if text != stack["_resources"][logical]["_text"] or any(
                f'"{key}"' in text or "${" + key + "}" in text for key in touched):
            found.append((logical, "Modify"))
    found += [(logical, "Remove") for logical in stack["_resources"]
              if logical not in wanted]
    return found


@operation("cloudformation", "UpdateStack")
def update_stack(call):
    stack = _find(call, call.input["StackName"])
    text = stack["_template"] if call.input.get("UsePreviousTemplate") else _template(call)
    _check_capabilities(call, templates.parse(text))
    _update(call, stack, text, _given_parameters(call, stack))
    return {"StackId": stack["StackId"]}


@operation("cloudformation", "DeleteStack")
def delete_stack(call):
    try:
        remove(call, _find(call, call.input["StackName"]))
    except Refusal as refusal:
        if "does not exist" not in refusal.message:
            raise
    return {}


@operation("cloudformation", "DescribeStacks")
def describe_stacks(call):
    name = call.input.get("StackName")
    items = [_find(call, name, deleted=True)] if name else list(call.place["stacks"].values())
    for stack in items:
        settle(call, stack)
    found, token = page(call, items, 100, call.input.get("NextToken"))
    return {"Stacks": found, "NextToken": token}


@operation("cloudformation", "DescribeStackEvents")
def describe_stack_events(call):
    stack = _find(call, call.input.get("StackName"), deleted=True)
    found, token = page(call, stack["_events"], 100, call.input.get("NextToken"))
    return {"StackEvents": found, "NextToken": token}


@operation("cloudformation", "DescribeStackResources")
def describe_stack_resources(call):
    stack = _find(call, call.input.get("StackName"))
    return {"StackResources": list(stack["_resources"].values())}


@operation("cloudformation", "ListStackResources")
def list_stack_resources(call):
    stack = _find(call, call.input["StackName"])
    return {"StackResourceSummaries": [
        {"LogicalResourceId": item["LogicalResourceId"], "ResourceType": item["ResourceType"],
         "PhysicalResourceId": item["PhysicalResourceId"], "ResourceStatus": item["ResourceStatus"],
         "LastUpdatedTimestamp": item["Timestamp"]} for item in stack["_resources"].values()]}


@operation("cloudformation", "GetTemplate")
def get_template(call):
    return {"TemplateBody": _find(call, call.input["StackName"])["_template"],
            "StagesAvailable": ["Original", "Processed"]}


@operation("cloudformation", "ValidateTemplate")
def validate_template(call):
    document = templates.parse(_template(call))
    stack_resources.check_types(document["Resources"])
    templates.order(document["Resources"])
    return {"Description": document.get("Description"), "Parameters": [
        {"ParameterKey": key, "DefaultValue": str(spec["Default"]) if "Default" in spec else None,
         "NoEcho": bool(spec.get("NoEcho")), "Description": spec.get("Description")}
        for key, spec in document.get("Parameters", {}).items()]}


@operation("cloudformation", "CreateChangeSet")
def create_change_set(call):
    given = call.input
    name = given["StackName"]
    stack = call.place["stacks"].get(name)
    text = stack["_template"] if stack and given.get("UsePreviousTemplate") else _template(call)
    document = templates.parse(text)
    stack_resources.check_types(document["Resources"])
    _check_capabilities(call, document)
    values = _given_parameters(call, stack)
    changes = _changes(call, stack or {"_given": values, "_resources": {}}, document, values,
                       templates.parameter_values(call, document, values))
    arn = call.arn("cloudformation", f"changeSet/{given['ChangeSetName']}/{uuid.uuid4()}")
    call.place["change_sets"][arn] = {
        "ChangeSetName": given["ChangeSetName"], "ChangeSetId": arn, "StackName": name,
        "StackId": stack["StackId"] if stack else call.arn("cloudformation", f"stack/{name}/new"),
        "CreationTime": call.now, "ExecutionStatus": "AVAILABLE" if changes else "UNAVAILABLE",
        "Status": "CREATE_COMPLETE" if changes else "FAILED", "StatusReason": None if changes else
        "The submitted information didn't contain changes.", "Changes": [
            {"Type": "Resource", "ResourceChange": {
                "Action": kind, "LogicalResourceId": logical, "ResourceType":
                document["Resources"].get(logical, {}).get("Type") or
                stack["_resources"][logical]["ResourceType"]}} for logical, kind in changes],
        "_template": text, "_values": values, "_tags": given.get("Tags", [])}
    return {"Id": arn, "StackId": call.place["change_sets"][arn]["StackId"]}


def _change_set(call):
    wanted = call.input["ChangeSetName"]
    for arn, item in call.place["change_sets"].items():
        if wanted in (arn, item["ChangeSetName"]):
            return item
    raise Refusal("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)


@operation("cloudformation", "DescribeChangeSet")
def describe_change_set(call):
    return _change_set(call)


@operation("cloudformation", "ExecuteChangeSet")
def execute_change_set(call):
    item = _change_set(call)
    if item["ExecutionStatus"] != "AVAILABLE":
        raise Refusal("InvalidChangeSetStatus", "the change set can not be executed")
    stack = call.place["stacks"].get(item["StackName"])
    if stack is None:
        deploy(call, item["StackName"], item["_template"], item["_values"], item["_tags"])
    else:
        _update(call, stack, item["_template"], item["_values"])
    item["ExecutionStatus"] = "EXECUTE_COMPLETE"
    return {}


@operation("cloudformation", "DeleteChangeSet")
def delete_change_set(call):
    call.place["change_sets"].pop(_change_set(call)["ChangeSetId"], None)
    return {}
