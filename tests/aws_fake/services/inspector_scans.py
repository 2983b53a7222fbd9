"""Inspector's other work: reports and SBOMs to a bucket, images on demand, CIS benchmarks."""

import json
import uuid

from ..errors import Refusal
from ..paging import page
from . import operation, s3
from .inspector2 import Course, chosen_findings, findings_of, instances_of, invalid, options


def _missing(what):
    return Refusal("ResourceNotFoundException", f"{what} was not found", 404)


# Reports and SBOM exports.

def _trouble(call, destination, empty):
    """Why the file cannot be made, or None; seen only when the report is asked after."""
    forced = options(call.place)["report_error"]
    if forced:
        return forced
    bucket = call.world.buckets.get(destination["bucketName"])
    if bucket is None:
        return "BUCKET_NOT_FOUND"
    if bucket["region"] != call.region:
        return "INCOMPATIBLE_BUCKET_REGION"
    if destination["kmsKeyArn"] not in call.world.keys:
        return "MALFORMED_KMS_KEY"
    return "NO_FINDINGS_FOUND" if empty else None


def _start(call, files, empty):
    """`files`: {key under the prefix: text}, of the moment of the call."""
    number = str(uuid.uuid4())
    destination = call.input["s3Destination"]
    trouble = _trouble(call, destination, empty)
    steps = options(call.place)["report_walk"]
    if trouble:
        steps = [*steps[:-1], "FAILED"]
    call.place["inspector_reports"][number] = {
        "course": Course(steps), "input": call.input, "files": files(number), "trouble": trouble}
    return {"reportId": number}


def _status(call):
    number = call.input.get("reportId")
    report = call.place["inspector_reports"].get(number)
    if report is None:
        raise _missing("The report")
    status = report["course"].look(call.now)["status"]
    destination = report["input"]["s3Destination"]
    if status == "SUCCEEDED":
        prefix = destination.get("keyPrefix", "").strip("/")
        bucket = call.world.buckets[destination["bucketName"]]
        for key, text in report["files"].items():
            s3.store(call.world, bucket, f"{prefix}/{key}" if prefix else key, text.encode(),
                     "application/json")
        report["files"] = {}
    answer = {"reportId": number, "status": status}
    if status == "FAILED":
        code = report["trouble"] or "INTERNAL_ERROR"
        answer.update(errorCode=code, errorMessage=code.lower().replace("_", " "))
    return report, destination, answer


def _cancel(call):
    report = call.place["inspector_reports"].get(call.input["reportId"])
    if report is None:
        raise _missing("The report")
    report["course"] = Course(["CANCELLED"])
    return {"reportId": call.input["reportId"]}


@operation("inspector2", "CreateFindingsReport")
def create_findings_report(call):
    found = chosen_findings(call, call.input.get("filterCriteria"))
    kind = call.input["reportFormat"].lower()
    lines = ["AWS Account Id,Severity,Title"] + [
        f"{item['awsAccountId']},{item['severity']},{item.get('title', '')}" for item in found]
    text = json.dumps({"findings": found}) if kind == "json" else "\n".join(lines) + "\n"
    return _start(call, lambda number: {f"{number}.{kind}": text}, not found)


@operation("inspector2", "GetFindingsReportStatus")
def get_findings_report_status(call):
    report, destination, answer = _status(call)
    return {**answer, "destination": destination,
            "filterCriteria": report["input"].get("filterCriteria")}


