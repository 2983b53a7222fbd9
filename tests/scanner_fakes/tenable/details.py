"""What the pages of a scan show: the run, its hosts, what was found on one."""

import time

from ..world import results_of, seen_by
from .answers import NO_FILE, NO_SCAN, Refusal, reply
from .scans import named

_LEVELS = ("info", "low", "medium", "high", "critical")


def logged_in(run, host):
    return run.opens and host["login_works"]


def moment(seconds):
    """As Nessus writes it: no zone."""
    return time.asctime(time.gmtime(seconds))


def found_on(service, run, host):
    """The findings of one host, Tenable's own report of the scan with them."""
    works = logged_in(run, host)
    return [*seen_by(host, works), {
        "id": 19506, "title": "Nessus Scan Information", "severity": 0, "cves": [],
        "family": "Settings", "results":
            "Information about this scan :\n\nNessus version : 10.8.3\n"
            f"Plugin feed version : {service.settings['feed']}\nScanner edition used : Nessus\n"
            f"Scan type : Normal\nCredentialed checks : {'yes' if works else 'no'}\n"}]


def hosts_of(scan, run, fault):
    """Hosts of a run that has results."""
    if run is None or run.status not in ("completed", "aborted", "canceled", "stopped",
                                         "publishing", "paused"):
        return []
    run.ended = run.ended or scan.service.clock.now()
    return results_of(fault, scan.hosts(run))


def _counts(findings):
    counts = [0] * 5
    for finding in findings:
        counts[finding["severity"]] += 1
    return counts


def _host(number, findings, host):
    counts = _counts(findings)
    return {"asset_id": number, "host_id": number, "uuid": f"44d62c42-1539-4c9d-8079-{number:012d}",
            "hostname": host["ip"], "progress": "100-100/200-200", "scanprogresscurrent": 100,
            "scanprogresstotal": 100, "numchecksconsidered": 100, "totalchecksconsidered": 100,
            "severitycount": {"item": [{"count": count, "severitylevel": level}
                                       for level, count in enumerate(counts)]},
            "severity": sum(counts), "score": sum(counts), **dict(zip(_LEVELS, counts)),
            "host_index": number - 2}


def _vulnerability(finding, index, **more):
    return {"count": 1, "plugin_id": finding["id"], "plugin_name": finding["title"],
            "severity": finding["severity"], "plugin_family": finding.get("family", "General"),
            "vuln_index": index, **more}


def _details(service, _, given, fault, name):
    scan = named(service, name, NO_SCAN)
    run = scan.run_of(given)
    nulls = service.settings["null_arrays"]
    # One that answers with an earlier run, as the service may for a while after a launch.
    older = service.settings["older_run"] and "history_id" not in given \
        and "history_uuid" not in given
    status = "completed" if older else run.walk.look()["status"] if run else "empty"
    hosts = [] if older else hosts_of(scan, run, fault)
    shown, listed = [], {}
    for number, host in enumerate(hosts, 2):
        findings = found_on(service, run, host)
        shown.append(_host(number, findings, host))
        for finding in findings:
            entry = listed.setdefault(finding["id"], _vulnerability(finding, len(listed) + 1,
                                                                    count=0))
            entry["count"] += 1
    start = int(run.started) if run else None
    end = int(run.ended) if run and run.ended and not older else None
    history = [{"history_id": item.id, "owner_id": 2201492, "creation_date": int(item.started),
                "last_modification_date": int(item.started), "uuid": item.uuid, "type": "ps",
                "status": item.status, "scheduler": 0, "alt_targets_used": False,
                "is_archived": False} for item in reversed(scan.runs)]
    if service.settings["older_run"]:
        history.append({**history[-1], "history_id": 1, "uuid": scan.older,
                        "status": "completed"} if history else {"uuid": scan.older})
    info = {"owner": service.settings["user"], "name": scan.name, "no_target": False,
            "folder_id": 18, "control": True, "user_permissions": 128, "schedule_uuid": scan.uuid,
            "edit_allowed": False, "scanner_name": scan.scanner_name(),
            "policy": "Basic Network Scan", "shared": None, "object_id": scan.id,
            "tag_targets": None, "acls": None if nulls else [], "hostcount": len(shown),
            "uuid": scan.older if older else run.uuid if run else None, "status": status,
            "scan_type": "ps", "targets": ",".join(run.targets) if run else None,
            "alt_targets_used": False, "pci-can-upload": False, "scan_start": start,
            "timestamp": end or start, "is_archived": False, "reindexing": False, "scan_end": end,
            "haskb": True, "hasaudittrail": True, "scanner_start": None, "scanner_end": None}
    empty = None if nulls else []
    return reply({"info": info, "hosts": shown or empty,
                  "vulnerabilities": list(listed.values()) or empty, "comphosts": empty,
                  "compliance": empty, "filters": empty, "history": history or empty,
                  "notes": empty, "remediations": {
                      "num_cves": 0, "num_hosts": len(shown), "num_remediated_cves": 0,
                      "num_impacted_hosts": 0, "remediations": empty}})


def _picked(service, given, name, number, fault):
    scan = named(service, name)
    run = scan.run_of(given)
    hosts = hosts_of(scan, run, fault)
    at = int(number) - 2
    if not 0 <= at < len(hosts):
        raise Refusal(404, NO_FILE)
    return run, hosts[at]


def _of_host(service, _, given, fault, name, number):
    run, host = _picked(service, given, name, number, fault)
    findings = found_on(service, run, host)
    empty = None if service.settings["null_arrays"] else []
    return reply({
        "info": {"mac-address": None, "host-fqdn": host["dns"] or None, "host-ip": host["ip"],
                 "operating-system": [host["os"]] if logged_in(run, host) else None,
                 "host_start": moment(run.started), "host_end": moment(run.ended)},
        "vulnerabilities": [_vulnerability(finding, index, host_id=int(number),
                                           hostname=host["ip"], severity_index=0)
                            for index, finding in enumerate(findings)] or empty,
        "compliance": empty})


def _of_plugin(service, _, given, fault, name, number, plugin):
    run, host = _picked(service, given, name, number, fault)
    finding = next((item for item in found_on(service, run, host) if str(item["id"]) == plugin),
                   None)
    if finding is None:
        raise Refusal(404, NO_FILE)
    port = f"{finding.get('port', 0)} / {finding.get('protocol', 'tcp')} / general"
    return reply({
        "outputs": [{"ports": {port: [{"hostname": host["ip"]}]}, "has_attachment": 0,
                     "custom_description": None, "plugin_output": finding.get("results"),
                     "hosts": None, "severity": finding["severity"]}],
        "info": {"plugindescription": {
            "severity": finding["severity"], "pluginname": finding["title"],
            "pluginattributes": {
                "synopsis": finding["title"], "description": f"About {finding['title']}.",
                "risk_information": {"cvss3_base_score": finding.get("cvss3", "0.0")},
                "see_also": None, "solution": finding.get("solution"),
                "plugin_information": {"plugin_id": finding["id"], "plugin_type": "local"
                                       if "package" in finding else "remote"}},
            "pluginfamily": finding.get("family", "General"), "pluginid": plugin}}})


ROUTES = [
    ("GET", "/scans/([^/]+)", "scan.details", _details),
    ("GET", r"/scans/([^/]+)/hosts/(\d+)", "scan.host", _of_host),
    ("GET", r"/scans/([^/]+)/hosts/(\d+)/plugins/(\d+)", "scan.plugin", _of_plugin),
]
