"""The instance metadata service: tokens and the credentials of the first account's role."""

import json
import secrets
import time

from .world import Credentials

_TOKENS = set()


def answer(world, request):
    """(status, headers, body) below /latest/ (EC2 User Guide, "Use IMDS"); /_metadata/<instance>/latest/ is what that
    instance sees."""
    account, path = world.seed_accounts[0], request.path
    if path.startswith("/_metadata/"):
        name, _, rest = path[len("/_metadata/"):].partition("/")
        path = "/" + rest
        account = next((place.account for place in world.all_places("instances")
                        if name in place["instances"]), account)
    plain = {"Content-Type": "text/plain"}
    if path == "/latest/api/token":
        if request.method != "PUT":
            return 405, plain, b""
        seconds = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return 400, plain, b""
        token = secrets.token_urlsafe(40)
        _TOKENS.add(token)
        return 200, {**plain, "x-aws-ec2-metadata-token-ttl-seconds": seconds}, token.encode()
    if request.headers.get("x-aws-ec2-metadata-token") not in _TOKENS:
        return 401, plain, b""
    base = "/latest/meta-data/iam/security-credentials/"
    role = world.switches.get("metadata-role", "instance-role")
    if path in (base, base[:-1]):
        return 200, plain, role.encode()
    if path == base + role:
        key = "ASIA" + secrets.token_hex(8).upper()
        expires = world.clock.now() + 6 * 3600
        credentials = Credentials(
            key, secrets.token_hex(20), account,
            f"arn:aws:sts::{account}:assumed-role/{role}/i-0123456789abcdef0",
            f"AROA{secrets.token_hex(8).upper()}:i-0123456789abcdef0", secrets.token_urlsafe(90),
            expires, role=role)
        with world.lock:
            world.credentials[key] = credentials
        form = "%Y-%m-%dT%H:%M:%SZ"
        return 200, plain, json.dumps({
            "Code": "Success", "LastUpdated": time.strftime(form, time.gmtime()),
            "Type": "AWS-HMAC", "AccessKeyId": key, "SecretAccessKey": credentials.secret,
            "Token": credentials.token,
            "Expiration": time.strftime(form, time.gmtime(expires))}).encode()
    if path == "/latest/dynamic/instance-identity/document":
        return 200, plain, json.dumps({"accountId": account,
                                       "region": "us-east-1"}).encode()
    if path == "/latest/meta-data/placement/region":
        return 200, plain, b"us-east-1"
    return 404, plain, b""
