"""What `fetch` gives: one array of unlike objects, or CSV with blocks before and after."""

import csv
import io
import json
import time

from ..message import Answer
from ..world import results_of, seen_by
from .answers import invalid

_FORMATS = ("csv", "json", "csv_extended", "json_extended")
_LONG = ("threat", "impact", "solution", "exploitability", "associated_malware", "results",
         "pci_vuln", "instance", "category")


def fetch(service, scan, given, fault):
    kind = given.get("output_format", "csv")
    if kind not in _FORMATS:
        raise invalid("output_format", kind, f"not one of {', '.join(_FORMATS)}")
    mode = given.get("mode", "brief")
    if mode not in ("brief", "extended"):
        raise invalid("mode", mode, "neither brief nor extended")
    rows, dead = _rows(service, scan, given, fault, mode == "extended" or "extended" in kind)
    before, after = _around(service, scan, rows, dead)
    if kind.startswith("json"):
        return Answer(200, json.dumps(before + rows + after), service.settings["json_type"])
    return Answer(200, _csv(before, rows, after), "text/csv;charset=UTF-8", {
        "Content-Disposition": f'attachment; filename="{scan.ref.replace("/", "_")}.csv"'})


def _rows(service, scan, given, fault, extended):
    """Findings of every host that was up, and the addresses that were not."""
    wanted = given.get("ips", "").split(",") if given.get("ips") else None
    hosts, dead = [], []
    for ip, host in scan.hosts():
        if wanted is not None and ip not in wanted:
            continue
        if host is not None and host["alive"]:
            hosts.append(host)
        else:
            dead.append(ip)
    rows = []
    if scan.walk.step.get("state") == "Error":
        hosts = []
    for host in results_of(fault, hosts):
        found = seen_by(host, host["login_works"])
        for finding in found + informational(service, host):
            rows.append(_row(host, finding, bool(found), extended))
    return rows, dead


def informational(service, host):
    """What every scan of a host that is up tells besides; whether the login worked is in it."""
    works = host["login_works"]
    return [
        {"id": service.settings["login_qid" if works else "no_login_qid"], "type": "Ig",
         "title": "Unix Authentication Method" if works else "Unix Authentication Failed",
         "severity": 1, "cves": [], "results":
             "Method\tssh public key" if works else "Authentication failed for user ec2-user"},
        {"id": 45038, "type": "Ig", "title": "Host Scan Time", "severity": 1, "cves": [],
         "results": "Scan duration: 229 seconds"},
    ]


def _row(host, finding, vulnerable, extended):
    row = {
        "ip": host["ip"], "dns": host["dns"], "netbios": None, "os": host["os"],
        "ip_status": "host scanned, found vuln" if vulnerable else "host scanned, no vuln",
        "qid": finding["id"], "title": finding["title"], "type": finding.get("type", "Vuln"),
        "severity": str(finding["severity"]),
        "port": str(finding["port"]) if "port" in finding else None,
        "protocol": finding.get("protocol"), "fqdn": "", "ssl": "no",
        "cve_id": ",".join(finding["cves"]) or None,
        "vendor_reference": ", ".join(finding.get("references", [])) or None,
        "bugtraq_id": None,
    }
    if extended:
        row.update(dict.fromkeys(_LONG))
        row.update({"threat": f"About {finding['title']}.", "impact": "As the vendor says.",
                    "solution": finding.get("solution", "Update the package."),
                    "results": _evidence(finding), "pci_vuln": "no",
                    "category": finding.get("family", "Debian")})
    row.update(finding.get("unknown", {}))
    return row


def _evidence(finding):
    if "results" in finding:
        return finding["results"]
    if "package" in finding:
        return (f"Package\tInstalled Version\tRequired Version\n{finding['package']}\t"
                f"{finding.get('version', '')}\t{finding.get('fixed', '')}")
    return ""


def _around(service, scan, rows, dead):
    """The objects before and after the findings."""
    settings = service.settings
    step = scan.walk.step
    shown = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(service.clock.wall()))
    launched = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(scan.launched))
    before = [
        {"scan_report_template_title": "Scan Results", "result_date": shown, "company": "Hallmark",
         "username": settings["user"], "add1": "", "city": "", "state": "", "country": "",
         "zip": "", "name": "", "role": "Manager"},
        {"launch_date": launched, "active_hosts": str(len({row["ip"] for row in rows})),
         "total_hosts": str(len(scan.ips)), "type": "API", "status": step.get("state"),
         "reference": scan.ref,
         "scanner_appliance": f"1.1.1.1 (Scanner {settings['engine']}, "
                              f"Vulnerability Signatures {settings['signatures']})",
         "network": "Global Default Network", "duration": "00:05:01", "scan_title": scan.title,
         "asset_groups": None, "ips": scan.target, "excluded_ips": "",
         "option_profile": "Initial Options"},
    ]
    after = []
    if rows:
        after.append({"target_distribution_across_scanner_appliances":
                      f"golden-scanner: {', '.join(dict.fromkeys(row['ip'] for row in rows))}"})
    if dead:
        after.append({"hosts_not_scanned_host_not_alive_ip": ", ".join(dead)})
    return before, after


_COLUMNS = {"ip": "IP", "dns": "DNS", "netbios": "NetBIOS", "os": "OS", "ip_status": "IP Status",
            "qid": "QID", "title": "Title", "type": "Type", "severity": "Severity",
            "port": "Port", "protocol": "Protocol", "fqdn": "FQDN", "ssl": "SSL",
            "cve_id": "CVE ID", "vendor_reference": "Vendor Reference",
            "bugtraq_id": "Bugtraq ID", "threat": "Threat", "impact": "Impact",
            "solution": "Solution", "exploitability": "Exploitability",
            "associated_malware": "Associated Malware", "results": "Results",
            "pci_vuln": "PCI Vuln", "instance": "Instance", "category": "Category"}


def _csv(before, rows, after):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for item in before:
        writer.writerow(item)
        writer.writerow(item.values())
        writer.writerow([])
    if rows:
        names = [name for name in _COLUMNS if name in rows[0]]
        writer.writerow(_COLUMNS[name] for name in names)
        for row in rows:
            writer.writerow("" if row.get(name) is None else row[name] for name in names)
    for item in after:
        writer.writerow([])
        for key, value in item.items():
            writer.writerow([key, value])
    return text.getvalue()
