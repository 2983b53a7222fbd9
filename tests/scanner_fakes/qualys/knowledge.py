"""The knowledge base: title, CVEs and scores of a QID. Its elements stand in the DTD's order."""

from ..world import many
from .answers import cdata, integers, invalid, join, only, tag, within, xml
from .results import informational

_LIST = {"action", "echo_request", "ids", "details", "id_min", "id_max", "is_patchable",
         "last_modified_after", "last_modified_before", "published_after", "published_before",
         "discovery_method", "discovery_auth_types", "show_pci_reasons",
         "show_supported_modules_info", "show_disabled_flag", "show_qid_change_log"}
_KINDS = {"Vuln": "Vulnerability", "Practice": "Potential Vulnerability",
          "Ig": "Information Gathered"}


def _known(service, ranges):
    """Every finding there can be, by QID; those of a big answer are made up as asked for."""
    entries = {}
    for host in service.hosts:
        for finding in [*host["findings"], *informational(service, dict(host, login_works=True)),
                        *informational(service, dict(host, login_works=False))]:
            if ranges is None or within(finding["id"], ranges):
                entries.setdefault(finding["id"], finding)
    for first, last in ranges or []:
        if 900000 <= last < 1100000:
            for finding in many(last - 900000 + 1)[max(0, first - 900000):]:
                entries.setdefault(finding["id"], finding)
    return [entries[number] for number in sorted(entries)]


def _list(service, given, _):
    only(given, _LIST)
    details = given.get("details", "Basic")
    if details not in ("Basic", "All", "None"):
        raise invalid("details", details, "not Basic, All or None")
    ranges = integers("ids", given["ids"]) if given.get("ids") else None
    found = _known(service, ranges)
    content = [tag("DATETIME", service.clock.text())]
    if found and details == "None":
        content.append(tag("ID_SET", *(tag("ID", finding["id"]) for finding in found)))
    elif found:
        content.append(tag("VULN_LIST", *(_vuln(service, finding) for finding in found)))
    return xml(service.settings, "KNOWLEDGE_BASE_VULN_LIST_OUTPUT",
               "/api/2.0/fo/knowledge_base/vuln/knowledge_base_vuln_list_output.dtd",
               tag("RESPONSE", *content))


def _references(finding):
    items = [tag("VENDOR_REFERENCE", cdata("ID", name, False),
                 cdata("URL", f"https://security.example.org/{name.replace(' ', '-')}", False))
             for name in finding.get("references", [])]
    return tag("VENDOR_REFERENCE_LIST", *items) if items else join([])


def _cves(finding):
    items = [tag("CVE", cdata("ID", name, False),
                 cdata("URL", f"http://cve.mitre.org/cgi-bin/cvename.cgi?name={name}", False))
             for name in finding["cves"]]
    return tag("CVE_LIST", *items) if items else join([])


def _software(finding):
    if "package" not in finding:
        return join([])
    return tag("SOFTWARE_LIST", tag("SOFTWARE", cdata("PRODUCT", finding["package"], False),
                                    cdata("VENDOR", "debian", False)))


def _score(finding):
    if "cvss3" not in finding:
        return join([])
    return tag("CVSS_V3", tag("BASE", finding["cvss3"]), tag("TEMPORAL", finding["cvss3"]),
               tag("VECTOR_STRING", finding.get("cvss3_vector", "")), tag("CVSS3_VERSION", "3.1"))


def _vuln(service, finding):
    pad = service.settings["pad"]
    remote = 0 if finding.get("needs_login", "package" in finding) else 1
    return tag(
        "VULN", tag("QID", finding["id"]), tag("VULN_TYPE", _KINDS[finding.get("type", "Vuln")]),
        tag("SEVERITY_LEVEL", finding["severity"]), cdata("TITLE", finding["title"], pad),
        tag("CATEGORY", finding.get("family", "Debian")),
        tag("LAST_SERVICE_MODIFICATION_DATETIME", "2026-10-01T10:00:00Z"),
        tag("PUBLISHED_DATETIME", "2023-06-06T12:00:00Z"),
        tag("PATCHABLE", 1 if "fixed" in finding else 0), _software(finding),
        _references(finding), _cves(finding),
        cdata("DIAGNOSIS", f"About {finding['title']}.<P>", pad),
        cdata("CONSEQUENCE", "As the vendor says.<P>", pad),
        cdata("SOLUTION", finding.get("solution", "<P>Update the package."), pad),
        _score(finding), tag("PCI_FLAG", 0), tag("DISCOVERY", tag("REMOTE", remote)))


OPERATIONS = {"kb.list": _list}
