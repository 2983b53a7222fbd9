"""The services' own models, read from a botocore data directory when first needed."""

import glob
import gzip
import importlib.util
import json
import os
import re
import threading


class Member:
    __slots__ = (
        "name", "shape", "location", "location_name", "query_name", "flattened",
        "timestamp_format", "attribute", "streaming", "namespace",
    )

    def __init__(self, name, spec, shape):
        self.name = name
        self.shape = shape
        self.location = spec.get("location")
        self.location_name = spec.get("locationName")
        self.query_name = spec.get("queryName")
        self.flattened = bool(spec.get("flattened") or shape.flattened)
        self.timestamp_format = spec.get("timestampFormat") or shape.timestamp_format
        self.attribute = bool(spec.get("xmlAttribute"))
        self.streaming = bool(spec.get("streaming") or shape.streaming)
        self.namespace = spec.get("xmlNamespace") or shape.namespace


class Shape:
    """One shape; members are resolved when first looked at, for models refer to themselves."""

    def __init__(self, service, name, spec):
        self._service = service
        self._spec = spec
        self._wire = {}
        self.name = name
        self.type = spec["type"]
        self.required = tuple(spec.get("required", ()))
        self.enum = frozenset(spec["enum"]) if "enum" in spec else None
        self.minimum = spec.get("min")
        self.maximum = spec.get("max")
        self.flattened = bool(spec.get("flattened"))
        self.timestamp_format = spec.get("timestampFormat")
        self.payload = spec.get("payload")
        self.streaming = bool(spec.get("streaming"))
        self.namespace = spec.get("xmlNamespace")
        self.document = bool(spec.get("document"))
        self.union = bool(spec.get("union"))

    def __getattr__(self, name):
        if name == "members":
            value = {
                key: Member(key, spec, self._service.shape(spec["shape"]))
                for key, spec in self._spec.get("members", {}).items()
            }
        elif name in ("member", "key", "value"):
            spec = self._spec[name]
            value = Member(name, spec, self._service.shape(spec["shape"]))
        elif name == "pattern":
            value = None if (self._service.name, self.name) in _TOO_NARROW \
                else _compiled(self._spec.get("pattern"))
        else:
            raise AttributeError(name)
        setattr(self, name, value)
        return value

    def wire_names(self, naming):
        """Name on the wire -> member, by the rule `naming(member)`."""
        table = self._wire.get(naming)
        if table is None:
            table = {naming(member): member for member in self.members.values()}
            self._wire[naming] = table
        return table


# Inspector scans images on demand, yet its pattern of a resource's id fits no image.
_TOO_NARROW = {("inspector2", "ResourceId")}


def _compiled(pattern):
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None  # a few patterns use another engine's character classes


class Operation:
    def __init__(self, service, spec):
        self.name = spec["name"]
        http = spec.get("http", {})
        self.method = http.get("method", "POST")
        self.uri = http.get("requestUri", "/")
        self.status = http.get("responseCode", 200)
        self.input = service.shape(spec["input"]["shape"]) if "input" in spec else None
        self.output = service.shape(spec["output"]["shape"]) if "output" in spec else None
        self.result_wrapper = spec.get("output", {}).get("resultWrapper")
        self.unsigned = spec.get("authtype") == "none"


class Service:
    def __init__(self, name, document):
        self.name = name
        self.metadata = document["metadata"]
        self.protocol = self.metadata["protocol"]
        self._shape_specs = document["shapes"]
        self._operation_specs = document["operations"]
        self._shapes = {}
        self._operations = {}
        self.routes = None  # filled by codec.rest

    def shape(self, name):
        shape = self._shapes.get(name)
        if shape is None:
            shape = self._shapes[name] = Shape(self, name, self._shape_specs[name])
        return shape

    def operation(self, name):
        """The operation, or None."""
        operation = self._operations.get(name)
        if operation is None and name in self._operation_specs:
            operation = self._operations[name] = Operation(self, self._operation_specs[name])
        return operation

    def operation_names(self):
        return self._operation_specs.keys()

    def error_status(self, code):
        """The HTTP status that the model gives to an error code; None when it names none."""
        for name, spec in self._shape_specs.items():
            if not spec.get("exception"):
                continue
            if name == code or spec.get("error", {}).get("code") == code:
                return spec.get("error", {}).get("httpStatusCode")
        return None

    def error_query_code(self, name):
        """The code on the wire of an exception shape (query services cut the ending)."""
        return self._shape_specs.get(name, {}).get("error", {}).get("code", name)


class Models:
    """All services below one data directory. Safe from several threads."""

    def __init__(self, directory):
        self.directory = directory
        self._services = {}
        self._lock = threading.Lock()

    def service(self, name):
        service = self._services.get(name)
        if service is not None:
            return service
        with self._lock:
            service = self._services.get(name)
            if service is None:
                service = Service(name, _read_model(self.directory, name))
                self._services[name] = service
            return service


def _read_model(directory, name):
    for version in sorted(os.listdir(os.path.join(directory, name)), reverse=True):
        base = os.path.join(directory, name, version, "service-2.json")
        if os.path.exists(base):
            with open(base, "rb") as file:
                return json.load(file)
        if os.path.exists(base + ".gz"):
            with gzip.open(base + ".gz") as file:
                return json.load(file)
    raise FileNotFoundError(f"{directory} has no model of {name}")


def default_directory():
    """Where the models are: the environment, the project's venv, an installed botocore, Debian's."""
    given = os.environ.get("HALLMARK_AWS_MODELS")
    if given:
        return given
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    found = glob.glob(os.path.join(root, ".venv", "lib", "*", "site-packages", "botocore", "data"))
    if found:
        return found[0]
    spec = importlib.util.find_spec("botocore")
    if spec and spec.submodule_search_locations:
        data = os.path.join(list(spec.submodule_search_locations)[0], "data")
        if os.path.isdir(data):
            return data
    for data in ("/usr/lib/python3/dist-packages/botocore/data",
                 "/usr/lib/python3/dist-packages/awscli/botocore/data"):
        if os.path.isdir(data):
            return data
    raise FileNotFoundError(
        "no service models: give --models DIR, or install python3-botocore")
