"""Exports: asked for, made, fetched as a file."""

import csv
import io
import itertools
import random
import secrets
import uuid
from xml.sax.saxutils import escape, quoteattr

from ..message import Answer
from ..world import Walk
from .answers import NO_FILE, Refusal, reply, too_many
from .details import found_on, hosts_of, logged_in, moment
from .scans import named

_FORMATS = ("nessus", "csv", "html", "pdf", "db")
_RISKS = ("None", "Low", "Medium", "High", "Critical")
_files = itertools.count(1804289383)


def _export(service, _, given, fault, name):
    scan = named(service, name)
    kind = given.get("format")
    if kind not in _FORMATS:
        raise Refusal(400, "Invalid 'format' field")
    if kind in ("html", "pdf") and not given.get("chapters"):
        raise Refusal(400, "Invalid 'chapters' field")
    if service.settings["trial"]:
        raise Refusal(403, "Export is not allowed in trial mode.")
    run = scan.run_of(given)
    if run is None:
        raise Refusal(404, NO_FILE)
    making = [item for item in service.exports.values()
              if item["walk"].step["status"] == "loading"]
    if len(making) >= service.settings["export_limit"]:
        raise too_many(service)
    nessus = service.settings["mode"] != "vm"
    file = next(_files) if nessus else f"SSE-{uuid.uuid4()}-{kind}"
    service.exports[str(file)] = {
        "scan": scan, "run": run, "format": kind,
        "walk": Walk([{"status": word} for word in service.settings["export_walk"]],
                     service.clock)}
    return reply({"token": secrets.token_hex(32), "file": file} if nessus else {"file": file})


def _named(service, name, file):
    scan = named(service, name)
    item = service.exports.get(file)
    if item is None or item["scan"] is not scan:
        raise Refusal(404, NO_FILE)
    return item


def _status(service, _, __, ___, name, file):
    return reply({"status": _named(service, name, file)["walk"].look()["status"]})


def _download(service, _, __, fault, name, file):
    item = _named(service, name, file)
    if item["walk"].step["status"] != "ready":
        raise Refusal(409, "The report is not ready.")
    scan, run, kind = item["scan"], item["run"], item["format"]
    if kind == "nessus":
        body = _nessus(service, scan, run, fault)
    elif kind == "csv":
        body = _csv(service, scan, run, fault)
    else:
        body = f"<html><body><h1>{escape(scan.name)}</h1></body></html>".encode()
    safe = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in scan.name)
    return Answer(200, body, "application/octet-stream",
                  {"Content-Disposition": f'attachment; filename="{safe}.{kind}"'})


def _nessus(service, scan, run, fault):
    hosts = "".join(_report_host(service, run, host) for host in hosts_of(scan, run, fault))
    body = (
        '<?xml version="1.0" ?><NessusClientData_v2><Policy><policyName>Basic Network Scan'
        "</policyName><policyComments/><Preferences><ServerPreferences>"
        f"{_preference('TARGET', ','.join(run.targets))}"
        f"{_preference('plugin_set', '19506;70658;177375;182345')}"
        "</ServerPreferences><PluginsPreferences/></Preferences><FamilySelection/>"
        "<IndividualPluginSelection/></Policy>"
        f'<Report name={quoteattr(scan.name)} xmlns:cm="http://www.nessus.org/cm">{hosts}</Report>'
        "</NessusClientData_v2>").encode()
    if service.settings["invalid_utf8"]:
        body = body.replace(b"<plugin_output>", b"<plugin_output>\xff\xfe\xc0 ", 1)
    return body


def _preference(name, value):
    return f"<preference><name>{name}</name><value>{escape(value)}</value></preference>"


