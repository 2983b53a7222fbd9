"""What a service answers when it refuses."""


class Refusal(Exception):
    """An answer in the service's own error form."""

    def __init__(self, code, message="", status=400, fields=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


class InputProblem(Exception):
    """A request that the model does not allow. `what`: unknown, missing, type or value."""

    def __init__(self, what, path, message):
        super().__init__(message)
        self.what = what
        self.path = path
        self.message = message


class OutputProblem(Exception):
    """The stand-in itself tried to answer what the model does not allow: a defect here."""


_VALIDATION_CODES = {
    "sts": "ValidationError",
    "iam": "ValidationError",
    "cloudformation": "ValidationError",
    "sns": "InvalidParameter",
    "s3": "InvalidArgument",
    "servicecatalog": "InvalidParametersException",
    "config": "InvalidParameterValueException",
    "organizations": "InvalidInputException",
    "lambda": "InvalidParameterValueException",
    "sesv2": "BadRequestException",
}

_EC2_CODES = {
    "missing": "MissingParameter",
    "unknown": "UnknownParameter",
    "type": "InvalidParameterValue",
    "value": "InvalidParameterValue",
    "body": "MalformedQueryString",
}


def refusal_of_input(service, problem):
    """The validation error that `service` gives for `problem`."""
    if service == "ec2":
        return Refusal(_EC2_CODES[problem.what], problem.message)
    if problem.what == "body":
        code = "MalformedXML" if service == "s3" else "SerializationException"
        return Refusal(code, problem.message)
    if problem.what == "type" and service in ("ssm", "events", "kms", "organizations"):
        return Refusal("SerializationException", problem.message)
    code = _VALIDATION_CODES.get(service, "ValidationException")
    return Refusal(
        code,
        f"1 validation error detected: {problem.message} at '{problem.path}'",
    )
