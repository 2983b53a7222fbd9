"""A build on the stand-in for AWS at whose candidate every outside scanner looks, each on a stand-in of its own, approved
by an AWS identity; and what can be wrong with a scanner."""

import importlib.util
import json
import os
import pathlib
import subprocess

import world

TESTS = pathlib.Path(__file__).resolve().parents[1]
SECRETS = {"qualys": "qualys-Secret-1", "tenable": "b" * 63 + "2", "passphrase": "correct horse battery"}
REGION = "us-east-1"
FINDING = {"qid": 38739, "plugin_id": 900001, "title": "Old OpenSSL", "severity": 4, "cves": ["CVE-2026-1000"],
           "package": "openssl", "version": "3.0.1", "fixed": "3.0.2"}
APPROVER = "arn:aws:iam::{}:user/approver"


def stand_in(folder):
    """What starts a stand-in; the modules of both folders have one name."""
    spec = importlib.util.spec_from_file_location(f"{folder}_running", TESTS / folder / "running.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Fake


class ScannersOnAws(world.LifeTest):
    @classmethod
    def setUpClass(cls):
        reason = world.why_not_here()
        if reason:
            raise world.unittest.SkipTest(reason)
        cls.aws = cls.closing(stand_in("aws_fake")("--accounts", world.HOME, "--no-log"))
        cls.qualys = cls.closing(stand_in("scanner_fakes")("qualys"))
        cls.tenable = cls.closing(stand_in("scanner_fakes")("tenable"))
        keys = cls.aws.keys(world.HOME)
        os.environ.update(AWS_ACCESS_KEY_ID=keys["aws_access_key_id"], AWS_SECRET_ACCESS_KEY=keys["aws_secret_access_key"],
                          AWS_ENDPOINT_URL=cls.aws.endpoint, AWS_CONFIG_FILE="/dev/null", AWS_REGION=REGION,
                          QUALYS_USER="hallmark_api", TENABLE_PASSPHRASE=SECRETS["passphrase"])
        cls.world = world.World()
        cls.addClassCleanup(cls.world.end)
        cls.world.state.mkdir(parents=True)
        cls.furnish()
        cls.world.import_source()

    @classmethod
    def closing(cls, fake):
        cls.addClassCleanup(fake.close)
        return fake

    @classmethod
    def call(cls, service, operation, **given):
        answer = cls.world.run("aws", "call", service, operation, "--region", REGION, "--input", json.dumps(given))
        assert answer.code == 0, answer
        return json.loads(answer.out or "{}")

    @classmethod
    def furnish(cls):
        """An account, the secrets in it and beside it, and config.yaml."""
        cls.call("s3", "CreateBucket", Bucket="hallmark-output")
        key = cls.call("kms", "CreateKey", Description="golden images")["KeyMetadata"]["Arn"]
        cls.call("iam", "CreateInstanceProfile", InstanceProfileName="hallmark-machine")
        cls.call("iam", "CreateUser", UserName="approver")
        cls.aws.control("POST", "secrets", {"account": world.HOME, "region": REGION, "name": "scanners/qualys",
                                            "value": json.dumps({"password": SECRETS["qualys"]})})
        cls.call("ssm", "PutParameter", Name="/scanners/tenable", Type="SecureString", Value=SECRETS["tenable"])
        cls.aws.control("POST", "inspector", {
            "account": world.HOME, "region": REGION,
            "cis_checks": [{"checkId": "1.1.1", "title": "cramfs is not available", "status": "FAILED"},
                           {"checkId": "1.1.2", "title": "/tmp is a file system of its own", "status": "PASSED"}],
            "found": [{"cve": "CVE-2026-2000", "severity": "HIGH", "package": "dpkg", "version": "1.21.22", "kev": {"dateAdded": 1700000000}}]})
        (cls.world.state / "access-key").write_text("a" * 63 + "1\n")
        subprocess.run(["openssl", "genrsa", "-aes128", "-passout", f"pass:{SECRETS['passphrase']}", "-out",
                        cls.world.state / "scanner-key.pem", "2048"], check=True, capture_output=True)
        # Real content is megabytes long, and so is what comes back, in pieces.
        content = (TESTS.parent / "src/scan/openscap/testdata/sample-ds.xml").read_text()
        long = content.replace("</title>", f" {os.urandom(1_500_000).hex()}</title>", 1)
        (cls.world.state / "content.xml").write_text(long)
        cls.configuration = {
            "cloud": {"kind": "aws", "account_id": world.HOME, "regions": [REGION], "aws": {
                "endpoint_url": cls.aws.endpoint, "instance_profile": "hallmark-machine",
                "regions": {REGION: {"bucket": "hallmark-output", "kms_key": key}}}},
            "scanners": {
                "qualys": {"kind": "qualys", "url": cls.qualys.address, "username": "env:QUALYS_USER",
                           "password": "secretsmanager:scanners/qualys#password", "option_title": "Golden image",
                           "scanner": "golden-scanner", "poll_interval": "1s"},
                "nessus": {"kind": "tenable", "url": cls.tenable.address, "access_key": "file:access-key",
                           "secret_key": "ssm:/scanners/tenable", "ssh_user": "admin",
                           "ssh_private_key": "file:scanner-key.pem", "ssh_passphrase": "env:TENABLE_PASSPHRASE",
                           "poll_interval": "1s"},
                "inspector": {"kind": "inspector", "cis_level": "LEVEL_1", "poll_interval": "1s", "publish_delay": "1s"},
                "snapshot": {"kind": "inspector-image", "poll_interval": "1s"},
                "packages": {"kind": "inspector-sbom"},
                "stig": {"kind": "openscap", "content": "content.xml", "profile": "stig", "install": True,
                         "poll_interval": "1s"},
            }}
        cls.configure()

    @classmethod
    def configure(cls, **scanners):
        changed = {**cls.configuration, "scanners": {**cls.configuration["scanners"], **scanners}}
        (cls.world.state / "config.yaml").write_text(json.dumps(changed))

    def show_machines_to_scanners(self):
        """The network: what runs on the stand-in for AWS is what the services' scanners reach."""
        for machine in self.world.record("machine", "list")["machines"]:
            if machine["ip"]:
                host = {"ip": machine["ip"], "instance_id": machine["machine_id"], "findings": [FINDING]}
                self.qualys.control("POST", "hosts", [host])
                self.tenable.control("POST", "hosts", [host])
                return machine["name"].startswith("test of")
        return False

    def test_every_scanner_is_part_of_the_evidence(self):
        names = ["qualys", "nessus", "inspector", "snapshot", "packages", "stig"]
        approval = {"approvers": [APPROVER.format(world.HOME)]}
        # A script that is too long for Systems Manager is fetched by the machine.
        fetch = {"name": "has-curl", "script": {"inline": "#!/bin/sh\nset -e\napt-get -q update\napt-get -qy install curl\n"}}
        path = self.world.pipeline(build={"mode": "boot"}, tests=[fetch], scanners=names, approval=approval, gate={
            "max_pending_updates": "any", "allow_gaps": True, "min_completeness": "inconclusive", "waivers": "waivers.yaml"})
        (self.world.directory / "waivers.yaml").write_text(json.dumps({"waivers": [
            {"finding": "CVE-2026-2000", "reason": "no feature of it is used", "by": "ada", "expires": "2099-12-31",
             "known_exploited": True}]}))
        build = self.world.start("image", "build", path, "--requested-by", "builder")
        world.eventually("the test machine runs", self.show_machines_to_scanners, 120)
        self.check(self.world.finish(build), 0, "approve")
        shown = self.world.record("image", "show", "Life-1/Debian-12/1")
        run_id = shown["image"]["run_id"]
        evidence = self.world.state / "evidence" / run_id
        looks = {look["scanner"]: look for look in json.loads((evidence / "assessments.json").read_text())}
        self.assertEqual(sorted(looks), sorted(["hallmark", *names]))
        for name in names:
            self.assertEqual(looks[name]["completeness"], "complete", (name, looks[name].get("reasons")))
            self.assertTrue(looks[name]["findings"], name)
        for name in names:
            self.assertTrue(list((evidence / "raw" / name).iterdir()), name)
        self.check_services_are_clean()
        self.check_no_secret_is_kept()
        self.approve(shown["image"])

    def check_services_are_clean(self):
        self.assertEqual(self.qualys.control("GET", "state")["scans"], [])
        self.assertEqual(self.tenable.control("GET", "state")["scans"], [])
        for fake in (self.qualys, self.tenable):
            self.assertEqual(fake.control("GET", "calls")["secrets_in_urls"], 0)

    def check_no_secret_is_kept(self):
        for path in self.world.state.rglob("*"):
            if path.is_file() and path.name != "scanner-key.pem":
                held = path.read_bytes()
                for name, secret in SECRETS.items():
                    self.assertNotIn(secret.encode(), held, f"{name} in {path}")

    def approve(self, image):
        """By whoever holds the approver's keys, and by nobody else."""
        reference, arn = image["image_key"], APPROVER.format(world.HOME)
        for name in ("ada", arn):
            self.check(self.world.run("image", "approve", reference, "--as", name), 5, "approvers|proved")
        made = self.call("iam", "CreateAccessKey", UserName="approver")["AccessKey"]
        credentials = self.world.directory / "credentials"
        credentials.write_text(f"[approver]\naws_access_key_id={made['AccessKeyId']}\n"
                               f"aws_secret_access_key={made['SecretAccessKey']}\n")
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(credentials)
        self.addCleanup(os.environ.pop, "AWS_SHARED_CREDENTIALS_FILE")
        self.check(self.world.run("image", "approve", reference, "--aws"), 5, "builder|root|approvers")
        self.check(self.world.run("image", "approve", reference, "--aws", "--profile", "approver"), 0)
        shown = self.world.record("image", "show", reference)
        self.assertEqual(shown["image"]["state"], "active")
        self.assertEqual([decision["approver"] for decision in shown["decisions"]], [arn])

    def refused(self, version, code, *patterns):
        path = self.world.pipeline(version=version, scanners=["qualys"], build={"mode": "boot"})
        self.check(self.world.run("image", "build", path, "--requested-by", "builder"), code, *patterns)
        self.assertEqual(self.world.record("machine", "list")["machines"], [], "nothing is spent before a scanner is known to work")

    def test_what_is_wrong_with_a_scanner_is_told_before_anything_is_spent(self):
        self.addCleanup(self.configure)
        right = self.configuration["scanners"]["qualys"]
        for number, (change, code, *patterns) in enumerate([
                ({"password": "env:NO_SUCH_SECRET"}, 4, "NO_SUCH_SECRET", "environment"),
                ({"password": "secretsmanager:no/such"}, 4, "no/such"),
                ({"password": "hunter2"}, 2, "config.yaml:", "scanners.qualys.password"),
                ({"option": "x"}, 2, "config.yaml:", "option"),
                ({"username": "env:AWS_REGION"}, 5, "qualys|Qualys"),
        ]):
            with self.subTest(change=change):
                self.configure(qualys={**right, **change})
                if code == 2:
                    path = self.world.pipeline(version=f"w{number}", scanners=["qualys"])
                    self.check(self.world.run("image", "build", path), code, *patterns)
                else:
                    self.refused(f"w{number}", code, *patterns)
        self.configure()
        path = self.world.pipeline(version="w", scanners=["quallys"], build={"mode": "boot"})
        self.check(self.world.run("image", "build", path, "--requested-by", "builder"), 2, "quallys", "qualys")


if __name__ == "__main__":
    world.main()
