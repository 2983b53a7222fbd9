"""The addresses that may be scanned."""

import ipaddress

from .answers import Refusal, invalid, need, only, simple_return, tag, xml
from .scans import addresses

_ADD = {"action", "echo_request", "ips", "tracking_method", "enable_vm", "enable_pc", "owner",
        "ud1", "ud2", "ud3", "comment", "ag_title", "enable_certview", "enable_sca"}


def _ranges(ips):
    """Addresses as the list writes them: single ones and ranges."""
    spans = []
    for number in sorted(int(ipaddress.ip_address(ip)) for ip in ips):
        if spans and spans[-1][1] + 1 == number:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return [(str(ipaddress.ip_address(first)), str(ipaddress.ip_address(last)))
            for first, last in spans]


def _text(span):
    return span[0] if span[0] == span[1] else f"{span[0]}-{span[1]}"


def _add(service, given, _):
    only(given, _ADD)
    need(given, "ips")
    if given.get("tracking_method", "IP") not in ("IP", "DNS", "NETBIOS"):
        raise invalid("tracking_method", given["tracking_method"], "not IP, DNS or NETBIOS")
    if "1" not in (given.get("enable_vm"), given.get("enable_pc")):
        raise Refusal(1922, "Please specify at least one of the following parameters: "
                            "enable_vm, enable_pc")
    ips = addresses("ips", given["ips"])
    approved = [ipaddress.ip_network(item) for item in service.settings["approved"]]
    if not all(any(ipaddress.ip_address(ip) in network for network in approved) for ip in ips):
        raise Refusal(999, "QAPI999 One or more IPs are not approved for this account")
    service.ips.update(ips)
    return simple_return(service, "IPs successfully added to Vulnerability Management",
                         [("IP_SET", _text(span)) for span in _ranges(ips)])


def _update(service, given, _):
    only(given, _ADD)
    need(given, "ips")
    if any(ip not in service.ips for ip in addresses("ips", given["ips"])):
        raise invalid("ips", given["ips"], "IP(s) do not exist.")
    return simple_return(service, "IPs successfully updated")


def _list(service, given, _):
    only(given, {"action", "echo_request", "ips", "network_id", "tracking_method",
                 "compliance_enabled", "certview_enabled"})
    wanted = addresses("ips", given["ips"]) if given.get("ips") else None
    content = [tag("DATETIME", service.clock.text())]
    spans = _ranges(ip for ip in service.ips if wanted is None or ip in wanted)
    if spans:
        content.append(tag("IP_SET", *(tag("IP" if first == last else "IP_RANGE",
                                           _text((first, last))) for first, last in spans)))
    return xml(service.settings, "IP_LIST_OUTPUT", "/api/2.0/fo/asset/ip/ip_list_output.dtd",
               tag("RESPONSE", *content))


OPERATIONS = {"ip.add": _add, "ip.update": _update, "ip.list": _list}
