"""Signature Version 4, checked: every request is signed again with the secret that was issued.

IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4".
"""

import calendar
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote

from .errors import Refusal

_SKEW = 300  # seconds; S3 allows 900
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_keys = {}


class Scope:
    def __init__(self, access_key, date, region, service):
        self.access_key = access_key
        self.date = date
        self.region = region
        self.service = service


def scope_of(request):
    """The credential scope that the request claims; None for an unsigned one."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("AWS4-HMAC-SHA256 "):
        match = re.search(r"Credential=([^,\s]+)", authorization)
        credential = match.group(1) if match else ""
    elif "X-Amz-Credential" in request.query:
        credential = request.query["X-Amz-Credential"][0]
    else:
        return None
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise Refusal("IncompleteSignature", f"'{credential}' is no credential scope")
    return Scope(*parts[:4])


def _encode(text, safe="-_.~"):
    return quote(text, safe=safe)


def _canonical_path(request, service):
    path = request.raw_path
    if service == "s3":
        return quote(unquote(path), safe="/-_.~")
    segments = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    normal = "/" + "/".join(segments)
    if path.endswith("/") and normal != "/":
        normal += "/"
    return quote(normal, safe="/-_.~")


def _canonical_query(request):
    pairs = []
    for part in request.query_text.split("&"):
        if part:
            name, _, value = part.partition("=")
            if name != "X-Amz-Signature":
                pairs.append((_encode(unquote(name)), _encode(unquote(value))))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _signing_key(secret, scope):
    cached = (secret, scope.date, scope.region, scope.service)
    key = _keys.get(cached)
    if key is None:
        key = ("AWS4" + secret).encode()
        for part in (scope.date, scope.region, scope.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        if len(_keys) > 4096:
            _keys.clear()
        _keys[cached] = key
    return key


def signature(request, scope, secret, signed_headers, payload_hash, moment):
    lines = []
    for name in signed_headers:
        value = request.headers.get(name)
        if value is None:
            value = ""
        lines.append(f"{name}:{' '.join(value.split())}\n")
    canonical = "\n".join((
        request.method, _canonical_path(request, scope.service), _canonical_query(request),
        "".join(lines), ";".join(signed_headers), payload_hash))
    to_sign = "\n".join((
        "AWS4-HMAC-SHA256", moment, f"{scope.date}/{scope.region}/{scope.service}/aws4_request",
        hashlib.sha256(canonical.encode()).hexdigest()))
    return hmac.new(_signing_key(secret, scope), to_sign.encode(), "sha256").hexdigest(), canonical


def _codes(service):
    """(unknown key, bad signature, expired token, too old) as this kind of service says them."""
    if service == "ec2":
        return ("AuthFailure", 401), ("AuthFailure", 401), ("RequestExpired", 400), \
            ("RequestExpired", 400)
    if service in ("sts", "iam", "sns", "cloudformation"):
        return ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403), \
            ("ExpiredToken", 403), ("SignatureDoesNotMatch", 403)
    if service == "s3":
        return ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403), \
            ("ExpiredToken", 400), ("RequestTimeTooSkewed", 403)
    return ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400), \
        ("ExpiredTokenException", 400), ("InvalidSignatureException", 400)


def verify(request, scope, service, credentials, clock):
    """Throws the service's own refusal unless the request was signed with what was issued.

    `credentials`: the issued key of `scope.access_key`, or None.
    """
    unknown, wrong, expired, old = _codes(service)
    if credentials is None or credentials.revoked:
        raise Refusal(unknown[0], "AWS was not able to validate the provided access credentials"
                      if service == "ec2" else
                      "The security token included in the request is invalid.", unknown[1])
    authorization = request.headers.get("authorization")
    if authorization:
        signed = re.search(r"SignedHeaders=([^,\s]+)", authorization)
        given = re.search(r"Signature=([0-9a-f]{64})", authorization)
        if not signed or not given:
            raise Refusal("IncompleteSignature", "Authorization lacks SignedHeaders or Signature")
        signed_headers = signed.group(1).split(";")
        given = given.group(1)
        moment = request.headers.get("x-amz-date", "")
        token = request.headers.get("x-amz-security-token")
        lifetime = None
    else:
        signed_headers = request.query.get("X-Amz-SignedHeaders", [""])[0].split(";")
        given = request.query.get("X-Amz-Signature", [""])[0]
        moment = request.query.get("X-Amz-Date", [""])[0]
        token = request.query.get("X-Amz-Security-Token", [None])[0]
        lifetime = float(request.query.get("X-Amz-Expires", ["900"])[0])
    if (credentials.token or None) != token:
        raise Refusal(unknown[0], "The security token included in the request is invalid",
                      unknown[1])
    if credentials.expires is not None and clock.now() >= credentials.expires:
        raise Refusal(expired[0], "The security token included in the request is expired",
                      expired[1])
    if "host" not in signed_headers:
        raise Refusal("IncompleteSignature", "'Host' must be a signed header")
    for name in request.headers:
        if name.startswith("x-amz-") and authorization and name not in signed_headers:
            raise Refusal(wrong[0], f"the header {name} is not signed", wrong[1])
    try:
        when = calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refusal("IncompleteSignature", f"'{moment}' is no X-Amz-Date") from None
    wall = clock.wall()
    allowed = 900 if service == "s3" else _SKEW
    if lifetime is None:
        outside = abs(wall - when) > allowed
    else:
        outside = wall > when + lifetime or when - wall > allowed
    if outside:
        raise Refusal(old[0], f"Signature expired: {moment} is not within {allowed} seconds of "
                      + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(wall)), old[1])
    if not moment.startswith(scope.date):
        raise Refusal("IncompleteSignature", "Date in Credential scope does not match X-Amz-Date")
    declared = request.headers.get("x-amz-content-sha256")
    if lifetime is not None and service == "s3":
        payload = "UNSIGNED-PAYLOAD"
    elif lifetime is not None:
        payload = _EMPTY_HASH
    elif declared is not None and not re.fullmatch("[0-9a-f]{64}", declared):
        payload = declared
    else:
        payload = hashlib.sha256(request.body).hexdigest()
        if declared is not None and declared != payload:
            raise Refusal("XAmzContentSHA256Mismatch" if service == "s3" else wrong[0],
                          "The provided 'x-amz-content-sha256' header does not match what was "
                          "computed.", wrong[1])
    if service == "s3" and declared is None and lifetime is None:
        raise Refusal("InvalidRequest", "Missing required header for this request: "
                      "x-amz-content-sha256")
    computed, canonical = signature(request, scope, credentials.secret, signed_headers, payload,
                                    moment)
    if not hmac.compare_digest(computed, given):
        raise Refusal(wrong[0], "The request signature we calculated does not match the signature "
                      "you provided. The Canonical String for this request should have been "
                      f"'{canonical}'", wrong[1])
