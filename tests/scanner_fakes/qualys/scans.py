"""Scans of Qualys: launch with all its rules, the list, and what is done to one."""

import ipaddress
import itertools

from ..world import Walk, seen_by
from . import results
from .answers import (Refusal, cdata, invalid, join, need, one_of, only, optional,
                      simple_return, tag, xml)

_PRIORITIES = ("No Priority", "Emergency", "Ultimate", "Critical", "Major", "High", "Standard",
               "Medium", "Minor", "Low")
_EC2 = ("ec2_instance_ids", "connector_name", "connector_uuid", "ec2_endpoint")
_TAGS = ("tag_set_by", "tag_set_include", "tag_set_exclude", "tag_include_selector",
         "tag_exclude_selector", "use_ip_nt_range_tags", "use_ip_nt_range_tags_include")
_TARGETS = ("ip", "asset_groups", "asset_group_ids", "fqdn")
_SCANNERS = ("iscanner_id", "iscanner_name", "default_scanner", "scanners_in_ag",
             "scanners_in_tagset", "scanners_in_network")
_LAUNCH = {"action", "echo_request", "scan_title", "option_id", "option_title", "priority",
           "exclude_ip_per_scan", "target_from", "ec2_only_classic", "ip_network_id",
           "runtime_http_header", "client_id", "client_name", *_EC2, *_TAGS, *_TARGETS, *_SCANNERS}
_LIST = {"action", "echo_request", "scan_ref", "scan_id", "state", "processed", "type", "target",
         "user_login", "launched_after_datetime", "launched_before_datetime", "show_ags",
         "show_op", "show_status", "show_last", "scan_type", "ignore_target", "pci_only",
         "client_id", "client_name"}
_numbers = itertools.count(16301)


class Scan:
    def __init__(self, service, title, ips, parameters, target):
        number = next(_numbers)
        now = service.clock.now()
        self.id = 100000 + number
        self.ref = f"scan/{int(now)}.{number}"
        self.title = title
        self.ips = ips
        self.target = target
        self.parameters = parameters
        self.launched = now
        self.walk = Walk(service.steps, service.clock)
        self.settled = False
        self._service = service

    def hosts(self):
        """(address, host or None) of every target."""
        return [(ip, self._service.host(ip)) for ip in self.ips]

    def sub_state(self, step):
        if "sub_state" in step:
            return step["sub_state"]
        if step.get("state") != "Finished":
            return None
        alive = [host for _, host in self.hosts() if host and host["alive"]]
        if not alive:
            return "No_Host"
        if not any(seen_by(host, host["login_works"]) for host in alive):
            return "No_Vuln"
        return None

    def summary(self):
        step = self.walk.step
        return {"ref": self.ref, "title": self.title, "ips": self.ips,
                "state": step.get("state"), "sub_state": self.sub_state(step),
                "processed": step.get("processed", 0)}


def addresses(name, text):
    """Every address of `10.0.0.1,10.0.0.4-10.0.0.6,10.0.1.0/30`."""
    found = []
    for part in text.split(","):
        part = part.strip()
        try:
            if "/" in part:
                found += [str(item) for item in ipaddress.ip_network(part, strict=False)]
                continue
            first, _, last = part.partition("-")
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
            if int(high) < int(low) or int(high) - int(low) > 65536:
                raise ValueError
        except ValueError:
            raise invalid(name, text, f"not an IP address or range: {part}") from None
        found += [str(low + offset) for offset in range(int(high) - int(low) + 1)]
    return found


def _launch(service, given, _):
    only(given, _LAUNCH)
    profile = one_of(given, "option_id", "option_title")
    profiles = service.settings["option_profiles"]
    if given[profile] not in (profiles if profile == "option_id" else profiles.values()):
        raise invalid(profile, given[profile], "no such option profile")
    scanner = one_of(given, *_SCANNERS)
    names = service.settings["scanners"]
    if scanner == "iscanner_id" and any(part not in names for part in given[scanner].split(",")):
        raise invalid(scanner, given[scanner], "no such scanner appliance")
    if scanner == "iscanner_name" and any(part.strip() not in (*names.values(), "External")
                                          for part in given[scanner].split(",")):
        raise invalid(scanner, given[scanner], "no such scanner appliance")
    if len(given.get("scan_title", "")) > 2000:
        raise invalid("scan_title", "...", "longer than 2000 characters")
    priority = given.get("priority", "0")
    if not (priority.isdigit() and int(priority) <= 9):
        raise invalid("priority", priority, "not between 0 and 9")
    ips, target = _targets(service, given)
    title = given.get("scan_title") or "N/A"
    scan = Scan(service, title, ips, dict(given), target)
    service.scans.append(scan)
    service.launches.append({"ref": scan.ref, "title": title, "ips": ips, "at": scan.launched,
                             "parameters": dict(given)})
    return simple_return(service, "New vm scan launched",
                         [("ID", scan.id), ("REFERENCE", scan.ref)])


