"""CloudFormation templates: parameters, conditions and intrinsic functions."""

import json
import re

from ..errors import Refusal

_NOTHING = object()


def parse(text):
    """The template; JSON, and YAML without short tags where a YAML library is installed."""
    try:
        document = json.loads(text)
    except ValueError:
        try:
            import yaml
            document = yaml.safe_load(text)
        except Exception:
            raise Refusal("ValidationError", "Template format error: unsupported structure.") \
                from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise Refusal("ValidationError", "Template format error: At least one Resources member must "
                      "be defined.")
    return document


def parameter_values(call, document, given):
    """Values of all parameters; those of SSM types are looked up."""
    from . import parameters
    specs = document.get("Parameters", {})
    unknown = set(given) - set(specs)
    if unknown:
        raise Refusal("ValidationError", f"Parameters: [{', '.join(sorted(unknown))}] do not exist "
                      "in the template")
    values = {}
    for name, spec in specs.items():
        value = given.get(name, spec.get("Default"))
        if value is None:
            raise Refusal("ValidationError", f"Parameters: [{name}] must have values")
        if "AllowedValues" in spec and value not in spec["AllowedValues"]:
            raise Refusal("ValidationError", f"Parameter '{name}' must be one of AllowedValues")
        if "AllowedPattern" in spec and not re.fullmatch(spec["AllowedPattern"], str(value)):
            raise Refusal("ValidationError", f"Parameter {name} failed to satisfy constraint: "
                          f"{spec.get('ConstraintDescription', spec['AllowedPattern'])}")
        kind = spec.get("Type", "String")
        if kind.startswith("AWS::SSM::Parameter::Value"):
            try:
                value = parameters.resolve(call, value)
            except Refusal:
                raise Refusal("ValidationError", f"Unable to fetch parameters [{value}] from "
                              "parameter store for this account.") from None
        if kind.startswith(("List<", "CommaDelimitedList")) and isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        values[name] = value
    return values


class Resolver:
    """Evaluates a template's expressions against parameters and what was made so far."""

    def __init__(self, call, document, values, stack_name, stack_id):
        self._document = document
        self._call = call
        self._values = values
        self.made = {}  # logical name -> (physical id, attributes)
        self._pseudo = {
            "AWS::AccountId": call.account, "AWS::Region": call.region, "AWS::Partition": "aws",
            "AWS::StackName": stack_name, "AWS::StackId": stack_id,
            "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": _NOTHING}

    def condition(self, name):
        return bool(self.value(self._document.get("Conditions", {})[name]))

    def value(self, item):
        if isinstance(item, list):
            return [one for one in (self.value(one) for one in item) if one is not _NOTHING]
        if not isinstance(item, dict):
            return item
        if len(item) == 1:
            name, inner = next(iter(item.items()))
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._function(name, inner)
        found = {key: self.value(one) for key, one in item.items()}
        return {key: one for key, one in found.items() if one is not _NOTHING}

    def _function(self, name, inner):
        if name == "Ref":
            return self._reference(inner)
        if name == "Condition":
            return self.condition(inner)
        if name == "Fn::GetAtt":
            logical, _, attribute = inner.partition(".") if isinstance(inner, str) else (
                inner[0], ".", inner[1])
            return self._attribute(logical, attribute)
        if name == "Fn::Sub":
            return self._substitute(inner)
        if name == "Fn::If":
            return self.value(inner[1] if self.condition(inner[0]) else inner[2])
        given = self.value(inner)
        if name == "Fn::Join":
            return given[0].join(str(one) for one in given[1])
        if name == "Fn::Select":
            return given[1][int(given[0])]
        if name == "Fn::Split":
            return given[1].split(given[0])
        if name == "Fn::GetAZs":
            return [self._call.region + letter for letter in "abc"]
        if name == "Fn::Base64":
            import base64
            return base64.b64encode(given.encode()).decode()
        if name == "Fn::FindInMap":
            return self._document["Mappings"][given[0]][given[1]][given[2]]
        if name == "Fn::Equals":
            return given[0] == given[1]
        if name == "Fn::Not":
            return not given[0]
        if name == "Fn::And":
            return all(given)
        if name == "Fn::Or":
            return any(given)
        if name == "Fn::Cidr":
            import ipaddress
            network = ipaddress.ip_network(given[0])
            found = network.subnets(new_prefix=32 - int(given[2]))
            return [str(one) for one, _ in zip(found, range(int(given[1])))]
        if name == "Fn::ImportValue":
            for stack in self._call.place["stacks"].values():
                for output in stack["Outputs"]:
                    if output.get("ExportName") == given:
                        return output["OutputValue"]
            raise Refusal("ValidationError", f"No export named {given} found.")
        raise Refusal("ValidationError", f"Template error: {name} is not known")

    def _reference(self, name):
        for table in (self._pseudo, self._values):
            if name in table:
                return table[name]
        if name in self.made:
            return self.made[name][0]
        raise Refusal("ValidationError", f"Template format error: Unresolved resource dependencies "
                      f"[{name}] in the Resources block of the template")

    def _attribute(self, logical, attribute):
        if logical not in self.made:
            raise Refusal("ValidationError", f"Unresolved resource dependencies [{logical}]")
        attributes = self.made[logical][1]
        if attribute not in attributes:
            raise Refusal("ValidationError", f"Template error: resource {logical} does not support "
                          f"attribute type {attribute} in Fn::GetAtt")
        return attributes[attribute]

    def _substitute(self, inner):
        text, own = (inner, {}) if isinstance(inner, str) else (inner[0], self.value(inner[1]))

        def replace(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return str(own[name])
            if "." in name and not name.startswith("AWS::"):
                return str(self._attribute(*name.split(".", 1)))
            return str(self._reference(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)


def order(resources):
    """Logical names so that each comes after what it refers to."""
    def references(item):
        if isinstance(item, dict):
            for key, inner in item.items():
                if key == "Ref" and isinstance(inner, str):
                    yield inner
                elif key == "Fn::GetAtt":
                    yield inner.split(".")[0] if isinstance(inner, str) else inner[0]
                elif key == "Fn::Sub":
                    text = inner if isinstance(inner, str) else inner[0]
                    for name in re.findall(r"\$\{([^}!]+)\}", text):
                        yield name.split(".")[0]
                    if not isinstance(inner, str):
                        yield from references(inner[1])
                elif key == "DependsOn":
                    yield from [inner] if isinstance(inner, str) else inner
                else:
                    yield from references(inner)
        elif isinstance(item, list):
            for inner in item:
                yield from references(inner)

    done, going = [], set()

    def visit(name):
        if name in done:
            return
        if name in going:
            raise Refusal("ValidationError", f"Circular dependency between resources: [{name}]")
        going.add(name)
        for other in references(resources[name]):
            if other in resources and other != name:
                visit(other)
        going.discard(name)
        done.append(name)

    for name in resources:
        visit(name)
    return done