@operation("inspector2", "CreateSbomExport")
def create_sbom_export(call):
    criteria = call.input.get("resourceFilterCriteria") or {}
    wanted = [item["value"] for item in criteria.get("resourceId", [])]
    kind = call.input["reportFormat"]
    chosen = [name for name, _ in instances_of(call.place) if not wanted or name in wanted]
    components = {}
    for finding, _ in findings_of(call):
        for item in finding.get("packageVulnerabilityDetails", {}).get("vulnerablePackages", []):
            components[item["name"]] = item["version"]
    cyclone = kind.startswith("CYCLONEDX")
    items = [{"type": "application", "name": name, "version": version} if cyclone
             else {"SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version}
             for name, version in sorted(components.items())]
    text = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.4", "components": items}
                      if cyclone else {"spdxVersion": "SPDX-2.3", "packages": items})

    def files(number):
        return {f"{kind}_outputs_{number}/account={call.account}/resource=AWS_EC2_INSTANCE/"
                f"{name}_{number}.json": text for name in chosen}
    return _start(call, files, not chosen)


@operation("inspector2", "GetSbomExport")
def get_sbom_export(call):
    report, destination, answer = _status(call)
    return {**answer, "format": report["input"]["reportFormat"], "s3Destination": destination,
            "filterCriteria": report["input"].get("resourceFilterCriteria")}


operation("inspector2", "CancelFindingsReport")(_cancel)
operation("inspector2", "CancelSbomExport")(_cancel)


# Images on demand.

def _shown(scan, step):
    answer = {"scanId": scan["id"], "resourceId": scan["resource"], "resourceType": "AMI",
              "scanStatus": step["status"], "startedAt": scan["started"]}
    if step["status"] == "FAILED":
        answer["scanStatusReason"] = scan["reason"]
    if step["status"] != "IN_PROGRESS":
        answer["completedAt"] = scan["started"] + 60
    return answer


@operation("inspector2", "StartOnDemandScan")
def start_on_demand_scan(call):
    resource = call.input["resourceId"]
    if resource.rpartition("/")[2] not in call.world.images:
        raise invalid("The image does not exist")
    scans = call.place["inspector_on_demand"]
    token = call.input.get("clientToken")
    for scan in scans.values():
        if token and scan["token"] == token:
            return {"scanId": scan["id"]}
    if any(scan["resource"] == resource and scan["course"].step["status"] == "IN_PROGRESS"
           for scan in scans.values()):
        raise Refusal("ConflictException", "A scan of the resource is in progress", 409)
    number = uuid.uuid4().hex
    chosen = options(call.place)
    scans[number] = {"id": number, "resource": resource, "started": call.now, "token": token,
                     "reason": chosen["on_demand_reason"] or "INTERNAL_ERROR",
                     "course": Course(chosen["on_demand_walk"])}
    return {"scanId": number}


@operation("inspector2", "GetOnDemandScanStatus")
def get_on_demand_scan_status(call):
    scan = call.place["inspector_on_demand"].get(call.input["scanId"])
    if scan is None or scan["resource"] != call.input["resourceId"]:
        raise _missing("The scan")
    return _shown(scan, scan["course"].look(call.now))


@operation("inspector2", "ListOnDemandScans")
def list_on_demand_scans(call):
    found = [_shown(scan, scan["course"].step)
             for scan in call.place["inspector_on_demand"].values()
             if scan["resource"] == call.input["resourceId"]]
    found, token = page(call, found, call.input.get("maxResults", 100),
                        call.input.get("nextToken"), "ValidationException")
    return {"items": found, "nextToken": token}


# CIS.

@operation("inspector2", "CreateCisScanConfiguration")
def create_cis_scan_configuration(call):
    given = call.input
    number = str(uuid.uuid4())
    arn = call.arn("inspector2", f"owner/{call.account}/cis-configuration/{number}")
    call.place["inspector_cis_configurations"][arn] = given
    if "oneTime" in given["schedule"]:
        scan = call.arn("inspector2", f"owner/{call.account}/cis-scan/{number}")
        call.place["inspector_cis_scans"][scan] = {
            "arn": scan, "configuration": arn, "given": given, "date": call.now,
            "course": Course(options(call.place)["cis_walk"])}
    return {"scanConfigurationArn": arn}