def _targets(service, given):
    """(addresses, how the target is shown)."""
    source = given.get("target_from", "assets")
    if source not in ("assets", "tags"):
        raise invalid("target_from", source, "neither assets nor tags")
    ec2 = [name for name in _EC2 if given.get(name)]
    plain = [name for name in _TARGETS if given.get(name)]
    tags = [name for name in _TAGS if given.get(name)]
    if source == "tags":
        if plain or ec2:
            raise Refusal(1904, "Please specify only one of these parameters: "
                                f"target_from=tags, {', '.join(plain + ec2)}")
        need(given, "tag_set_include")
        return _tagged(service, given), given["tag_set_include"]
    if tags:
        raise Refusal(1907, "The following combination of key=value pairs is not supported: "
                            f"target_from={source}, {tags[0]}={given[tags[0]]}")
    if ec2:
        if plain:
            raise Refusal(1904, "Please specify only one of these parameters: "
                                f"{', '.join(plain + ec2)}")
        need(given, "ec2_instance_ids")
        connector = one_of(given, "connector_name", "connector_uuid")
        need(given, "ec2_endpoint")
        return _instances(service, given, connector), given["ec2_instance_ids"]
    one_of(given, "asset_groups", "asset_group_ids", required=False)
    if not plain:
        raise Refusal(1922, "Please specify at least one of the following parameters: "
                            f"{', '.join(_TARGETS)}")
    for name in ("asset_groups", "asset_group_ids"):
        if given.get(name):
            raise invalid(name, given[name], "no such asset group")
    ips = addresses("ip", given["ip"]) if given.get("ip") else []
    subscribed = service.ips | {ip for text in service.settings["subscribed"]
                                for ip in addresses("subscribed", text)}
    if any(ip not in subscribed for ip in ips):
        raise invalid("ip", given["ip"], "IP(s) do not exist.")
    for name in given.get("fqdn", "").split(","):
        ips += [host["ip"] for host in service.hosts if name and host["dns"] == name]
    excluded = addresses("exclude_ip_per_scan", given["exclude_ip_per_scan"]) \
        if given.get("exclude_ip_per_scan") else []
    return [ip for ip in ips if ip not in excluded], given.get("ip") or given["fqdn"]


def _instances(service, given, kind):
    connector = next((item for item in service.settings["connectors"]
                      if given[kind] in (item["name"], item.get("uuid"))), None)
    if connector is None:
        raise invalid(kind, given[kind], "no such connector")
    found = []
    for name in given["ec2_instance_ids"].split(","):
        host = next((host for host in service.hosts if host["instance_id"] == name), None)
        if host is None or name not in connector["known"] \
                or host["instance_type"] in service.settings["too_small"]:
            raise invalid("ec2_instance_ids", given["ec2_instance_ids"],
                          f"not an activated asset of the connector: {name}")
        found.append(host["ip"])
    return found


def _tagged(service, given):
    by_name = given.get("tag_set_by", "id") == "name"
    found = []
    for wanted in given["tag_set_include"].split(","):
        label = next((item for item in service.tags.values()
                      if wanted == (item["name"] if by_name else str(item["id"]))), None)
        if label is None:
            raise invalid("tag_set_include", given["tag_set_include"], "no such tag")
        found += [host["ip"] for host in service.hosts if label["name"] in host["tags"]]
    return found


