"""What the account knows of each host over all scans, in pages."""

from urllib.parse import urlencode

from ..world import results_of, seen_by
from .answers import cdata, integers, invalid, join, only, optional, tag, within, xml
from .results import _evidence, informational
from .scans import addresses

_LIST = {"action", "echo_request", "ids", "ips", "id_min", "id_max", "qids", "severities",
         "show_results", "show_igs", "show_tags", "show_qds", "status", "truncation_limit",
         "output_format", "vm_scan_since", "detection_updated_since", "show_reopened_info",
         "max_days_since_last_vm_scan", "include_vuln_type", "arf_kernel_filter",
         "suppress_duplicated_data_from_csv", "host_metadata", "vm_processed_after"}
_FIRST_ID = 4203254
_TYPES = {"Vuln": "Confirmed", "Practice": "Potential", "Ig": "Info"}


def absorb(service, scan):
    """What a processed scan changes: New, Active, Fixed, Re-Opened."""
    now = service.clock.now()
    for ip, host in scan.hosts():
        if host is None or not host["alive"]:
            continue
        known = service.detected.setdefault(ip, {
            "id": _FIRST_ID + 1000 * len(service.detected), "found": {}, "login": None})
        known["scanned"] = now
        if host["login_works"]:
            known["login"] = now
        seen = seen_by(host, host["login_works"]) + informational(service, host)
        for finding in seen:
            entry = known["found"].get(finding["id"])
            if entry is None:
                known["found"][finding["id"]] = {"finding": finding, "status": "New", "first": now,
                                                 "last": now, "times": 1}
                continue
            entry.update(finding=finding, last=now, times=entry["times"] + 1,
                         status="Re-Opened" if entry["status"] == "Fixed" else "Active")
        numbers = {finding["id"] for finding in seen}
        for number, entry in known["found"].items():
            # What needs a login cannot be known to be fixed without one.
            if number not in numbers and host["login_works"]:
                entry["status"] = "Fixed"


def _list(service, given, fault):
    only(given, _LIST)
    kind = given.get("output_format", "XML")
    if kind != "XML":
        raise invalid("output_format", kind, "the stand-in writes XML")
    chosen = _chosen(service, given)
    limit = given.get("truncation_limit", str(service.settings["detection_page"]))
    if not limit.isdigit():
        raise invalid("truncation_limit", limit, "not a number")
    limit = int(limit) or len(chosen) or 1
    page, rest = chosen[:limit], chosen[limit:]
    content = [tag("DATETIME", service.clock.text())]
    written = [_host(service, number, host, given, fault) for number, host in page]
    written = [item for item in written if item]
    if written:
        content.append(tag("HOST_LIST", *written))
    if rest or (service.settings["detection_loop"] and page):
        # A service in a loop names the page that was just read.
        start = page[0][0] if service.settings["detection_loop"] else rest[0][0]
        url = (f"{service.address}/api/5.0/fo/asset/host/vm/detection/?"
               + urlencode({"action": "list", "truncation_limit": limit, "id_min": start}))
        content.append(tag("WARNING", tag("CODE", 1980),
                           tag("TEXT", f"{limit} record limit exceeded. Use URL to get next batch "
                                       "of results."), cdata("URL", url)))
    return xml(service.settings, "HOST_LIST_VM_DETECTION_OUTPUT",
               "/api/5.0/fo/asset/host/vm/detection/host_list_vm_detection_output.dtd",
               tag("RESPONSE", *content))


def _chosen(service, given):
    """(number, address) of the hosts that are asked for."""
    ids = integers("ids", given["ids"]) if given.get("ids") else None
    ips = addresses("ips", given["ips"]) if given.get("ips") else None
    least = integers("id_min", given["id_min"])[0][0] if given.get("id_min") else 0
    since = given.get("vm_scan_since", "")
    return sorted((known["id"], ip) for ip, known in service.detected.items()
                  if (ids is None or within(known["id"], ids)) and (ips is None or ip in ips)
                  and known["id"] >= least and service.clock.text(known["scanned"]) >= since)


def _host(service, number, ip, given, fault):
    known = service.detected[ip]
    host = service.host(ip) or {"ip": ip, "os": "", "dns": "", "instance_id": None}
    shown = results_of(fault, [dict(host, alive=False, findings=[])])
    if not shown:
        return None
    host = shown[0]
    pad = service.settings["pad"]
    qids = integers("qids", given["qids"]) if given.get("qids") else None
    statuses = given.get("status", "New,Active,Re-Opened,Fixed").split(",")
    detections = []
    for qid, entry in sorted(known["found"].items()):
        kind = entry["finding"].get("type", "Vuln")
        if (qids is not None and not within(qid, qids)) or entry["status"] not in statuses \
                or (kind == "Ig" and given.get("show_igs") != "1"):
            continue
        detections.append(_detection(service, known, qid, entry, given, pad))
    moment = service.clock.text
    return tag(
        "HOST", tag("ID", number), tag("IP", host["ip"]),
        tag("TRACKING_METHOD", "EC2" if host["instance_id"] else "IP"),
        cdata("OS", host["os"], pad), cdata("DNS", host["dns"], pad),
        cdata("EC2_INSTANCE_ID", host["instance_id"], pad) if host["instance_id"] else join([]),
        tag("LAST_SCAN_DATETIME", moment(known["scanned"])),
        tag("LAST_VM_SCANNED_DATE", moment(known["scanned"])),
        tag("LAST_VM_SCANNED_DURATION", 229),
        optional("LAST_VM_AUTH_SCANNED_DATE", known["login"] and moment(known["login"])),
        tag("DETECTION_LIST", *detections) if detections else join([]))


def _detection(service, known, qid, entry, given, pad):
    finding, moment = entry["finding"], service.clock.text
    port = finding.get("port")
    return tag(
        "DETECTION", tag("UNIQUE_VULN_ID", known["id"] * 10 + qid), tag("QID", qid),
        tag("TYPE", _TYPES[finding.get("type", "Vuln")]), tag("SEVERITY", finding["severity"]),
        optional("PORT", port), optional("PROTOCOL", finding.get("protocol")), tag("SSL", 0),
        cdata("RESULTS", _evidence(finding), pad) if given.get("show_results", "1") == "1"
        else join([]),
        tag("STATUS", entry["status"]), tag("FIRST_FOUND_DATETIME", moment(entry["first"])),
        tag("LAST_FOUND_DATETIME", moment(entry["last"])), tag("TIMES_FOUND", entry["times"]),
        tag("IS_IGNORED", 0), tag("IS_DISABLED", 0))


OPERATIONS = {"detection.list": _list}
