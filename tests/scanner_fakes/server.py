"""HTTP/1.1 on one loopback port, a thread for each connection."""

import gzip
import socketserver
import struct
import socket
import time
from email.utils import formatdate
from http import HTTPStatus

from . import control
from .message import Hangup, Request

_LARGEST_BODY = 64 << 20


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while True:
                request = self._read()
                if request is None:
                    break
                if request.path.startswith("/_fake/"):
                    answer = control.answer(self.server.service, request)
                else:
                    answer = self.server.service.answer(request)
                self._send(request, answer)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except Hangup as end:
            if end.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
                self.connection.close()
        except (OSError, ValueError):
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def _read(self):
        line = self.rfile.readline(1 << 16)
        if not line:
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = {}
        while True:
            line = self.rfile.readline(1 << 16)
            if line in (b"\r\n", b"\n"):
                break
            if not line:
                return None
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            size = int(headers.get("content-length", "0"))
            if size > _LARGEST_BODY:
                raise Hangup()
            body = self.rfile.read(size)
            if len(body) < size:
                return None
        return Request(method, target, headers, body)

    def _send(self, request, answer):
        body = answer.body
        if answer.zip:
            body = gzip.compress(body)
            answer.headers["Content-Encoding"] = "gzip"
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if "Date" not in answer.headers:
            lines.append(f"Date: {formatdate(self.server.service.clock.wall(), usegmt=True)}")
        lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
        if answer.cut:
            self.wfile.write(head + body[:len(body) // 2])
            raise Hangup()
        if answer.pace is None:
            self.wfile.write(head + body)
            return
        size, seconds = answer.pace
        self.wfile.write(head)
        for start in range(0, len(body), size):
            self.wfile.write(body[start:start + size])
            time.sleep(seconds)


class Server(socketserver.ThreadingTCPServer):
    """Listens on loopback; `port` 0 takes a free one."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service, port=0):
        super().__init__(("127.0.0.1", port), Connection)
        self.service = service
        self.port = self.server_address[1]
        service.address = f"http://127.0.0.1:{self.port}"
