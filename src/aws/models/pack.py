#!/usr/bin/env python3
"""Packs the service models of a botocore data directory for embedding: pack.py BOTOCORE OUTPUT SERVICE..

BOTOCORE is the package's directory (it holds data/ and __init__.py). Of each service the newest API version is
taken, with its sdk-extras merged, and stripped to what src/aws reads: no documentation, no examples, no known enum
values, no patterns. OUTPUT: "HMAWS1", an eight-byte little-endian length, an index in JSON of that length, then one
zlib stream per service: service, paginators and waiters in a row, their sizes in the index.
"""

import gzip
import json
import pathlib
import re
import sys
import zlib

METADATA = {"apiVersion", "endpointPrefix", "globalEndpoint", "jsonVersion", "protocol", "protocols", "serviceId",
            "signatureVersion", "signingName", "targetPrefix", "xmlNamespace"}
OPERATION = {"http", "input", "output", "errors", "authtype", "auth", "unsignedPayload", "endpoint", "httpChecksum",
             "httpChecksumRequired"}
SHAPE = {"type", "members", "member", "key", "value", "required", "payload", "min", "max", "flattened", "locationName",
         "xmlNamespace", "timestampFormat", "union", "exception", "document", "streaming", "eventstream", "sensitive",
         "error", "jsonvalue", "location"}
MEMBER = {"shape", "location", "locationName", "queryName", "xmlNamespace", "timestampFormat", "flattened",
          "xmlAttribute", "idempotencyToken", "streaming", "jsonvalue", "hostLabel", "eventstream"}
PAGINATOR = {"input_token", "output_token", "result_key", "limit_key", "more_results"}
WAITER = {"operation", "delay", "maxAttempts", "acceptors"}


def load(path):
    if path.exists():
        return json.loads(path.read_bytes())
    packed = path.with_name(path.name + ".gz")
    return json.loads(gzip.decompress(packed.read_bytes())) if packed.exists() else None


def merge(base, extra):
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


def load_merged(directory, name):
    base = load(directory / f"{name}.json")
    extras = load(directory / f"{name}.sdk-extras.json")
    if base is not None and extras is not None:
        merge(base, extras.get("merge", {}))
    return base


def only(mapping, keys):
    return {key: value for key, value in mapping.items() if key in keys}


def strip_shape(shape):
    shape = only(shape, SHAPE)
    for place in ("member", "key", "value"):
        if place in shape:
            shape[place] = only(shape[place], MEMBER)
    if "members" in shape:
        shape["members"] = {name: only(member, MEMBER) for name, member in shape["members"].items()}
    return shape


def strip_operation(operation):
    operation = only(operation, OPERATION)
    for place in ("input", "output"):
        if place in operation:
            operation[place].pop("documentation", None)
    if "errors" in operation:
        operation["errors"] = [{"shape": error["shape"]} for error in operation["errors"]]
    return operation


def strip_service(model):
    return {"metadata": only(model["metadata"], METADATA),
            "operations": {name: strip_operation(operation) for name, operation in model["operations"].items()},
            "shapes": {name: strip_shape(shape) for name, shape in model["shapes"].items()}}


def pack(directory):
    paginators = load_merged(directory, "paginators-1") or {}
    waiters = load(directory / "waiters-2.json") or {}
    documents = [
        strip_service(load_merged(directory, "service-2")),
        {"pagination": {name: only(row, PAGINATOR) for name, row in paginators.get("pagination", {}).items()}},
        {"waiters": {name: only(row, WAITER) for name, row in waiters.get("waiters", {}).items()}},
    ]
    return [json.dumps(document, separators=(",", ":")).encode() for document in documents]


def main():
    botocore, output, *services = sys.argv[1:]
    botocore = pathlib.Path(botocore)
    version = re.search(r"__version__ = ['\"](.+)['\"]", (botocore / "__init__.py").read_text()).group(1)
    index, blobs = [], []
    for service in services:
        versions = sorted(path for path in (botocore / "data" / service).glob("*") if path.is_dir())
        if not versions:
            print(f"pack.py: botocore {version} has no model of {service}; it is left out", file=sys.stderr)
            continue
        texts = pack(versions[-1])
        blobs.append(zlib.compress(b"".join(texts), 9))
        index.append({"service": service, "packed": len(blobs[-1]), "sizes": [len(text) for text in texts]})
    head = json.dumps({"version": version, "services": index}).encode()
    content = b"HMAWS1" + len(head).to_bytes(8, "little") + head + b"".join(blobs)
    pathlib.Path(output).write_bytes(content)


if __name__ == "__main__":
    main()