def _list(service, given, _):
    only(given, _LIST)
    chosen = []
    for scan in service.scans:
        if given.get("scan_ref") and scan.ref != given["scan_ref"]:
            continue
        if given.get("launched_after_datetime", "") > service.clock.text(scan.launched):
            continue
        before = given.get("launched_before_datetime")
        if before and before < service.clock.text(scan.launched):
            continue
        step = scan.walk.look()
        _settle(service, scan, step)
        if step.get("listed") is False:
            continue
        if given.get("state") and step.get("state") not in given["state"].split(","):
            continue
        if given.get("processed") not in (None, str(step.get("processed", 0))):
            continue
        if given.get("type") not in (None, "API") or \
                given.get("user_login") not in (None, service.settings["user"]):
            continue
        chosen.append(_written(service, scan, step, given))
    content = [tag("DATETIME", service.clock.text())]
    if chosen:
        content.append(tag("SCAN_LIST", *chosen))
    return xml(service.settings, "SCAN_LIST_OUTPUT", "/api/3.0/fo/scan/scan_list_output.dtd",
               tag("RESPONSE", *content))


def _written(service, scan, step, given):
    pad = service.settings["pad"]
    state = step.get("state")
    usual = {"Queued": "Pending", "Running": "Running", "Loading": "Running"}
    duration = step.get("duration", usual.get(state, "00:05:01"))
    status = join([])
    if given.get("show_status", "1") != "0":
        status = tag("STATUS", tag("STATE", state), optional("SUB_STATE", scan.sub_state(step)))
    profile = join([])
    if given.get("show_op") == "1":
        profile = tag("OPTION_PROFILE", cdata("TITLE", _profile(service, scan), pad),
                      tag("DEFAULT_FLAG", 0))
    return tag("SCAN", tag("REF", scan.ref), tag("TYPE", "API"), cdata("TITLE", scan.title, pad),
               tag("USER_LOGIN", service.settings["user"]),
               tag("LAUNCH_DATETIME", service.clock.text(scan.launched)),
               tag("DURATION", duration), tag("PROCESSING_PRIORITY", _priority(scan)),
               tag("PROCESSED", step.get("processed", 0)), status,
               cdata("TARGET", scan.target, pad), profile)


def _priority(scan):
    number = int(scan.parameters.get("priority", "0"))
    return f"{number} - {_PRIORITIES[number]}"


def _profile(service, scan):
    given = scan.parameters
    return given.get("option_title") or service.settings["option_profiles"][given["option_id"]]


def _settle(service, scan, step):
    """What a scan that is processed leaves in the account's detections, once."""
    if step.get("state") != "Finished" or not step.get("processed") or scan.settled:
        return
    scan.settled = True
    from .detections import absorb
    absorb(service, scan)


def _named(service, given):
    need(given, "scan_ref")
    scan = next((scan for scan in service.scans if scan.ref == given["scan_ref"]), None)
    if scan is None:
        raise invalid("scan_ref", given["scan_ref"], "no such scan")
    return scan


def _manage(allowed, steps, text):
    def handler(service, given, _):
        only(given, {"action", "echo_request", "scan_ref"})
        scan = _named(service, given)
        state = scan.walk.step.get("state")
        if state not in allowed:
            raise Refusal(1905, f"parameter scan_ref has invalid value: {scan.ref} "
                                f"(the scan is {state})")
        if steps is None:
            service.scans.remove(scan)
        else:
            scan.walk.go(steps)
        return simple_return(service, text, [("ID", scan.id), ("REFERENCE", scan.ref)])
    return handler


def _fetch(service, given, fault):
    only(given, {"action", "echo_request", "scan_ref", "ips", "mode", "output_format", "client_id",
                 "client_name"})
    scan = _named(service, given)
    state = scan.walk.step.get("state")
    if state not in ("Finished", "Canceled", "Paused", "Error"):
        raise Refusal(1905, f"parameter scan_ref has invalid value: {scan.ref} "
                            f"(no results while the scan is {state})")
    return results.fetch(service, scan, given, fault)


_OPEN = (None, "Queued", "Running", "Loading", "Paused")
_ENDED = ("Finished", "Canceled", "Error", "Paused")
OPERATIONS = {
    "scan.launch": _launch,
    "scan.list": _list,
    "scan.fetch": _fetch,
    "scan.pause": _manage(("Running",), [{"state": "Paused"}], "Pausing scan"),
    "scan.resume": _manage(("Paused",), [{"state": "Running"}, {"state": "Loading"},
                                         {"state": "Finished", "processed": 1}], "Resuming scan"),
    "scan.cancel": _manage(_OPEN, [{"state": "Canceled", "processed": 1}], "Canceling scan"),
    "scan.delete": _manage(_ENDED, None, "Deleted scan"),
}
