"""Reports: launched, made, fetched as a file."""

import csv
import io

from ..message import Answer
from ..world import Walk, seen_by
from .answers import (Refusal, cdata, integers, invalid, join, need, one_of, only, optional,
                      simple_return, tag, xml)

_TYPES = {"pdf": "application/pdf", "html": "text/html", "mht": "multipart/related",
          "xml": "text/xml", "csv": "text/csv", "docx":
              "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
_LAUNCH = {"action", "echo_request", "template_id", "report_title", "output_format", "report_type",
           "report_refs", "ips", "asset_group_ids", "hide_header", "recipient_group_id",
           "pdf_password", "use_tags"}


def _launch(service, given, _):
    only(given, _LAUNCH)
    need(given, "template_id", "output_format")
    if given["output_format"] not in _TYPES:
        raise invalid("output_format", given["output_format"], "no such format")
    if given["template_id"] in service.settings["host_templates"]:
        raise Refusal(999, "Internal Error. Please contact customer support.")
    integers("template_id", given["template_id"])
    one_of(given, "report_refs", "ips", "asset_group_ids")
    refs = given.get("report_refs", "").split(",") if given.get("report_refs") else []
    found = [scan for scan in service.scans if scan.ref in refs]
    if len(found) != len(refs):
        raise invalid("report_refs", given["report_refs"], "no such scan")
    number = 665500 + len(service.reports) + 1
    service.reports[number] = {
        "id": number, "title": given.get("report_title", "Scan Report"), "scans": found,
        "format": given["output_format"], "launched": service.clock.now(),
        "walk": Walk([{"state": state} for state in service.settings["report_walk"]],
                     service.clock)}
    return simple_return(service, "New report launched", [("ID", number)])


def _named(service, given):
    need(given, "id")
    number = integers("id", given["id"])[0][0]
    if number not in service.reports:
        raise invalid("id", given["id"], "no such report")
    return service.reports[number]


def _list(service, given, _):
    only(given, {"action", "echo_request", "id", "state", "user_login", "expires_before_datetime",
                 "client_id", "client_name"})
    written = []
    for report in service.reports.values():
        if given.get("id") not in (None, "", str(report["id"])):
            continue
        state = report["walk"].look()["state"]
        if given.get("state") not in (None, "", state):
            continue
        message = tag("MESSAGE", "The report could not be made.") if state == "Errors" else join([])
        percent = tag("PERCENT", 50) if state == "Running" else join([])
        written.append(tag(
            "REPORT", tag("ID", report["id"]), cdata("TITLE", report["title"]),
            tag("TYPE", "Scan"), tag("USER_LOGIN", service.settings["user"]),
            tag("LAUNCH_DATETIME", service.clock.text(report["launched"])),
            tag("OUTPUT_FORMAT", report["format"].upper()),
            tag("SIZE", f"{len(_bytes(report))} B" if state == "Finished" else "0 B"),
            tag("STATUS", tag("STATE", state), message, percent),
            optional("EXPIRATION_DATETIME", service.clock.text(report["launched"] + 7 * 86400))))
    content = [tag("DATETIME", service.clock.text())]
    if written:
        content.append(tag("REPORT_LIST", *written))
    return xml(service.settings, "REPORT_LIST_OUTPUT",
               "/api/2.0/fo/report/report_list_output.dtd", tag("RESPONSE", *content))


def _bytes(report):
    if report["format"] == "pdf":
        return b"%PDF-1.4\n% the stand-in's report\n%%EOF\n"
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["Scan Results", report["title"]])
    writer.writerow([])
    writer.writerow(["IP", "DNS", "OS", "QID", "Title", "Type", "Severity", "CVE ID"])
    for scan in report["scans"]:
        for ip, host in scan.hosts():
            for finding in seen_by(host, host["login_works"]) if host else []:
                writer.writerow([ip, host["dns"], host["os"], finding["id"], finding["title"],
                                 finding.get("type", "Vuln"), finding["severity"],
                                 ",".join(finding["cves"])])
    return text.getvalue().encode()


def _fetch(service, given, _):
    only(given, {"action", "echo_request", "id"})
    report = _named(service, given)
    if report["walk"].step["state"] != "Finished":
        raise invalid("id", given["id"], "the report is not finished")
    name = f"Scan_Report_{report['id']}.{report['format']}"
    return Answer(200, _bytes(report), _TYPES[report["format"]],
                  {"Content-Disposition": f'attachment; filename="{name}"'})


def _cancel(service, given, _):
    report = _named(service, given)
    if report["walk"].step["state"] not in ("Submitted", "Running"):
        raise invalid("id", given["id"], "the report is not being made")
    report["walk"].go([{"state": "Canceled"}])
    return simple_return(service, "Report canceled", [("ID", report["id"])])


def _delete(service, given, _):
    report = _named(service, given)
    del service.reports[report["id"]]
    return simple_return(service, "Report deleted", [("ID", report["id"])])


OPERATIONS = {"report.launch": _launch, "report.list": _list, "report.fetch": _fetch,
              "report.cancel": _cancel, "report.delete": _delete}