@operation("inspector2", "DeleteCisScanConfiguration")
def delete_cis_scan_configuration(call):
    arn = call.input["scanConfigurationArn"]
    if call.place["inspector_cis_configurations"].pop(arn, None) is None:
        raise _missing("The scan configuration")
    return {"scanConfigurationArn": arn}


@operation("inspector2", "ListCisScanConfigurations")
def list_cis_scan_configurations(call):
    return {"scanConfigurations": [
        {"scanConfigurationArn": arn, "ownerId": call.account, "scanName": given["scanName"],
         "securityLevel": given["securityLevel"], "schedule": given["schedule"],
         "targets": given["targets"]}
        for arn, given in call.place["inspector_cis_configurations"].items()]}


def _counts(call):
    checks = options(call.place)["cis_checks"]
    return {name.lower(): sum(check["status"] == name for check in checks)
            for name in ("PASSED", "FAILED", "SKIPPED")}


@operation("inspector2", "ListCisScans")
def list_cis_scans(call):
    wanted = [item["value"] for item in (call.input.get("filterCriteria") or {}).get(
        "scanConfigurationArnFilters", [])]
    counts, found = _counts(call), []
    for scan in call.place["inspector_cis_scans"].values():
        if wanted and scan["configuration"] not in wanted:
            continue
        given = scan["given"]
        status = scan["course"].look(call.now)["status"]
        found.append({
            "scanArn": scan["arn"], "scanConfigurationArn": scan["configuration"],
            "status": status, "scanName": given["scanName"], "scanDate": scan["date"],
            "failedChecks": counts["failed"] if status == "COMPLETED" else 0,
            "totalChecks": sum(counts.values()) if status == "COMPLETED" else 0,
            "securityLevel": given["securityLevel"], "targets": {
                "accountIds": [call.account],
                "targetResourceTags": given["targets"]["targetResourceTags"]}})
    found, token = page(call, found, call.input.get("maxResults", 100),
                        call.input.get("nextToken"), "ValidationException")
    return {"scans": found, "nextToken": token}


def _scan(call):
    scan = call.place["inspector_cis_scans"].get(call.input["scanArn"])
    if scan is None:
        raise _missing("The scan")
    return scan


def _targets(call, scan):
    """Instances that have one of the tags."""
    wanted = scan["given"]["targets"]["targetResourceTags"]
    return [name for name, item in instances_of(call.place)
            if any(tag["Value"] in wanted.get(tag["Key"], []) for tag in item.get("Tags", ()))]


@operation("inspector2", "ListCisScanResultsAggregatedByTargetResource")
def list_cis_scan_results_aggregated_by_target_resource(call):
    scan = _scan(call)
    shown = {"targetStatus": "COMPLETED", **options(call.place)["cis_target"]}
    if scan["course"].step["status"] == "IN_PROGRESS":
        return {"targetResourceAggregations": []}
    return {"targetResourceAggregations": [
        {"scanArn": scan["arn"], "targetResourceId": name, "accountId": call.account,
         "statusCounts": _counts(call) if shown["targetStatus"] == "COMPLETED"
         else {"passed": 0, "failed": 0, "skipped": 0}, "platform": "DEBIAN_12", **shown}
        for name in _targets(call, scan)]}


@operation("inspector2", "GetCisScanResultDetails")
def get_cis_scan_result_details(call):
    scan = _scan(call)
    target = call.input["targetResourceId"]
    if target not in _targets(call, scan):
        raise _missing("The target")
    done = scan["course"].step["status"] == "COMPLETED" \
        and options(call.place)["cis_target"].get("targetStatus", "COMPLETED") == "COMPLETED"
    found = [{"scanArn": scan["arn"], "accountId": call.account, "targetResourceId": target,
              "platform": "DEBIAN_12", "level": scan["given"]["securityLevel"], **check}
             for check in (options(call.place)["cis_checks"] if done else [])]
    found, token = page(call, found, call.input.get("maxResults", 100),
                        call.input.get("nextToken"), "ValidationException")
    return {"scanResultDetails": found, "nextToken": token}
