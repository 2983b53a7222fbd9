"""Inspector's scan of an SBOM: the same BOM with what is known of its components."""

import copy

from ..errors import Refusal
from . import operation
from .inspector2 import invalid, options

_PREFIX = "amazon:inspector:sbom_scanner:"


@operation("inspector-scan", "ScanSbom")
def scan_sbom(call):
    chosen = options(call.place)
    sbom = copy.deepcopy(call.input["sbom"])
    if not isinstance(sbom, dict) or sbom.get("bomFormat") != "CycloneDX":
        raise invalid("The SBOM cannot be read", "CANNOT_PARSE")
    if sbom.get("specVersion") != "1.5":
        raise invalid("The SBOM is not CycloneDX 1.5", "UNSUPPORTED_SBOM_TYPE")
    components = sbom.get("components") or []
    if len(components) > chosen["sbom_limit"]:
        raise invalid("The SBOM is too large", "FIELD_VALIDATION_FAILED", [{
            "name": "sbom.components",
            "message": f"at most {chosen['sbom_limit']} components are allowed"}])
    if chosen["sbom_error"]:
        raise Refusal("InternalServerException", "The SBOM was not made", 500,
                      {"reason": chosen["sbom_error"]})
    if call.input.get("outputFormat", "CYCLONE_DX_1_5") != "CYCLONE_DX_1_5":
        raise Refusal("NotImplemented", "the stand-in answers CycloneDX only", 501)
    found = []
    for number, component in enumerate(components, 1):
        component.setdefault("bom-ref", f"comp-{number}")
        found += [_vulnerability(short, component) for short in chosen["found"]
                  if _fits(short, component)]
    by_id = {}
    for item in found:
        known = by_id.setdefault(item["id"], item)
        if known is not item:
            known["affects"] += item["affects"]
            known["properties"] += [entry for entry in item["properties"]
                                    if entry not in known["properties"]]
    for number, item in enumerate(by_id.values(), 1):
        item["bom-ref"] = f"vuln-{number}"
    sbom["vulnerabilities"] = {"null": None, "empty": []}.get(
        chosen["sbom_vulnerabilities"], list(by_id.values()) or None)
    return {"sbom": sbom}


def _fits(short, component):
    """Without the distribution in its purl a package of one is not known: silently nothing."""
    names = [item["package"] for item in short.get("packages", [short]) if "package" in item]
    purl = component.get("purl", "")
    distribution = purl.startswith(("pkg:deb/", "pkg:rpm/", "pkg:apk/"))
    return component.get("name") in names and bool(purl) \
        and (not distribution or "distro=" in purl)


def _vulnerability(short, component):
    """EPSS is among the ratings, with no severity; Inspector's own has no score."""
    ref = component["bom-ref"]
    severity = short.get("severity", "MEDIUM").lower()
    score = short.get("score", 5.5)
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
    item = {
        "id": short["cve"], "source": {"name": "DEBIAN_CVE",
                                       "url": "https://security-tracker.debian.org/"},
        "ratings": [
            {"severity": "none", "score": short.get("epss", 0.00044), "method": "other",
             "vector": "model:v2023.03.01,date:2024-05-21T00:00:00+0000",
             "source": {"name": "EPSS", "url": "https://www.first.org/epss/"}},
            {"severity": severity, "score": score, "method": "CVSSv31", "vector": vector,
             "source": {"name": "NVD", "url": "https://nvd.nist.gov/"}},
            {"severity": severity, "method": "other", "source": {"name": "AMAZON_INSPECTOR"}}],
        "cwes": [120], "description": f"About {short['cve']}.", "advisories": [],
        "created": "2023-06-01T00:00:00Z", "updated": "2023-06-02T00:00:00Z",
        "affects": [{"ref": ref}], "analysis": {"state": "in_triage"}, "properties": []}
    if short.get("exploit") == "YES":
        item["analysis"]["state"] = "exploitable"
        item["properties"].append({"name": f"{_PREFIX}exploit_available", "value": "true"})
    if "fixed" in short:
        item["properties"].append({"name": f"{_PREFIX}fixed_version:{ref}",
                                   "value": short["fixed"]})
    return item
