"""A small client of the Qualys stand-in, for its tests."""

import base64
import os
import re
import sys
import xml.etree.ElementTree as tree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scanner_fakes.case import Case  # noqa: E402

IP = "10.0.0.9"
SCAN = "/api/2.0/fo/scan/"
LIST = "/api/3.0/fo/scan/"
DETECTION = "/api/5.0/fo/asset/host/vm/detection/"
KB = "/api/2.0/fo/knowledge_base/vuln/"
REPORT = "/api/2.0/fo/report/"
HEADERS = {"Authorization": "Basic " + base64.b64encode(b"hallmark_api:qualys-Secret-1").decode(),
           "X-Requested-With": "tests"}
LAUNCH = {"action": "launch", "scan_title": "run-1", "ip": IP, "option_id": "111111",
          "iscanner_name": "golden-scanner"}


def root(reply):
    """The tree; ElementTree loads no external document type."""
    return tree.fromstring(reply.body)


def text(reply, path):
    found = root(reply).find(path)
    return None if found is None else (found.text or "").strip()


class QualysCase(Case):
    scanner = "qualys"

    def post(self, path, form=None, headers=None):
        return self.fake.call("POST", path, form or {}, HEADERS if headers is None else headers)

    def refused(self, code, reply, status=400):
        self.assertEqual((text(reply, "RESPONSE/CODE"), reply.status), (str(code), status),
                         reply.body)
        return text(reply, "RESPONSE/TEXT")

    def add_ip(self, ips=IP):
        return self.post("/api/2.0/fo/asset/ip/", {
            "action": "add", "ips": ips, "tracking_method": "IP", "enable_vm": "1"})

    def launch(self, **more):
        """The reference of a new scan of the usual address."""
        self.add_ip(more.get("ip", IP))
        reply = self.post(SCAN, {**LAUNCH, **more})
        found = re.search(rb"<KEY>REFERENCE</KEY><VALUE>(scan/\d+\.\d{5})</VALUE>", reply.body)
        self.assertTrue(found, reply.body)
        return found[1].decode()

    def look(self, ref):
        """(state, sub state, processed) as the list has it, or None while it has nothing."""
        scan = root(self.post(LIST, {"action": "list", "scan_ref": ref})).find(".//SCAN")
        if scan is None:
            return None
        sub = scan.findtext("STATUS/SUB_STATE")
        return scan.findtext("STATUS/STATE"), sub, scan.findtext("PROCESSED")

    def finish(self, ref, limit=20):
        for _ in range(limit):
            seen = self.look(ref)
            if seen and seen[0] == "Finished" and seen[2] == "1":
                return seen
        raise AssertionError(f"still {seen}")

    def fetch(self, ref, **more):
        return self.post(SCAN, {"action": "fetch", "scan_ref": ref, "mode": "extended",
                                "output_format": "json", **more})
