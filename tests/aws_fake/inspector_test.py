"""Inspector: coverage, findings, reports, CIS, images on demand, and SBOMs."""

import glob
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from aws_fake.fake_test import PARENT, Case  # noqa: E402
from aws_fake.models import default_directory  # noqa: E402

import botocore.session  # noqa: E402

KEV = {"dateAdded": 1700000000, "dateDue": 1701000000, "action": "Apply updates"}
FOUND = [
    {"cve": "CVE-2023-0464", "severity": "HIGH", "package": "openssl", "version": "3.0.8",
     "fixed": "3.0.9-1", "score": 7.5, "epss": 0.02, "kev": KEV, "exploit": "YES"},
    {"cve": "CVE-2022-3715", "severity": "CRITICAL", "package": "bash", "status": "SUPPRESSED"},
    {"cve": "CVE-2024-0001", "severity": "UNTRIAGED", "bare": True},
    {"cve": "CVE-2024-0002", "severity": "LOW", "packages": [
        {"package": "libssl3", "fixed": "0:3.0.9-1"}, {"package": "openssl"}]},
    {"cve": "NETWORK-1", "type": "NETWORK_REACHABILITY", "severity": "MEDIUM", "port": 22},
]


class InspectorCase(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # With the models of the stand-in: the distribution's are of an earlier year.
        session = cls.fake._session = botocore.session.Session()
        session.get_component("data_loader").search_paths.insert(0, default_directory())

    def setUp(self):
        super().setUp()
        self.inspector = self.fake.client("inspector2")

    def arrange(self, **given):
        return self.fake.control("POST", "inspector", {
            "account": PARENT, "region": "us-east-1", **given})

    def rows(self, instance, **more):
        return self.inspector.list_coverage(filterCriteria={
            "resourceId": [{"comparison": "EQUALS", "value": instance}], **more})[
                "coveredResources"]

    def scanned(self, **more):
        self.arrange(found=FOUND, coverage=[{"scanned": "now"}], **more)
        instance = self.instance()
        self.rows(instance)
        return instance

    def findings(self, instance, **criteria):
        return self.inspector.list_findings(filterCriteria={
            "resourceId": [{"comparison": "EQUALS", "value": instance}],
            **{name: [{"comparison": "EQUALS", "value": value}]
               for name, value in criteria.items()}})["findings"]


class Account(InspectorCase):
    def test_enabling_takes_a_while_and_may_fail_in_part(self):
        self.arrange(status="DISABLED", enable_failures=[
            {"errorCode": "SSM_THROTTLED", "errorMessage": "later"}])
        instance = self.instance()
        self.assertEqual(self.rows(instance), [])
        answer = self.inspector.enable(resourceTypes=["EC2"])
        self.assertEqual((answer["accounts"], answer["failedAccounts"][0]["errorCode"]),
                         ([], "SSM_THROTTLED"))
        answer = self.inspector.enable(resourceTypes=["EC2"])
        self.assertEqual(answer["accounts"][0]["status"], "ENABLING")
        seen = [self.inspector.batch_get_account_status()["accounts"][0]["state"]["status"]
                for _ in range(3)]
        self.assertEqual(seen, ["ENABLING", "ENABLED", "ENABLED"])
        self.inspector.update_configuration(ec2Configuration={"scanMode": "EC2_HYBRID"})
        self.assertEqual(self.inspector.get_configuration()["ec2Configuration"]["scanModeState"]
                         ["scanMode"], "EC2_HYBRID")


class Coverage(InspectorCase):
    def test_the_usual_course(self):
        instance = self.instance()
        seen = []
        for _ in range(5):
            rows = [row for row in self.rows(instance) if row["scanType"] == "PACKAGE"]
            seen.append((rows[0]["scanStatus"]["reason"], rows[0].get("lastScannedAt"))
                        if rows else None)
        self.assertIsNone(seen[0])
        self.assertEqual(seen[1], ("PENDING_INITIAL_SCAN", None))
        self.assertEqual({item[0] for item in seen[2:]}, {"SUCCESSFUL"})
        self.assertGreater((seen[3][1] - seen[2][1]).total_seconds(), 80000)
        self.assertEqual(seen[3][1], seen[4][1])

    def test_only_the_network_and_only_what_is_required(self):
        self.arrange(scan_types=["NETWORK"], coverage=[{"bare": True}])
        rows = self.rows(self.instance())
        self.assertEqual([row["scanType"] for row in rows], ["NETWORK"])
        self.assertNotIn("scanStatus", rows[0])

    def test_each_bad_reason_and_its_filter(self):
        for reason in ("UNMANAGED_EC2_INSTANCE", "UNSUPPORTED_OS", "EXCLUDED_BY_TAG",
                       "STALE_INVENTORY", "DEEP_INSPECTION_NO_INVENTORY", "ACCESS_DENIED"):
            instance = self.instance()
            self.arrange(coverage_of={instance: [{"reason": reason}]})
            self.assertEqual(self.rows(instance)[0]["scanStatus"]["reason"], reason)
            self.assertEqual(self.rows(instance, scanStatusReason=[
                {"comparison": "EQUALS", "value": "SUCCESSFUL"}]), [])

    def test_an_instance_that_ended(self):
        instance = self.scanned()
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.assertEqual(self.rows(instance)[0]["scanStatus"],
                         {"statusCode": "INACTIVE", "reason": "RESOURCE_TERMINATED"})
        self.assertEqual({item["status"] for item in self.findings(instance)}, {"CLOSED"})


class Findings(InspectorCase):
    def test_none_before_the_scan(self):
        self.arrange(found=FOUND)
        instance = self.instance()
        for _ in range(2):
            self.rows(instance)
            self.assertEqual(self.findings(instance), [])

    def test_shapes_and_filters(self):
        instance = self.scanned()
        found = {item["severity"]: item for item in self.findings(instance)}
        self.assertEqual(len(found), 5)
        package = found["HIGH"]["packageVulnerabilityDetails"]["vulnerablePackages"][0]
        self.assertEqual(package["fixedInVersion"], "3.0.9-1")
        package = found["CRITICAL"]["packageVulnerabilityDetails"]["vulnerablePackages"][0]
        self.assertEqual((package["fixedInVersion"], found["CRITICAL"]["fixAvailable"]),
                         ("NotAvailable", "NO"))
        self.assertNotIn("title", found["UNTRIAGED"])
        self.assertEqual(len(found["LOW"]["packageVulnerabilityDetails"]["vulnerablePackages"]), 2)
        self.assertIn("networkReachabilityDetails", found["MEDIUM"])
        self.assertRegex(found["LOW"]["findingArn"], r":finding/[a-f0-9]{32}$")
        active = self.findings(instance, findingStatus="ACTIVE")
        self.assertEqual((len(active), len(self.findings(instance, findingStatus="SUPPRESSED"))),
                         (4, 1))
        self.refused("ValidationException", self.inspector.list_findings, filterCriteria={
            "networkProtocol": [{"comparison": "EQUALS", "value": "TCP"}]})

    def test_pages_order_and_a_loop(self):
        self.arrange(found=[{"cve": f"CVE-2024-{number}", "package": "p", "severity":
                             ("LOW", "HIGH")[number % 2]} for number in range(1000, 1101)],
                     coverage=[{"scanned": "now"}])
        self.rows(self.instance())
        order = {"field": "SEVERITY", "sortOrder": "DESC"}
        first = self.inspector.list_findings(maxResults=100, sortCriteria=order)
        self.assertEqual({item["severity"] for item in first["findings"][:50]}, {"HIGH"})
        last = self.inspector.list_findings(maxResults=100, sortCriteria=order,
                                            nextToken=first["nextToken"])
        self.assertEqual((len(first["findings"]), len(last["findings"])), (100, 1))
        self.assertNotIn("nextToken", last)
        self.refused("ValidationException", self.inspector.list_findings, nextToken="bm90")
        self.arrange(token_loop=True)
        tokens, token = set(), {}
        for _ in range(3):
            token = {"nextToken": self.inspector.list_findings(maxResults=10, **token)["nextToken"]}
            tokens.add(token["nextToken"])
        self.assertEqual(len(tokens), 1)

    def test_details_may_fail_in_part(self):
        instance = self.scanned(details_errors={"CVE-2022-3715": "ACCESS_DENIED"})
        arns = [item["findingArn"] for item in self.findings(instance)]
        unknown = arns[0][:-32] + "0" * 32
        answer = self.inspector.batch_get_finding_details(findingArns=[*arns, unknown])
        self.assertEqual(len(answer["findingDetails"]), 4)
        self.assertEqual({item["errorCode"] for item in answer["errors"]},
                         {"ACCESS_DENIED", "FINDING_DETAILS_NOT_FOUND"})
        self.assertEqual([item["cisaData"]["action"] for item in answer["findingDetails"]
                          if "cisaData" in item], ["Apply updates"])
        self.refused("ValidationException", self.inspector.batch_get_finding_details,
                     findingArns=[unknown[:-2] + f"{number:02}" for number in range(11)])


class Exports(InspectorCase):
    def setUp(self):
        super().setUp()
        self.s3 = self.fake.client("s3")
        self.s3.create_bucket(Bucket="reports")
        key = self.fake.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.to = {"bucketName": "reports", "keyPrefix": "run-1", "kmsKeyArn": key}

    def ended(self, get, number):
        for _ in range(3):
            answer = get(reportId=number)
        return answer

    def report(self, **to):
        number = self.inspector.create_findings_report(
            reportFormat="JSON", s3Destination={**self.to, **to})["reportId"]
        return self.ended(self.inspector.get_findings_report_status, number)

    def test_a_report_and_why_there_is_none(self):
        self.assertEqual(self.report()["errorCode"], "NO_FINDINGS_FOUND")
        self.scanned()
        self.assertEqual(self.report()["status"], "SUCCEEDED")
        key = self.s3.list_objects_v2(Bucket="reports")["Contents"][0]["Key"]
        body = json.loads(self.s3.get_object(Bucket="reports", Key=key)["Body"].read())
        self.assertEqual(len(body["findings"]), 5)
        self.assertEqual(self.report(bucketName="none")["errorCode"], "BUCKET_NOT_FOUND")
        self.assertEqual(self.report(kmsKeyArn="arn:x")["errorCode"], "MALFORMED_KMS_KEY")

    def test_an_sbom_of_an_instance(self):
        instance = self.scanned()
        number = self.inspector.create_sbom_export(
            reportFormat="CYCLONEDX_1_4", s3Destination=self.to, resourceFilterCriteria={
                "resourceId": [{"comparison": "EQUALS", "value": instance}]})["reportId"]
        self.assertEqual(self.inspector.get_sbom_export(reportId=number)["status"], "IN_PROGRESS")
        self.assertEqual(self.inspector.get_sbom_export(reportId=number)["status"], "SUCCEEDED")
        key = self.s3.list_objects_v2(Bucket="reports")["Contents"][0]["Key"]
        self.assertIn(instance, key)
        self.refused("ResourceNotFoundException", self.inspector.get_sbom_export,
                     reportId="00000000-0000-0000-0000-000000000000")


class Images(InspectorCase):
    def test_an_image_is_scanned_on_demand(self):
        self.arrange(found=FOUND[:1])
        number = self.inspector.start_on_demand_scan(resourceId=self.image,
                                                     resourceType="AMI")["scanId"]
        self.refused("ConflictException", self.inspector.start_on_demand_scan,
                     resourceId=self.image, resourceType="AMI")
        seen = [self.inspector.get_on_demand_scan_status(
            resourceId=self.image, resourceType="AMI", scanId=number)["scanStatus"]
            for _ in range(3)]
        self.assertEqual(seen, ["IN_PROGRESS", "SUCCESSFUL", "SUCCESSFUL"])
        found = self.findings(self.image)
        self.assertEqual(found[0]["resources"][0]["type"], "MACHINE_IMAGE")
        self.arrange(on_demand_walk=["FAILED"], on_demand_reason="UNSUPPORTED_OS")
        number = self.inspector.start_on_demand_scan(resourceId=self.image,
                                                     resourceType="AMI")["scanId"]
        answer = self.inspector.get_on_demand_scan_status(resourceId=self.image,
                                                          resourceType="AMI", scanId=number)
        self.assertEqual(answer["scanStatusReason"], "UNSUPPORTED_OS")
        self.assertEqual(len(self.inspector.list_on_demand_scans(
            resourceId=self.image, resourceType="AMI")["items"]), 2)


class Cis(InspectorCase):
    def test_a_benchmark_of_one_instance(self):
        self.arrange(cis_checks=[{"checkId": "1.1", "title": "a", "status": "PASSED"},
                                 {"checkId": "1.2", "title": "b", "status": "FAILED"},
                                 {"checkId": "1.3", "title": "c", "status": "SKIPPED"}])
        instance = self.instance(TagSpecifications=[{
            "ResourceType": "instance", "Tags": [{"Key": "run", "Value": "7"}]}])
        self.instance()
        arn = self.inspector.create_cis_scan_configuration(
            scanName="run-7", securityLevel="LEVEL_1", schedule={"oneTime": {}}, targets={
                "accountIds": ["SELF"], "targetResourceTags": {"run": ["7"]}})[
                    "scanConfigurationArn"]
        wanted = {"scanConfigurationArnFilters": [{"comparison": "EQUALS", "value": arn}]}
        seen = [self.inspector.list_cis_scans(filterCriteria=wanted)["scans"][0]["status"]
                for _ in range(3)]
        self.assertEqual(seen, ["IN_PROGRESS", "COMPLETED", "COMPLETED"])
        scan = self.inspector.list_cis_scans()["scans"][0]
        self.assertEqual((scan["failedChecks"], scan["totalChecks"]), (1, 3))
        targets = self.inspector.list_cis_scan_results_aggregated_by_target_resource(
            scanArn=scan["scanArn"])["targetResourceAggregations"]
        self.assertEqual([item["targetResourceId"] for item in targets], [instance])
        details = self.inspector.get_cis_scan_result_details(
            scanArn=scan["scanArn"], targetResourceId=instance, accountId=PARENT)
        self.assertEqual([item["status"] for item in details["scanResultDetails"]],
                         ["PASSED", "FAILED", "SKIPPED"])
        self.arrange(cis_target={"targetStatus": "TIMED_OUT",
                                 "targetStatusReason": "SSM_UNMANAGED"})
        self.assertEqual(self.inspector.get_cis_scan_result_details(
            scanArn=scan["scanArn"], targetResourceId=instance, accountId=PARENT)[
                "scanResultDetails"], [])
        self.inspector.delete_cis_scan_configuration(scanConfigurationArn=arn)
        self.assertEqual(self.arrange()["cis_configurations"], [])


class Sbom(InspectorCase):
    def setUp(self):
        super().setUp()
        self.scan = self.fake.client("inspector-scan")

    def bom(self, *components, **more):
        return {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
            {"type": "library", **item} for item in components], **more}

    def vulnerabilities(self, *components):
        return self.scan.scan_sbom(sbom=self.bom(*components))["sbom"]["vulnerabilities"]

    def test_what_is_found_and_the_traps_in_it(self):
        self.arrange(found=FOUND[:1])
        known = {"name": "openssl", "version": "3.0.8",
                 "purl": "pkg:deb/debian/openssl@3.0.8?distro=debian-12"}
        found = self.vulnerabilities(known)
        ratings = {item["source"]["name"]: item for item in found[0]["ratings"]}
        self.assertEqual((ratings["EPSS"]["severity"], ratings["EPSS"]["score"]), ("none", 0.02))
        self.assertNotIn("score", ratings["AMAZON_INSPECTOR"])
        self.assertEqual(found[0]["affects"], [{"ref": "comp-1"}])
        self.assertIsNone(self.vulnerabilities({**known, "purl": "pkg:deb/debian/openssl@3.0.8"}))
        self.assertIsNone(self.vulnerabilities({"name": "bash", "purl": "pkg:deb/x?distro=y"}))
        self.arrange(sbom_vulnerabilities="empty")
        self.assertEqual(self.vulnerabilities(known), [])

    def test_what_it_refuses(self):
        many = [{"name": f"p{number}"} for number in range(5001)]
        answer = self.refused("ValidationException", self.scan.scan_sbom, sbom=self.bom(*many))
        self.assertEqual(answer["reason"], "FIELD_VALIDATION_FAILED")
        answer = self.refused("ValidationException", self.scan.scan_sbom,
                              sbom=self.bom(specVersion="1.6"))
        self.assertEqual(answer["reason"], "UNSUPPORTED_SBOM_TYPE")
        self.arrange(sbom_error="FAILED_TO_GENERATE_SBOM")
        answer = self.refused("InternalServerException", self.scan.scan_sbom, sbom=self.bom())
        self.assertEqual(answer["reason"], "FAILED_TO_GENERATE_SBOM")


if __name__ == "__main__":
    if not glob.glob(os.path.join(default_directory(), "inspector-scan")):
        print("SKIPPED: the models have no inspector-scan")
        sys.exit(77)
    unittest.main()
