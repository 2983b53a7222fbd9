"""SNS: topics, subscriptions that wait for their confirmation, what was published."""

import json
import uuid

from ..errors import Refusal
from ..paging import page
from . import operation


def _topic(call):
    item = call.place["topics"].get(call.input["TopicArn"])
    if item is None:
        raise Refusal("NotFound", "Topic does not exist", 404)
    return item


@operation("sns", "CreateTopic")
def create_topic(call):
    arn = call.arn("sns", call.input["Name"])
    item = call.place["topics"].setdefault(arn, {
        "TopicArn": arn, "subscriptions": {}, "messages": [], "attributes": {}})
    item["attributes"].update(call.input.get("Attributes", {}))
    return {"TopicArn": arn}


@operation("sns", "DeleteTopic")
def delete_topic(call):
    call.place["topics"].pop(call.input["TopicArn"], None)
    return {}


@operation("sns", "ListTopics")
def list_topics(call):
    found, token = page(call, sorted(call.place["topics"]), 100, call.input.get("NextToken"))
    return {"Topics": [{"TopicArn": arn} for arn in found], "NextToken": token}


@operation("sns", "GetTopicAttributes")
def get_topic_attributes(call):
    item = _topic(call)
    return {"Attributes": {"TopicArn": item["TopicArn"], "Owner": call.account,
                           "SubscriptionsPending": str(sum(not one["confirmed"] for one in
                                                           item["subscriptions"].values())),
                           **item["attributes"]}}


@operation("sns", "SetTopicAttributes")
def set_topic_attributes(call):
    _topic(call)["attributes"][call.input["AttributeName"]] = call.input.get("AttributeValue", "")
    return {}


@operation("sns", "Subscribe")
def subscribe(call):
    given, item = call.input, _topic(call)
    for arn, one in item["subscriptions"].items():
        if (one["Protocol"], one["Endpoint"]) == (given["Protocol"], given.get("Endpoint", "")):
            break
    else:
        arn = f"{item['TopicArn']}:{uuid.uuid4()}"
        one = item["subscriptions"][arn] = {
            "Protocol": given["Protocol"], "Endpoint": given.get("Endpoint", ""),
            "confirmed": given["Protocol"] in ("lambda", "sqs")}
    shown = one["confirmed"] or given.get("ReturnSubscriptionArn")
    return {"SubscriptionArn": arn if shown else "pending confirmation"}


def confirm(world, topic, endpoint):
    """What the person does who gets the mail."""
    _, _, _, region, account, _ = topic.split(":", 5)
    for one in world.place(account, region)["topics"][topic]["subscriptions"].values():
        if one["Endpoint"] == endpoint:
            one["confirmed"] = True
            return {}
    raise KeyError(endpoint)


@operation("sns", "Unsubscribe")
def unsubscribe(call):
    for item in call.place["topics"].values():
        item["subscriptions"].pop(call.input["SubscriptionArn"], None)
    return {}


@operation("sns", "ListSubscriptionsByTopic")
def list_subscriptions_by_topic(call):
    item = _topic(call)
    return {"Subscriptions": [
        {"SubscriptionArn": arn if one["confirmed"] else "PendingConfirmation",
         "Owner": call.account, "Protocol": one["Protocol"], "Endpoint": one["Endpoint"],
         "TopicArn": item["TopicArn"]} for arn, one in item["subscriptions"].items()]}


@operation("sns", "Publish")
def publish(call):
    given = call.input
    if "TopicArn" not in given:
        raise Refusal("InvalidParameter", "Invalid parameter: TopicArn")
    if len(given["Message"].encode()) > 262144:
        raise Refusal("InvalidParameter", "Invalid parameter: Message too long")
    if not given["Message"]:
        raise Refusal("InvalidParameter", "Invalid parameter: Empty message")
    if given.get("MessageStructure") == "json" and "default" not in json.loads(given["Message"]):
        raise Refusal("InvalidParameter", "Message Structure - No default entry in JSON message")
    message = {"MessageId": str(uuid.uuid4())}
    _topic(call)["messages"].append({**message, **given})
    return message
