"""A request, its answer, and the end of a connection."""

from urllib.parse import parse_qsl, unquote


class Request:
    """What was asked."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        path, _, query = target.partition("?")
        self.path = unquote(path)
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.headers = headers
        self.body = body

    def form(self):
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


class Answer:
    """What is answered. `pace` is (bytes, seconds) of a slow body, `cut` half of it, `zip` gzip."""

    def __init__(self, status=200, body=b"", content_type=None, headers=None):
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = dict(headers or {})
        if content_type:
            self.headers["Content-Type"] = content_type
        self.pace = None
        self.cut = False
        self.zip = False


class Hangup(Exception):
    """The connection ends now; `reset`: with RST instead of FIN."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset
