"""Inspector: who is scanned, what was found. `arrange` is the control endpoint's `inspector`."""

import copy
import hashlib

from ..errors import Refusal
from ..paging import page
from . import operation

DEFAULTS = {
    "status": "ENABLED",  # of scanning EC2 in this account and region
    "enable_looks": 1,
    "enable_failures": [],  # [{"errorCode", "errorMessage"}], each used once
    "coverage": [{"absent": True}, {"reason": "PENDING_INITIAL_SCAN"},
                 {"reason": "SUCCESSFUL", "scanned": "old"},
                 {"reason": "SUCCESSFUL", "scanned": "now"}],
    "coverage_of": {},  # the same for one instance
    "scan_types": ["PACKAGE", "NETWORK"],
    "found": [],  # short findings, on every instance that was scanned
    "details_errors": {},  # ARN, CVE or "*" -> errorCode
    "token_loop": False,
    "report_walk": ["IN_PROGRESS", "SUCCEEDED"], "report_error": None,
    "on_demand_walk": ["IN_PROGRESS", "SUCCESSFUL"], "on_demand_reason": None,
    "on_demand_listed": True,  # False: what scans of images find is published as events only
    "cis_walk": ["IN_PROGRESS", "COMPLETED"], "cis_checks": [], "cis_target": {},
    "sbom_vulnerabilities": "match", "sbom_limit": 5000, "sbom_error": None,
}
_STEP = {"absent", "code", "reason", "scanned", "mode", "bare", "looks"}
_ORDER = ["UNTRIAGED", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]


def options(place):
    return place.settings.setdefault("inspector", copy.deepcopy(DEFAULTS))


def arrange(world, given):
    """Sets what is given; all of it, and what calls have made."""
    place = world.place(given["account"], given["region"])
    changes = {name: value for name, value in given.items() if name not in ("account", "region")}
    unknown = set(changes) - set(DEFAULTS)
    for steps in [changes.get("coverage", []), *changes.get("coverage_of", {}).values()]:
        unknown |= {name for step in steps for name in step} - _STEP
    if unknown:
        raise ValueError(f"Inspector has no {', '.join(sorted(unknown))}")
    options(place).update(changes)
    return {"options": options(place), **{
        name: sorted(place[f"inspector_{name}"])
        for name in ("reports", "cis_configurations", "cis_scans", "on_demand")}}


def invalid(message, reason="OTHER", fields=()):
    return Refusal("ValidationException", message, 400, {
        "reason": reason, **({"fields": list(fields)} if fields else {})})


class Course:
    """Steps that pass with looks: `looks` of each (1), the last one stays."""

    def __init__(self, steps):
        self.steps = [step if isinstance(step, dict) else {"status": step} for step in steps]
        self.at = self.seen = 0
        self.times = {}

    @property
    def step(self):
        return self.steps[self.at]

    def look(self, now):
        if self.at + 1 < len(self.steps) and self.seen >= self.step.get("looks", 1):
            self.at += 1
            self.seen = 0
        self.seen += 1
        self.times.setdefault(self.at, now)
        return self.step


# The account.

def _state(place):
    status = options(place)["status"]
    return {"status": status, "errorCode": "ALREADY_ENABLED" if status == "ENABLED"
            else "ENABLE_IN_PROGRESS", "errorMessage": status.lower()}


@operation("inspector2", "BatchGetAccountStatus")
def batch_get_account_status(call):
    found = []
    for name in call.input.get("accountIds") or [call.account]:
        place = call.world.place(name, call.region)
        chosen = options(place)
        if chosen["status"] == "ENABLING":
            left = place.settings.setdefault("inspector_enabling", chosen["enable_looks"])
            place.settings["inspector_enabling"] = left - 1
            if left <= 0:
                chosen["status"] = "ENABLED"
                del place.settings["inspector_enabling"]
        found.append({"accountId": name, "state": _state(place),
                      "resourceState": {"ec2": _state(place), "ecr": _state(place)}})
    return {"accounts": found}


def _switch(call, status):
    accounts, failed = [], []
    for name in call.input.get("accountIds") or [call.account]:
        place = call.world.place(name, call.region)
        chosen = options(place)
        if chosen["enable_failures"]:
            failed.append({"accountId": name, "status": chosen["status"],
                           "resourceStatus": {"ec2": chosen["status"], "ecr": chosen["status"]},
                           **chosen["enable_failures"].pop(0)})
            continue
        if not (status == "ENABLING" and chosen["status"] == "ENABLED"):
            chosen["status"] = status
        accounts.append({"accountId": name, "status": chosen["status"], "resourceStatus": {
            "ec2": chosen["status"], "ecr": chosen["status"]}})
    return {"accounts": accounts, "failedAccounts": failed}


@operation("inspector2", "Enable")
def enable(call):
    return _switch(call, "ENABLING")


@operation("inspector2", "Disable")
def disable(call):
    return _switch(call, "DISABLED")


@operation("inspector2", "GetConfiguration")
def get_configuration(call):
    mode = call.place.settings.get("inspector_mode", "EC2_SSM_AGENT_BASED")
    return {"ec2Configuration": {"scanModeState": {"scanMode": mode,
                                                   "scanModeStatus": "SUCCESS"}}}


@operation("inspector2", "UpdateConfiguration")
def update_configuration(call):
    chosen = call.input.get("ec2Configuration")
    if chosen:
        call.place.settings["inspector_mode"] = chosen["scanMode"]
    return {}


# Coverage.

def instances_of(place):
    """What Inspector could see: (id, item)."""
    return list(place["instances"].items())


def _course(place, instance):
    chosen = options(place)
    courses = place["inspector_courses"]
    if instance not in courses:
        courses[instance] = Course(chosen["coverage_of"].get(instance, chosen["coverage"]))
    return courses[instance]


def _tags(item):
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}


def _rows(call, instance, item, look):
    """Coverage rows of an instance; a look moves its course on."""
    course = _course(call.place, instance)
    step = course.look(call.now) if look else course.step
    if step.get("absent"):
        return []
    state = item["State"]["Name"]
    ended = {"terminated": "RESOURCE_TERMINATED", "shutting-down": "RESOURCE_TERMINATED",
             "stopped": "EC2_INSTANCE_STOPPED", "stopping": "EC2_INSTANCE_STOPPED"}.get(state)
    reason = ended or step.get("reason", "SUCCESSFUL")
    code = "INACTIVE" if ended else step.get(
        "code", "INACTIVE" if reason.startswith(("UNMANAGED", "UNSUPPORTED", "EXCLUDED", "STALE"))
        else "ACTIVE")
    rows = []
    for kind in options(call.place)["scan_types"]:
        row = {"resourceType": "AWS_EC2_INSTANCE", "resourceId": instance,
               "accountId": call.account, "scanType": kind}
        if not step.get("bare"):
            row["scanStatus"] = {"statusCode": code, "reason": reason}
            row["resourceMetadata"] = {"ec2": {"amiId": item["ImageId"], "platform": "LINUX",
                                               "tags": _tags(item)}}
            row["scanMode"] = step.get("mode", call.place.settings.get("inspector_mode",
                                                                       "EC2_SSM_AGENT_BASED"))
            scanned = step.get("scanned")
            if scanned is not None:
                row["lastScannedAt"] = {"now": course.times.get(course.at, call.now),
                                        "old": call.now - 86400}.get(scanned, scanned)
        rows.append(row)
    return rows


def _text_fits(filters, value):
    """One list of filters: any that is wanted, none that is not."""
    wanted = [item for item in filters if item["comparison"] != "NOT_EQUALS"]
    if any(item["value"] == value for item in filters if item not in wanted):
        return False
    return not wanted or any(
        value == item["value"] if item["comparison"] == "EQUALS"
        else str(value).startswith(item["value"]) for item in wanted)


@operation("inspector2", "ListCoverage")
def list_coverage(call):
    criteria = dict(call.input.get("filterCriteria") or {})
    rows = []
    wanted = criteria.pop("resourceId", [])
    if options(call.place)["status"] == "ENABLED":
        for instance, item in instances_of(call.place):
            if _text_fits(wanted, instance):
                rows += _rows(call, instance, item, not call.input.get("nextToken"))
    for name, filters in criteria.items():
        if name == "ec2InstanceTags":
            rows = [row for row in rows if any(
                row.get("resourceMetadata", {}).get("ec2", {}).get("tags", {}).get(item["key"])
                == item.get("value") for item in filters)]
        elif name == "lastScannedAt":
            rows = [row for row in rows if any(
                item.get("startInclusive", 0) <= row.get("lastScannedAt", -1)
                <= item.get("endInclusive", 1e12) for item in filters)]
        else:
            rows = [row for row in rows if _text_fits(filters, {
                "scanStatusCode": row.get("scanStatus", {}).get("statusCode"),
                "scanStatusReason": row.get("scanStatus", {}).get("reason")}.get(
                    name, row.get(name)))]
    found, token = page(call, rows, call.input.get("maxResults", 200),
                        call.input.get("nextToken"), "ValidationException")
    return {"coveredResources": found, "nextToken": token}


# Findings.

def _arn(call, *parts):
    digest = hashlib.md5("\n".join(map(str, parts)).encode()).hexdigest()
    return call.arn("inspector2", f"finding/{digest}")


def _packages(short):
    return [{"name": item["package"], "version": item.get("version", "1.0"), "epoch": 0,
             "release": item.get("release", "1"), "arch": "X86_64", "packageManager": "OS",
             "fixedInVersion": item.get("fixed", "NotAvailable"), "filePath": item.get("path"),
             "remediation": "apt-get update && apt-get upgrade"}
            for item in short.get("packages", [short] if "package" in short else [])]


def _whole(call, short, instance, item, kind="AWS_EC2_INSTANCE"):
    """A finding as the service has it; only what is required if `bare`."""
    # The same in every answer, as a finding's first moment is.
    since = call.place["inspector_since"].setdefault(instance, call.now - 60)
    ended = item.get("State", {}).get("Name") in ("terminated", "shutting-down")
    finding = {
        "findingArn": _arn(call, instance, short["cve"]), "awsAccountId": call.account,
        "type": short.get("type", "PACKAGE_VULNERABILITY"),
        "severity": short.get("severity", "MEDIUM"),
        "status": "CLOSED" if ended else short.get("status", "ACTIVE"),
        "description": f"About {short['cve']}.",
        "remediation": {"recommendation": {"text": "None Provided"}},
        "firstObservedAt": since, "lastObservedAt": since,
        "resources": [{"type": kind, "id": instance, "region": call.region, "partition": "aws"}]}
    if short.get("bare"):
        return finding
    packages = _packages(short)
    finding.update({
        "title": f"{short['cve']} - {packages[0]['name'] if packages else 'network'}",
        "updatedAt": since, "fixAvailable": short.get("fix", "YES" if "fixed" in short else "NO"),
        "exploitAvailable": short.get("exploit", "NO")})
    if kind == "AWS_EC2_INSTANCE":
        finding["resources"][0].update(tags=_tags(item), details={"awsEc2Instance": {
            "imageId": item["ImageId"], "type": item["InstanceType"], "platform": "DEBIAN_12"}})
    if finding["type"] == "NETWORK_REACHABILITY":
        finding["networkReachabilityDetails"] = {
            "openPortRange": {"begin": short.get("port", 22), "end": short.get("port", 22)},
            "protocol": "TCP", "networkPath": {"steps": []}}
        return finding
    score = short.get("score")
    finding["packageVulnerabilityDetails"] = {
        "vulnerabilityId": short["cve"], "source": short.get("source", "DEBIAN_CVE"),
        "sourceUrl": f"https://security-tracker.debian.org/tracker/{short['cve']}",
        "relatedVulnerabilities": short.get("related", []), "referenceUrls": [],
        "cvss": [{"baseScore": score, "version": "3.1", "source": "NVD",
                  "scoringVector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]
        if score is not None else [], "vulnerablePackages": packages}
    if score is not None:
        finding["inspectorScore"] = score
    if "epss" in short:
        finding["epss"] = {"score": short["epss"]}
    return finding


def findings_of(call):
    """[(finding, what it was written from)]: of instances that were scanned, and as given."""
    place = call.place
    chosen = options(place)
    found = [(finding, {}) for finding in place.settings.get("findings", [])]
    for instance, item in instances_of(place):
        course = place["inspector_courses"].get(instance)
        if course is not None and course.step.get("scanned") is not None:
            found += [(_whole(call, short, instance, item), short) for short in chosen["found"]]
    for scan in place["inspector_on_demand"].values():
        if scan["course"].step["status"] == "SUCCESSFUL" and chosen["on_demand_listed"]:
            found += [({**_whole(call, short, scan["resource"], {}, "MACHINE_IMAGE"),
                        "lastObservedAt": scan["started"]}, short) for short in chosen["found"]]
    return found


def _values(finding, name):
    details = finding.get("packageVulnerabilityDetails", {})
    resources = finding.get("resources", [])
    simple = {"findingType": "type", "findingStatus": "status"}.get(name, name)
    if simple in finding:
        return [finding[simple]]
    return {"resourceId": [item["id"] for item in resources],
            "resourceType": [item["type"] for item in resources],
            "ec2InstanceImageId": [item.get("details", {}).get("awsEc2Instance", {}).get("imageId")
                                   for item in resources],
            "vulnerabilityId": [details.get("vulnerabilityId")],
            "vulnerabilitySource": [details.get("source")],
            "vendorSeverity": [details.get("vendorSeverity")],
            "machineImageId": [item["id"] for item in resources
                               if item["type"] == "MACHINE_IMAGE"]}.get(name, [None])


_FILTERS = {"findingArn", "awsAccountId", "findingType", "severity", "findingStatus", "title",
            "resourceId", "resourceType", "ec2InstanceImageId", "vulnerabilityId",
            "vulnerabilitySource", "vendorSeverity", "fixAvailable", "exploitAvailable",
            "machineImageId"}


def chosen_findings(call, criteria):
    found = [finding for finding, _ in findings_of(call)]
    for name, filters in (criteria or {}).items():
        if name not in _FILTERS:
            raise invalid(f"the stand-in has no filter {name}")
        found = [finding for finding in found
                 if any(_text_fits(filters, value) for value in _values(finding, name))]
    return found


@operation("inspector2", "ListFindings")
def list_findings(call):
    found = chosen_findings(call, call.input.get("filterCriteria"))
    order = call.input.get("sortCriteria")
    if order and order["field"] == "SEVERITY":
        found.sort(key=lambda finding: _ORDER.index(finding["severity"]),
                   reverse=order["sortOrder"] == "DESC")
    found, token = page(call, found, call.input.get("maxResults", 100),
                        call.input.get("nextToken"), "ValidationException")
    if options(call.place)["token_loop"]:
        token = call.input.get("nextToken") or token
    return {"findings": found, "nextToken": token}


@operation("inspector2", "BatchGetFindingDetails")
def batch_get_finding_details(call):
    known = {finding["findingArn"]: short for finding, short in findings_of(call)}
    wrong = options(call.place)["details_errors"]
    details, errors = [], []
    for arn in call.input["findingArns"]:
        short = known.get(arn, {})
        code = wrong.get(arn) or wrong.get(short.get("cve")) or wrong.get("*") \
            or (None if arn in known else "FINDING_DETAILS_NOT_FOUND")
        if code:
            errors.append({"findingArn": arn, "errorCode": code, "errorMessage": code.lower()})
            continue
        entry = {"findingArn": arn, "riskScore": 50, "cwes": short.get("cwes", []),
                 "referenceUrls": [], "tools": [], "ttps": [], "evidences": []}
        if "epss" in short:
            entry["epssScore"] = short["epss"]
        if "kev" in short:
            entry["cisaData"] = short["kev"]
        details.append(entry)
    return {"findingDetails": details, "errors": errors}
