"""AWS Config: rules, evaluations and their compliance."""

import json

from ..errors import Refusal
from ..paging import page
from . import operation


@operation("config", "PutConfigRule")
def put_config_rule(call):
    rule = dict(call.input["ConfigRule"])
    name = rule.get("ConfigRuleName")
    if not name:
        raise Refusal("InvalidParameterValueException", "ConfigRuleName is missing")
    source = rule["Source"]
    if source["Owner"] == "CUSTOM_LAMBDA":
        function = source.get("SourceIdentifier", "").rpartition(":")[2]
        if function not in call.place["functions"]:
            raise Refusal("InsufficientPermissionsException", "The AWS Lambda function can not be "
                          "invoked: it does not exist or has no permission for Config")
    if "InputParameters" in rule:
        try:
            json.loads(rule["InputParameters"])
        except ValueError:
            raise Refusal("InvalidParameterValueException", "InputParameters is no JSON") from None
    known = call.place["config_rules"].get(name)
    rule.setdefault("ConfigRuleArn", call.arn("config", f"config-rule/config-rule-{name}"))
    rule.setdefault("ConfigRuleId", f"config-rule-{name}")
    rule["ConfigRuleState"] = "ACTIVE"
    rule["_evaluations"] = known["_evaluations"] if known else {}
    call.place["config_rules"][name] = rule
    return {}


def _rule(call, name):
    rule = call.place["config_rules"].get(name)
    if rule is None:
        raise Refusal("NoSuchConfigRuleException", f"The ConfigRule '{name}' provided in the "
                      "request is invalid.")
    return rule


@operation("config", "DescribeConfigRules")
def describe_config_rules(call):
    names = call.input.get("ConfigRuleNames")
    items = [_rule(call, name) for name in names] if names else \
        list(call.place["config_rules"].values())
    found, token = page(call, items, 25, call.input.get("NextToken"))
    return {"ConfigRules": found, "NextToken": token}


@operation("config", "DeleteConfigRule")
def delete_config_rule(call):
    _rule(call, call.input["ConfigRuleName"])
    del call.place["config_rules"][call.input["ConfigRuleName"]]
    return {}


def _token_rule(call):
    """The rule that a result token, `rule:NAME`, stands for."""
    token = call.input["ResultToken"]
    if call.input.get("TestMode"):
        return None
    kind, _, name = token.partition(":")
    if kind != "rule" or name not in call.place["config_rules"]:
        raise Refusal("InvalidResultTokenException", "The result token is invalid")
    return call.place["config_rules"][name]


@operation("config", "PutEvaluations")
def put_evaluations(call):
    rule = _token_rule(call)
    for entry in call.input.get("Evaluations", ()):
        if entry["ComplianceType"] == "INSUFFICIENT_DATA":
            raise Refusal("InvalidParameterValueException", "INSUFFICIENT_DATA can not be put")
        if rule is not None:
            key = (entry["ComplianceResourceType"], entry["ComplianceResourceId"])
            known = rule["_evaluations"].get(key)
            if known is None or known["OrderingTimestamp"] <= entry["OrderingTimestamp"]:
                rule["_evaluations"][key] = dict(entry)
    return {"FailedEvaluations": []}


@operation("config", "PutExternalEvaluation")
def put_external_evaluation(call):
    rule = _rule(call, call.input["ConfigRuleName"])
    if rule["Source"].get("SourceIdentifier") != "AWS_CONFIG_PROCESS_CHECK":
        raise Refusal("InvalidParameterValueException", f"The ConfigRule {rule['ConfigRuleName']} "
                      "is not a process check rule.")
    entry = call.input["ExternalEvaluation"]
    if entry["ComplianceResourceType"] != "AWS::::Account" or \
            entry["ComplianceResourceId"] != call.account:
        raise Refusal("InvalidParameterValueException", "Only this AWS::::Account can be evaluated")
    rule["_evaluations"][(entry["ComplianceResourceType"], entry["ComplianceResourceId"])] = entry
    return {}


@operation("config", "GetResourceConfigHistory")
def get_resource_config_history(call):
    """Only what a machine is like now."""
    item = call.place["instances"].get(call.input["resourceId"]) \
        if call.input["resourceType"] == "AWS::EC2::Instance" else None
    if item is None:
        raise Refusal("ResourceNotDiscoveredException", f"Resource {call.input['resourceId']} of "
                      f"resourceType:{call.input['resourceType']} is unknown or has not been "
                      "discovered")
    return {"configurationItems": [{
        "accountId": call.account, "awsRegion": call.region, "resourceType": "AWS::EC2::Instance",
        "resourceId": item["InstanceId"], "configurationItemStatus": "OK",
        "configurationItemCaptureTime": call.now, "configuration": json.dumps({
            "instanceId": item["InstanceId"], "imageId": item["ImageId"],
            "state": {"name": item["State"]["Name"]}})}]}


@operation("config", "StartConfigRulesEvaluation")
def start_config_rules_evaluation(call):
    for name in call.input.get("ConfigRuleNames", ()):
        _rule(call, name)["_starts"] = _rule(call, name).get("_starts", 0) + 1
    return {}


def _summary(rule):
    found = {entry["ComplianceType"] for entry in rule["_evaluations"].values()}
    if "NON_COMPLIANT" in found:
        return "NON_COMPLIANT"
    return "COMPLIANT" if "COMPLIANT" in found else "INSUFFICIENT_DATA"


@operation("config", "DescribeComplianceByConfigRule")
def describe_compliance_by_config_rule(call):
    names = call.input.get("ConfigRuleNames") or list(call.place["config_rules"])
    return {"ComplianceByConfigRules": [
        {"ConfigRuleName": name, "Compliance": {"ComplianceType": _summary(_rule(call, name))}}
        for name in names]}


@operation("config", "GetComplianceDetailsByConfigRule")
def get_compliance_details_by_config_rule(call):
    rule = _rule(call, call.input["ConfigRuleName"])
    wanted = call.input.get("ComplianceTypes")
    items = []
    for (kind, name), entry in rule["_evaluations"].items():
        if wanted and entry["ComplianceType"] not in wanted:
            continue
        items.append({
            "EvaluationResultIdentifier": {
                "EvaluationResultQualifier": {"ConfigRuleName": rule["ConfigRuleName"],
                                              "ResourceType": kind, "ResourceId": name},
                "OrderingTimestamp": entry["OrderingTimestamp"]},
            "ComplianceType": entry["ComplianceType"], "Annotation": entry.get("Annotation"),
            "ResultRecordedTime": call.now, "ConfigRuleInvokedTime": call.now})
    found, token = page(call, items, call.input.get("Limit") or 10, call.input.get("NextToken"))
    return {"EvaluationResults": found, "NextToken": token}


@operation("config", "DescribeConfigurationRecorders")
def describe_configuration_recorders(call):
    return {"ConfigurationRecorders": list(call.place["recorders"].values())}


@operation("config", "DescribeConfigurationRecorderStatus")
def describe_configuration_recorder_status(call):
    return {"ConfigurationRecordersStatus": [{"name": name, "recording": True}
                                             for name in call.place["recorders"]]}


@operation("config", "PutConfigurationRecorder")
def put_configuration_recorder(call):
    item = call.input["ConfigurationRecorder"]
    call.place["recorders"][item.get("name", "default")] = item
    return {}
