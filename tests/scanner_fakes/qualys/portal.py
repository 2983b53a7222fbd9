"""The other family of calls, /qps/rest: tags and connectors. Errors come with HTTP 200."""

import json
import re
import xml.etree.ElementTree as tree

from ..message import Answer
from ..world import Walk
from .answers import Markup, tag

_ROUTES = [
    ("POST", r"/qps/rest/2\.0/create/am/tag", "tag.create"),
    ("POST", r"/qps/rest/2\.0/delete/am/tag/(\d+)", "tag.delete"),
    ("GET", r"/qps/rest/2\.0/get/am/tag/(\d+)", "tag.get"),
    ("POST", r"/qps/rest/2\.0/search/am/tag", "tag.search"),
    ("POST", r"/qps/rest/2\.0/run/am/assetdataconnector/(\d+)", "connector.run"),
    ("GET", r"/qps/rest/2\.0/get/am/assetdataconnector/(\d+)", "connector.get"),
    ("GET", r"/qps/rest/portal/version", "portal.version"),
]
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FIRST_TAG = 17654300


def operation_of(method, path):
    for wanted, pattern, name in _ROUTES:
        if wanted == method and re.fullmatch(pattern, path):
            return name
    return "qps.unknown"


def answer(service, request, operation):
    if not service.knows(request.headers.get("authorization", "")):
        return _said(request, "INVALID_CREDENTIALS", error=(
            "Authentication failed", "Verify both, user and password credentials."))
    path = request.path.rstrip("/")
    number = next((match[1] for wanted, pattern, _ in _ROUTES
                   if wanted == request.method and (match := re.fullmatch(pattern, path))
                   and match.groups()), None)
    handler = _HANDLERS.get(operation)
    if handler is None:
        return Answer(404, "<html><body>Not Found</body></html>", "text/html")
    try:
        return handler(service, request, int(number) if number else None)
    except (ValueError, KeyError, TypeError, tree.ParseError, AttributeError) as error:
        return _said(request, "INVALID_REQUEST", error=(
            f"Unable to parse the request: {error}", "Check the request's body."))


def _said(request, code, kind=None, items=(), error=None):
    """`items` are dicts of texts, each an element `kind`."""
    if "json" in request.headers.get("accept", ""):
        response = {"responseCode": code}
        if error:
            response["responseErrorDetails"] = {"errorMessage": error[0],
                                                "errorResolution": error[1]}
        else:
            response.update(count=len(items), hasMoreRecords="false")
            if items:
                response["data"] = [{kind: item} for item in items]
        return Answer(200, json.dumps({"ServiceResponse": response}), "application/json")
    content = [tag("responseCode", code)]
    if error:
        content.append(tag("responseErrorDetails", tag("errorMessage", error[0]),
                           tag("errorResolution", error[1])))
    else:
        content += [tag("count", len(items)), tag("hasMoreRecords", "false")]
        if items:
            content.append(tag("data", *(tag(kind, *(tag(key, value) for key, value in
                                                     item.items())) for item in items)))
    text = tag("ServiceResponse", *content).replace(
        "<ServiceResponse>",
        '<ServiceResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:noNamespaceSchemaLocation="https://qualysapi.qualys.com/qps/xsd/2.0/am/tag.xsd">')
    return Answer(200, _XML + Markup(text), "application/xml")


def _fields(request, kind):
    """The members of the one `kind` that a ServiceRequest carries, in either language."""
    if request.body.lstrip().startswith(b"{"):
        return json.loads(request.body)["ServiceRequest"]["data"][kind]
    element = tree.fromstring(request.body).find(f"data/{kind}")
    return {child.tag: child.text or "" for child in element}


def _create(service, request, _):
    fields = _fields(request, "Tag")
    name = fields["name"]
    if any(item["name"] == name for item in service.tags.values()):
        return _said(request, "INVALID_REQUEST", error=(
            f"A tag with the name {name} already exists.", "Choose another name."))
    number = _FIRST_TAG + len(service.launches) + len(service.tags) + 1
    while number in service.tags:
        number += 1
    service.tags[number] = {"id": number, **{key: str(value) for key, value in fields.items()}}
    return _said(request, "SUCCESS", "Tag", [service.tags[number]])


def _missing(request, what):
    return _said(request, "NOT_FOUND", error=(f"{what} not found.", "Check the id."))


def _delete(service, request, number):
    if service.tags.pop(number, None) is None:
        return _missing(request, "Tag")
    return _said(request, "SUCCESS", "SimpleTag", [{"id": number}])


def _get(service, request, number):
    if number not in service.tags:
        return _missing(request, "Tag")
    return _said(request, "SUCCESS", "Tag", [service.tags[number]])


def _search(service, request, _):
    if request.body.lstrip().startswith(b"{"):
        criteria = json.loads(request.body)["ServiceRequest"].get("filters", {}).get("Criteria", [])
        wanted = {item["field"]: item["value"] for item in criteria}
    else:
        wanted = {item.get("field"): item.text
                  for item in tree.fromstring(request.body).iter("Criteria")}
    return _said(request, "SUCCESS", "Tag", [
        item for item in service.tags.values()
        if all(str(item.get(key)) == value for key, value in wanted.items())])


def _connector(service, number):
    return next((item for item in service.settings["connectors"] if item["id"] == number), None)


def _run(service, request, number):
    connector = _connector(service, number)
    if connector is None:
        return _missing(request, "AssetDataConnector")
    polls = connector.get("polls", 2)
    service.connector_runs[number] = Walk(
        [{"state": "QUEUED"}] + [{"state": "PROCESSING", "polls": polls}] * bool(polls)
        + [{"state": connector.get("end", "FINISHED_SUCCESS")}], service.clock)
    return _said(request, "SUCCESS", "AssetDataConnector", [{"id": number}])


def _state(service, request, number):
    connector = _connector(service, number)
    if connector is None:
        return _missing(request, "AssetDataConnector")
    walk = service.connector_runs.get(number)
    state = walk.look()["state"] if walk else "FINISHED_SUCCESS"
    if walk and state.startswith("FINISHED_S"):
        connector["known"] = [host["instance_id"] for host in service.hosts if host["instance_id"]]
    return _said(request, "SUCCESS", "AssetDataConnector", [
        {"id": number, "name": connector["name"], "connectorState": state}])


def _version(service, request, _):
    return _said(request, "SUCCESS", "QWeb-Version", [
        {"WEB-VERSION": "10.39.1.0-1", "SCANNER-VERSION": service.settings["engine"],
         "VULNSIGS-VERSION": service.settings["signatures"]}])


_HANDLERS = {"tag.create": _create, "tag.delete": _delete, "tag.get": _get, "tag.search": _search,
             "connector.run": _run, "connector.get": _state, "portal.version": _version}
