"""How Tenable says things."""

import json

from ..message import Answer

NO_FILE = "The requested file was not found"
NO_SCAN = "Scan not found"


class Refusal(Exception):
    """An error of the API, or of what stands in front of it."""

    def __init__(self, status, text, headers=None):
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}

    def answer(self):
        if self.status == 403 and self.text == "Insufficient scope":
            return reply({"statusCode": 403, "error": "Forbidden", "message": self.text}, 403)
        if self.status == 429:
            # The limit is kept by a proxy: no JSON.
            return Answer(429, "<html><head><title>429 Too Many Requests</title></head><body>"
                               f"<h1>{self.text}</h1></body></html>", "text/html", self.headers)
        return reply({"error": self.text}, self.status)


def reply(document, status=200):
    return Answer(status, json.dumps(document), "application/json; charset=utf-8")


def too_many(service):
    return Refusal(429, "Too Many Requests", {"retry-after": service.settings["retry_after"]})
