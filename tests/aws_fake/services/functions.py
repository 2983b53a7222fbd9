"""Lambda: functions are stored and answer what they were told to; no code is run."""

import base64
import hashlib
import json

from ..errors import Refusal
from ..paging import page
from . import operation


def _missing(name):
    return Refusal("ResourceNotFoundException", f"Function not found: {name}", 404)


def _get(call):
    name = call.input["FunctionName"].rpartition(":")[2]
    item = call.place["functions"].get(name)
    if item is None:
        raise _missing(name)
    return item


@operation("lambda", "CreateFunction")
def create_function(call):
    given = call.input
    name = given["FunctionName"]
    if name in call.place["functions"]:
        raise Refusal("ResourceConflictException", f"Function already exist: {name}", 409)
    code = given["Code"].get("ZipFile", b"")
    item = {"FunctionName": name, "FunctionArn": call.arn("lambda", f"function:{name}"),
            "Role": given["Role"], "Runtime": given.get("Runtime"),
            "Handler": given.get("Handler"), "CodeSize": len(code),
            "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
            "Description": given.get("Description", ""), "Timeout": given.get("Timeout", 3),
            "MemorySize": given.get("MemorySize", 128), "Version": "$LATEST", "State": "Active",
            "LastUpdateStatus": "Successful", "PackageType": given.get("PackageType", "Zip"),
            "LastModified": "2026-01-01T00:00:00.000+0000", "_answer": {}}
    call.place["functions"][name] = item
    return item


@operation("lambda", "GetFunction")
def get_function(call):
    return {"Configuration": _get(call)}


@operation("lambda", "GetFunctionConfiguration")
def get_function_configuration(call):
    return _get(call)


@operation("lambda", "DeleteFunction")
def delete_function(call):
    del call.place["functions"][_get(call)["FunctionName"]]
    return {}


@operation("lambda", "ListFunctions")
def list_functions(call):
    found, token = page(call, list(call.place["functions"].values()),
                        call.input.get("MaxItems", 50), call.input.get("Marker"))
    return {"Functions": found, "NextMarker": token}


@operation("lambda", "AddPermission")
def add_permission(call):
    _get(call)
    return {"Statement": json.dumps({"Sid": call.input["StatementId"], "Effect": "Allow"})}


@operation("lambda", "Invoke")
def invoke(call):
    item = _get(call)
    return {"StatusCode": 200, "ExecutedVersion": "$LATEST",
            "Payload": json.dumps(item["_answer"]).encode()}
