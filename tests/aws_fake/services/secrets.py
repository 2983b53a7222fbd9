"""Secrets Manager: secrets that the control endpoint put there, read only."""

import re
import uuid

from ..errors import Refusal
from . import operation


def put(world, given):
    """A secret's next version: account, region, name, and `value`, or `binary` (text)."""
    place = world.place(given["account"], given["region"])
    item = place["secrets"].setdefault(given["name"], {
        # Six random characters end the ARN, so that a secret made anew is another one.
        "ARN": f"arn:aws:secretsmanager:{given['region']}:{given['account']}:secret:"
               f"{given['name']}-{uuid.uuid4().hex[:6]}",
        "Name": given["name"], "versions": []})
    version = {"VersionId": str(uuid.uuid4()), "CreatedDate": world.clock.now()}
    if "binary" in given:
        version["SecretBinary"] = given["binary"].encode()
    else:
        version["SecretString"] = given["value"]
    item["versions"].append(version)
    return {"arn": item["ARN"], "version": version["VersionId"]}


def _missing(message="Secrets Manager can't find the specified secret."):
    return Refusal("ResourceNotFoundException", message)


def _item(call):
    """By name, by ARN, or by an ARN without its six characters."""
    name = call.input["SecretId"]
    table = call.place["secrets"]
    if not name.startswith("arn:"):
        item = table.get(name)
    else:
        item = next((item for item in table.values()
                     if name in (item["ARN"], re.sub(r"-\w{6}$", "", item["ARN"]))), None)
    if item is None:
        raise _missing()
    return item


@operation("secretsmanager", "GetSecretValue")
def get_secret_value(call):
    """Only versions that have a stage are found: the current one and the one before it."""
    item, given = _item(call), call.input
    stages = {"AWSCURRENT": item["versions"][-1]}
    if len(item["versions"]) > 1:
        stages["AWSPREVIOUS"] = item["versions"][-2]
    chosen = {name: version for name, version in stages.items()
              if version["VersionId"] == given.get("VersionId", version["VersionId"])
              and name == given.get("VersionStage", name if "VersionId" in given
                                    else "AWSCURRENT")}
    if not chosen:
        what = given.get("VersionId") or given.get("VersionStage")
        raise _missing(f"Secrets Manager can't find the specified secret value for {what}")
    name, version = next(iter(chosen.items()))
    return {"ARN": item["ARN"], "Name": item["Name"], "VersionStages": [name], **version}