def _report_host(service, run, host):
    works = logged_in(run, host)
    tags = {"LastAuthenticatedResults" if works else "LastUnauthenticatedResults": int(run.ended),
            "host-ip": host["ip"], "host-uuid": "44d62c42-1539-4c9d-8079-ea2f87120006",
            "HOST_START": moment(run.started), "HOST_END": moment(run.ended),
            "os": "linux" if works else "other", "policy-used": "Basic Network Scan",
            "Credentialed_Scan": "true" if works else "false"}
    if host["dns"]:
        tags["host-fqdn"] = host["dns"]
    if works:
        tags["operating-system"] = host["os"]
    properties = "".join(f'<tag name="{name}">{escape(str(value))}</tag>'
                         for name, value in tags.items())
    items = "".join(_item(service, finding) for finding in found_on(service, run, host))
    return (f"<ReportHost name={quoteattr(host['ip'])}><HostProperties>{properties}"
            f"</HostProperties>{items}</ReportHost>")


def _item(service, finding):
    level = finding["severity"]
    attributes = [("severity", level), ("port", finding.get("port", 0)),
                  ("pluginFamily", finding.get("family", "General")),
                  ("pluginName", finding["title"]), ("pluginID", finding["id"]),
                  ("protocol", finding.get("protocol", "tcp")),
                  ("svc_name", "ssh" if finding.get("port") == 22 else "general")]
    if service.settings["shuffle_attributes"]:
        random.shuffle(attributes)
    parts = [("plugin_modification_date", "2026/10/01"), ("plugin_publication_date", "2023/06/01"),
             ("plugin_type", "local" if "package" in finding else "remote"),
             ("solution", finding.get("solution", "Update the package." if level else "n/a")),
             ("description", f"About {finding['title']}."), ("synopsis", finding["title"]),
             *(("cve", name) for name in finding["cves"]),
             *(("xref", name) for name in finding.get("references", [])),
             ("risk_factor", _RISKS[level]), ("script_version", "1.4")]
    if "cvss3" in finding:
        parts += [("cvss3_base_score", finding["cvss3"]),
                  ("cvss3_vector", finding.get("cvss3_vector", "CVSS:3.0/AV:N")),
                  ("cvss_vector", "CVSS2#AV:N/AC:L/Au:N/C:N/I:N/A:P"), ("cvss_base_score", "5.0")]
    if "fixed" in finding:
        parts += [("patch_publication_date", "2023/05/31"),
                  ("exploit_available", "true" if finding.get("exploit") else "false")]
    parts.append(("plugin_output", output_of(finding)))
    return ("<ReportItem " + " ".join(f"{name}={quoteattr(str(value))}"
                                      for name, value in attributes) + ">"
            + "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in parts if value)
            + "</ReportItem>")


def output_of(finding):
    if "results" in finding or "package" not in finding:
        return finding.get("results", "")
    return (f"\nRemote package installed : {finding['package']}_{finding.get('version', '')}\n"
            f"Should be                : {finding['package']}_{finding.get('fixed', '')}\n")


def _csv(service, scan, run, fault):
    """One row for each plugin and CVE."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Plugin ID", "CVE", "CVSS v2.0 Base Score", "Risk", "Host", "Protocol", "Port",
                     "Name", "Synopsis", "Description", "Solution", "See Also", "Plugin Output"])
    for host in hosts_of(scan, run, fault):
        for finding in found_on(service, run, host):
            for cve in finding["cves"] or [""]:
                writer.writerow([
                    finding["id"], cve, "5.0" if "cvss3" in finding else "",
                    _RISKS[finding["severity"]], host["ip"], finding.get("protocol", "tcp"),
                    finding.get("port", 0), finding["title"], finding["title"],
                    f"About {finding['title']}.", finding.get("solution", "n/a"), "",
                    output_of(finding)])
    return text.getvalue().encode()


ROUTES = [
    ("POST", "/scans/([^/]+)/export", "export.create", _export),
    ("GET", "/scans/([^/]+)/export/([^/]+)/status", "export.status", _status),
    ("GET", "/scans/([^/]+)/export/([^/]+)/download", "export.download", _download),
]
