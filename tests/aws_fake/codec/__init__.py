"""The protocols run backwards: a request becomes checked input, an output becomes an answer."""

import json

from ..errors import InputProblem, Refusal
from . import forms, json_bodies, rest, xml_bodies


def which(service, request):
    """(operation, how) that the request names; `how` is what `read` needs."""
    protocol = service.protocol
    if protocol in ("ec2", "query"):
        pairs = forms.parse(request.body or request.query_text.encode())
        action = next((value for name, value in pairs if name == "Action"), None)
        if action is None:
            raise Refusal("MissingAction", "The request must contain the parameter Action")
        operation = service.operation(action)
        if operation is None:
            raise Refusal("InvalidAction", f"The action {action} is not valid for this web service.")
        version = next((value for name, value in pairs if name == "Version"), None)
        if version != service.metadata["apiVersion"]:
            raise Refusal("InvalidAction", f"The version {version} is not known")
        return operation, pairs
    if protocol == "json":
        target = request.headers.get("x-amz-target", "")
        prefix, _, name = target.rpartition(".")
        operation = service.operation(name)
        if operation is None or prefix != service.metadata["targetPrefix"]:
            raise Refusal("UnknownOperationException", f"no operation {target}")
        return operation, None
    return rest.find(service, request.method, request.path, request.query, request.headers)


def read(service, operation, how, request):
    """The checked input. Raises InputProblem."""
    protocol = service.protocol
    if protocol in ("ec2", "query"):
        return forms.read(operation.input, how, protocol)
    if protocol == "json":
        if not request.headers.get("content-type", "").startswith("application/x-amz-json-1."):
            raise InputProblem("body", "", "the Content-Type is not application/x-amz-json-1.x")
        document = json_bodies.parse(request.body)
        if operation.input is None:
            return {}
        return json_bodies.read(operation.input, document, "")
    return rest.read(service, operation, how, request.query, request.headers, request.body)


def write(service, operation, output, request_id):
    """(status, headers, body) of a good answer. Raises OutputProblem."""
    protocol = service.protocol
    name = operation.name
    if protocol == "ec2":
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n<', name, 'Response xmlns="',
               service.metadata.get("xmlNamespace",
                                    f"http://ec2.amazonaws.com/doc/{service.metadata['apiVersion']}"),
               '"><requestId>', request_id, "</requestId>"]
        if operation.output is None:
            out.append("<return>true</return>")
        else:
            xml_bodies.write_members(operation.output, output, out, name)
        out.append(f"</{name}Response>")
        return 200, {"Content-Type": "text/xml;charset=UTF-8"}, "".join(out).encode()
    if protocol == "query":
        out = [f'<{name}Response xmlns="{service.metadata.get("xmlNamespace", "")}">']
        if operation.output is not None:
            wrapper = operation.result_wrapper or f"{name}Result"
            out.append(f"<{wrapper}>")
            xml_bodies.write_members(operation.output, output, out, name)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
                   f"</{name}Response>")
        return 200, {"Content-Type": "text/xml"}, "".join(out).encode()
    if protocol == "json":
        version = service.metadata.get("jsonVersion", "1.1")
        body = b"{}" if operation.output is None else json.dumps(
            json_bodies.write(operation.output, output, name)).encode()
        if operation.output is None:
            body = b""
        return 200, {"Content-Type": f"application/x-amz-json-{version}"}, body
    return rest.write(service, operation, output)


def write_error(service, refusal, request_id, method="POST"):
    """(status, headers, body) of a refusal, in the form of the service's protocol."""
    protocol = service.protocol if service is not None else "rest-xml"
    status = refusal.status
    code, message = refusal.code, refusal.message
    if protocol == "ec2":
        body = ('<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>'
                f"{xml_bodies.escape(code)}</Code><Message>{xml_bodies.escape(message)}</Message>"
                f"</Error></Errors><RequestID>{request_id}</RequestID></Response>")
        return status, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode()
    if protocol == "query":
        kind = "Sender" if status < 500 else "Receiver"
        body = (f'<ErrorResponse xmlns="{service.metadata.get("xmlNamespace", "")}"><Error>'
                f"<Type>{kind}</Type><Code>{xml_bodies.escape(code)}</Code>"
                f"<Message>{xml_bodies.escape(message)}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>")
        return status, {"Content-Type": "text/xml"}, body.encode()
    if protocol == "rest-xml":
        if method == "HEAD":
            return status, {}, b""
        extra = "".join(f"<{key}>{xml_bodies.escape(str(value))}</{key}>"
                        for key, value in refusal.fields.items())
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{xml_bodies.escape(code)}'
                f"</Code><Message>{xml_bodies.escape(message)}</Message>{extra}"
                f"<RequestId>{request_id}</RequestId></Error>")
        return status, {"Content-Type": "application/xml"}, body.encode()
    document = {"__type": code, "message": message, **refusal.fields}
    if protocol == "json":
        version = service.metadata.get("jsonVersion", "1.1")
        return status, {"Content-Type": f"application/x-amz-json-{version}"}, \
            json.dumps(document).encode()
    del document["__type"]
    if service.name == "ebs":
        document = {"Message": message, **refusal.fields}
    return status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, \
        json.dumps(document).encode()
