"""EventBridge: rules and targets; events are kept, and nothing is run by them."""

import json
import re
import uuid

from ..errors import Refusal
from ..paging import page
from . import operation


@operation("events", "PutRule")
def put_rule(call):
    given = call.input
    if "ScheduleExpression" not in given and "EventPattern" not in given:
        raise Refusal("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must "
                      "be specified.")
    schedule = given.get("ScheduleExpression", "rate(1 day)")
    if not re.fullmatch(r"rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)", schedule):
        raise Refusal("ValidationException", "Parameter ScheduleExpression is not valid.")
    if "EventPattern" in given:
        try:
            json.loads(given["EventPattern"])
        except ValueError:
            raise Refusal("InvalidEventPatternException", "Event pattern is not valid.") from None
    name = given["Name"]
    item = {"Name": name, "Arn": call.arn("events", f"rule/{name}"), "EventBusName": "default",
            "State": given.get("State", "ENABLED"), "_targets":
            call.place["rules"].get(name, {}).get("_targets", {})}
    item.update({key: given[key] for key in ("ScheduleExpression", "EventPattern", "Description",
                                             "RoleArn") if key in given})
    call.place["rules"][name] = item
    return {"RuleArn": item["Arn"]}


def _rule(call, name):
    item = call.place["rules"].get(name)
    if item is None:
        raise Refusal("ResourceNotFoundException", f"Rule {name} does not exist on EventBus "
                      "default.")
    return item


@operation("events", "DescribeRule")
def describe_rule(call):
    item = _rule(call, call.input["Name"])
    return dict(item)


@operation("events", "ListRules")
def list_rules(call):
    items = [item for name, item in sorted(call.place["rules"].items())
             if name.startswith(call.input.get("NamePrefix", ""))]
    found, token = page(call, items, call.input.get("Limit"), call.input.get("NextToken"))
    return {"Rules": found, "NextToken": token}


@operation("events", "DeleteRule")
def delete_rule(call):
    item = call.place["rules"].get(call.input["Name"])
    if item is not None and item["_targets"]:
        raise Refusal("ValidationException", "Rule can't be deleted since it has targets.")
    call.place["rules"].pop(call.input["Name"], None)
    return {}


def _switch(state):
    def change(call):
        _rule(call, call.input["Name"])["State"] = state
        return {}
    return change


operation("events", "EnableRule")(_switch("ENABLED"))
operation("events", "DisableRule")(_switch("DISABLED"))


@operation("events", "PutTargets")
def put_targets(call):
    item = _rule(call, call.input["Rule"])
    changed = {**item["_targets"], **{target["Id"]: target for target in call.input["Targets"]}}
    if len(changed) > 5:
        raise Refusal("LimitExceededException", "The requested resource exceeds the maximum number "
                      "allowed: 5 targets.")
    item["_targets"] = changed
    return {"FailedEntryCount": 0, "FailedEntries": []}


@operation("events", "ListTargetsByRule")
def list_targets_by_rule(call):
    return {"Targets": list(_rule(call, call.input["Rule"])["_targets"].values())}


@operation("events", "RemoveTargets")
def remove_targets(call):
    item = _rule(call, call.input["Rule"])
    for name in call.input["Ids"]:
        item["_targets"].pop(name, None)
    return {"FailedEntryCount": 0, "FailedEntries": []}


@operation("events", "PutEvents")
def put_events(call):
    answers = []
    for entry in call.input["Entries"]:
        name = str(uuid.uuid4())
        call.place["events"][name] = entry
        answers.append({"EventId": name})
    return {"FailedEntryCount": 0, "Entries": answers}
