"""HTTP/1.1 on one port for every service, connections kept open."""

import json
import os
import secrets
import socket
import sys
import threading
import time
from urllib.parse import parse_qsl

from . import authorization, codec, control, limits, metadata, services, sigv4
from .errors import InputProblem, OutputProblem, Refusal, refusal_of_input
from .world import Call

# Signing name -> directory of the model.
_SERVICES = {"ses": "sesv2", "monitoring": "cloudwatch"}
_LARGEST_BODY = 64 << 20
_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
            304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
            404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
            412: "Precondition Failed", 413: "Payload Too Large", 416: "Range Not Satisfiable",
            429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
_HTML = (b"<html><head><title>500 Internal Server Error</title></head><body><h1>Internal Server "
         b"Error</h1><p>the load balancer says so</p></body></html>")


class Request:
    __slots__ = ("method", "target", "raw_path", "path", "query_text", "query", "headers", "body")

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        self.raw_path, _, self.query_text = target.partition("?")
        self.path = self.raw_path
        self.query = {}
        if self.query_text:
            for name, value in parse_qsl(self.query_text, keep_blank_values=True):
                self.query.setdefault(name, []).append(value)
        self.headers = headers
        self.body = body


class Hangup(Exception):
    """The connection ends now; `reset`: with RST instead of FIN."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset


class Connection:
    def __init__(self, sock, world):
        self._socket = sock
        self._world = world
        self._buffer = b""

    def run(self):
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                request = self._read()
                if request is None:
                    break
                if not self._answer(request):
                    break
        except Hangup as end:
            if end.reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        b"\x01\x00\x00\x00\x00\x00\x00\x00")
        except (OSError, ValueError):
            pass
        finally:
            self._socket.close()

    def _more(self):
        data = self._socket.recv(1 << 18)
        if not data:
            raise Hangup()
        return data

    def _read(self):
        end = self._buffer.find(b"\r\n\r\n")
        while end < 0:
            data = self._socket.recv(1 << 18)
            if not data:
                return None
            self._buffer += data
            if len(self._buffer) > 1 << 20 and b"\r\n\r\n" not in self._buffer:
                raise Hangup()
            end = self._buffer.find(b"\r\n\r\n")
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        self._buffer = self._buffer[end + 4:]
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.lower()
            value = value.strip()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        if headers.get("expect", "").lower() == "100-continue":
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", ""):
            body = self._chunks()
        else:
            size = int(headers.get("content-length", "0"))
            if size > _LARGEST_BODY:
                raise Hangup()
            parts = [self._buffer[:size]]
            left = size - len(parts[0])
            self._buffer = self._buffer[size:]
            while left > 0:
                data = self._more()
                parts.append(data[:left])
                self._buffer = data[left:]
                left -= len(parts[-1])
            body = b"".join(parts)
        if target.startswith("http://") or target.startswith("https://"):
            target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
        return Request(method, target, headers, body)

    def _chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self._buffer:
                self._buffer += self._more()
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            while len(self._buffer) < size + 2:
                self._buffer += self._more()
            body += self._buffer[:size]
            self._buffer = self._buffer[size + 2:]
            if size == 0:
                return body

    def _send(self, request, status, headers, body, cut=False):
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
        if request.method != "HEAD":
            headers.pop("Content-Length", None)  # what is sent is counted here
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if "Date" not in headers:
            lines.append("Date: " + time.strftime(
                "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self._world.clock.wall())))
        head_only = request.method == "HEAD"
        if not head_only or "Content-Length" not in headers:
            if status != 204 and status != 304:
                lines.append(f"Content-Length: {len(body)}")
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
        if not head_only:
            data += body
        if cut:
            self._socket.sendall(data[:len(data) - max(1, len(body) // 2)])
            raise Hangup()
        self._socket.sendall(data)

    def _answer(self, request):
        if request.target.startswith("/_fake/"):
            status, headers, body = control.answer(self._world, request)
            self._send(request, status, headers, body)
            return True
        if request.target.startswith(("/latest/", "/_metadata/")):
            self._send(request, *metadata.answer(self._world, request))
            return True
        if self._world.faults.dead:
            raise Hangup()
        exchange = Exchange(self._world, request)
        status, headers, body, cut = exchange.run()
        self._send(request, status, headers, body, cut)
        return request.headers.get("connection", "").lower() != "close"


class Exchange:
    """One call: understood, faulted, verified, carried out, recorded."""

    def __init__(self, world, request):
        self._world = world
        self._request = request
        self._service = None
        self._operation = None
        self._id = secrets.token_hex(16)
        self._id = "-".join((self._id[:8], self._id[8:12], self._id[12:16], self._id[16:20],
                             self._id[20:]))
        self._entry = {"service": None, "operation": None, "account": None, "region": None,
                       "input": None, "outcome": None}

    def run(self):
        try:
            return self._run()
        except _Instead as answer:
            return answer.status, {"Content-Type": answer.kind}, answer.body, False
        finally:
            self._world.faults.record(self._entry)

    def _run(self):
        fault = None
        try:
            scope, credentials, how = self._understand()
            entry = self._entry
            fault = self._world.faults.match(self._service.name, self._operation.name,
                                             entry["account"], entry["region"])
            kind = fault["kind"] if fault else None
            if kind is not None:
                entry["fault"] = kind
            self._before(fault, kind)
            result = self._carry_out(scope, credentials, how)
            entry["outcome"] = "ok"
            self._after(fault, kind)
            return (*result, kind == "cut")
        except Refusal as refusal:
            self._entry["outcome"] = refusal.code
            self._entry["message"] = refusal.message
            result = self._refused(refusal)
            kind = fault["kind"] if fault else None
            if not getattr(refusal, "injected", False):
                self._after(fault, kind)
            return (*result, kind == "cut")

    def _understand(self):
        request = self._request
        scope = sigv4.scope_of(request)
        if scope is None:
            name, region = self._unsigned()
        else:
            name, region = _SERVICES.get(scope.service, scope.service), scope.region
        self._entry.update(service=name, region=region)
        try:
            self._service = self._world.models.service(name)
        except (FileNotFoundError, NotADirectoryError):
            raise Refusal("UnknownService", f"no service signs as {name}", 404) from None
        try:
            self._operation, how = codec.which(self._service, request)
        except InputProblem as problem:
            raise refusal_of_input(name, problem) from None
        self._entry["operation"] = self._operation.name
        credentials = None
        if scope is not None:
            credentials = self._world.credentials.get(scope.access_key)
            if credentials is not None:
                self._entry["account"] = credentials.account
        return scope, credentials, how

    def _unsigned(self):
        """Service and region of a request without a signature."""
        body = self._request.body
        if b"Action=AssumeRoleWith" in body or "Action=AssumeRoleWith" in self._request.query_text:
            return "sts", "us-east-1"
        target = self._request.headers.get("x-amz-target")
        if target or b"Action=" in body:
            raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token",
                          403)
        return "s3", "us-east-1"

    def _carry_out(self, scope, credentials, how):
        service, operation, world = self._service, self._operation, self._world
        name = service.name
        if scope is None:
            if not operation.name.startswith("AssumeRoleWith"):
                raise Refusal("AccessDenied", "Anonymous users can not do this", 403)
            account = "000000000000"
        else:
            sigv4.verify(self._request, scope, name, credentials, world.clock)
            account = credentials.account
        region = self._entry["region"]
        if name in ("iam", "organizations"):
            region = "aws-global"
        call = Call(world, name, operation.name, account, region, credentials, self._id)
        call.raw = self._request
        call.endpoint = "http://" + self._request.headers.get("host", "")
        try:
            call.input = codec.read(service, operation, how, self._request)
        except InputProblem as problem:
            raise refusal_of_input(name, problem) from None
        self._entry["input"] = call.input
        handler = services.handler(name, operation.name)
        if handler is None:
            raise Refusal("NotImplemented", f"the stand-in has no {name} {operation.name}", 501)
        with world.lock:
            if world.switches["throttle"]:
                limits.take(call)
            if world.switches["enforce"]:
                authorization.check(call)
            if name == "ec2" and not handler.own_dry_run:
                call.dry_run()
            if not handler.unlocked:
                output = handler.function(call)
                return self._written(output)
        return self._written(handler.function(call))

    def _written(self, output):
        try:
            status, headers, body = codec.write(self._service, self._operation, output or {},
                                                self._id)
        except OutputProblem as problem:
            print(f"aws_fake: defect: {problem}", file=sys.stderr, flush=True)
            raise Refusal("InternalFailure", f"the stand-in is wrong: {problem}", 500) from None
        headers[self._id_header()] = self._id
        return status, headers, body

    def _id_header(self):
        return "x-amz-request-id" if self._service and self._service.name == "s3" \
            else "x-amzn-RequestId"

    def _refused(self, refusal):
        status, headers, body = codec.write_error(self._service, refusal, self._id,
                                                  self._request.method)
        headers[self._id_header()] = self._id
        return status, headers, body

    def _before(self, fault, kind):
        if kind is None:
            return
        if kind == "delay":
            time.sleep(float(fault.get("seconds", 1)))
        elif kind == "throttle":
            raise _injected(limits.throttled(self._service.name))
        elif kind == "error":
            raise _injected(Refusal(fault.get("code", "InternalError"),
                                    fault.get("message", "as was asked for"),
                                    int(fault.get("status", 500))))
        elif kind in ("drop-before", "reset-before", "die-before"):
            self._entry["outcome"] = kind
            raise Hangup(kind == "reset-before")
        elif kind == "html-500":
            self._entry["outcome"] = kind
            raise _Instead(500, "text/html", _HTML)
        elif kind == "answer":
            self._entry["outcome"] = kind
            raise _Instead(int(fault.get("status", 200)), fault.get("content_type", "text/xml"),
                           fault.get("body", "").encode())
        elif kind == "kill-before":
            self._entry["outcome"] = kind
            os.kill(int(fault["pid"]), 9)
            raise Hangup()

    def _after(self, fault, kind):
        if kind in ("drop-after", "reset-after", "die-after"):
            raise Hangup(kind == "reset-after")
        if kind == "html-500-after":
            raise _Instead(500, "text/html", _HTML)
        if kind == "kill-after":
            os.kill(int(fault["pid"]), 9)
            raise Hangup()


class _Instead(Exception):
    """An answer of something in front of the service."""

    def __init__(self, status, kind, body):
        super().__init__()
        self.status = status
        self.kind = kind
        self.body = body


def _injected(refusal):
    refusal.injected = True
    return refusal


class Server:
    """Listens on loopback; `port` 0 takes a free one."""

    def __init__(self, world, port=0, host="127.0.0.1"):
        services.load()
        self.world = world
        self._listener = socket.create_server((host, port), backlog=512)
        self.port = world.port = self._listener.getsockname()[1]

    def serve(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=Connection(sock, self.world).run, daemon=True).start()

    def start(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def close(self):
        self._listener.close()
        self.world.close()


def announce(server):
    world = server.world
    print(json.dumps({
        "port": server.port,
        "endpoint": f"http://127.0.0.1:{server.port}",
        "accounts": [{"account": item.account, "access_key_id": item.key,
                      "secret_access_key": item.secret}
                     for item in world.credentials.values()],
    }), flush=True)


__all__ = ["Server", "announce"]
