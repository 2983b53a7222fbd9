"""Tenable: what a run found, and its exports."""

import csv
import http.client
import os
import sys
import unittest
import xml.etree.ElementTree as tree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scanner_fakes.tenable_case import TenableCase  # noqa: E402


class Results(TenableCase):
    def items(self, body):
        return tree.fromstring(body).findall(".//ReportItem")

    def tags(self, body):
        return {item.get("name"): item.text for item in tree.fromstring(body).iter("tag")}

    def test_a_run_with_a_login_finds_local_things(self):
        body = self.export(self.done(self.managed())).body
        self.assertEqual(self.tags(body)["Credentialed_Scan"], "true")
        self.assertIn("LastAuthenticatedResults", self.tags(body))
        found = {item.get("pluginID"): item for item in self.items(body)}
        self.assertEqual(sorted(found), ["10267", "177375", "182345", "19506", "70658"])
        openssl = found["177375"]
        self.assertEqual([item.text for item in openssl.findall("cve")],
                         ["CVE-2023-0464", "CVE-2023-2650"])
        self.assertEqual(openssl.findtext("plugin_type"), "local")
        self.assertIn("openssl_3.0.9-1", openssl.findtext("plugin_output"))

    def test_a_run_without_a_login_looks_clean(self):
        self.hosts({"ip": "10.0.0.9", "login_works": False, "findings": [
            {"plugin_id": 5, "severity": 4, "package": "bash"}]})
        body = self.export(self.done(self.managed())).body
        self.assertEqual(self.tags(body)["Credentialed_Scan"], "false")
        self.assertEqual([item.get("severity") for item in self.items(body)], ["0"])
        self.assertIn("Credentialed checks : no", self.items(body)[0].findtext("plugin_output"))

    def test_details_agree_with_the_export(self):
        number = self.done(self.managed())
        page = self.ask("GET", f"/scans/{number}").json()
        self.assertEqual(page["info"]["status"], "completed")
        self.assertEqual(page["info"]["uuid"], self.state()["launches"][0]["uuid"])
        host = page["hosts"][0]
        self.assertEqual((host["critical"], host["high"], host["low"], host["info"]),
                         (1, 1, 1, 2))
        path = f"/scans/{number}/hosts/{host['host_id']}"
        inside = self.ask("GET", path).json()
        self.assertEqual(inside["info"]["host-ip"], "10.0.0.9")
        self.assertEqual(len(inside["vulnerabilities"]), 5)
        plugin = self.ask("GET", f"{path}/plugins/19506").json()
        self.assertIn("Credentialed checks : yes", plugin["outputs"][0]["plugin_output"])
        self.ask("GET", f"/scans/{number}/hosts/99", status=404)

    def test_a_host_that_is_down_or_unknown_is_not_there(self):
        self.hosts({"ip": "10.0.0.9", "alive": False})
        number = self.done()
        self.assertEqual(self.ask("GET", f"/scans/{number}").json()["hosts"], [])
        self.assertEqual(tree.fromstring(self.export(number).body).findall(".//ReportHost"), [])

    def test_details_may_show_an_older_run(self):
        self.settings(older_run=True)
        number = self.create()
        run = self.launch(number)
        info = self.ask("GET", f"/scans/{number}").json()["info"]
        self.assertEqual(info["status"], "completed")
        self.assertNotEqual(info["uuid"], run)
        info = self.ask("GET", f"/scans/{number}?history_uuid={run}").json()["info"]
        self.assertEqual((info["uuid"], info["status"]), (run, "initializing"))
        reply = self.ask("GET", f"/scans/{number}?history_id=77", status=404)
        self.assertEqual(reply.json(), {"error": "Scan not found"})

    def test_arrays_may_be_null(self):
        self.settings(null_arrays=True)
        self.assertIsNone(self.ask("GET", "/scans").json()["scans"])
        page = self.ask("GET", f"/scans/{self.create()}").json()
        for name in ("hosts", "vulnerabilities", "compliance", "history", "notes"):
            self.assertIsNone(page[name])

    def test_attributes_come_in_any_order(self):
        number = self.done(self.managed())
        self.settings(shuffle_attributes=True)
        orders = {tuple(item.keys()) for _ in range(5) for item in
                  self.items(self.export(number).body)}
        self.assertGreater(len(orders), 1)
        self.assertEqual({tuple(sorted(order)) for order in orders}, {tuple(sorted((
            "severity", "port", "pluginFamily", "pluginName", "pluginID", "protocol",
            "svc_name")))})

    def test_output_may_be_no_text(self):
        number = self.done(self.managed())
        self.settings(invalid_utf8=True)
        with self.assertRaises(UnicodeDecodeError):
            self.export(number).body.decode()

    def test_csv_has_a_row_for_each_cve(self):
        number = self.done(self.managed())
        rows = list(csv.DictReader(self.export(number, "csv").body.decode().splitlines(True)))
        self.assertEqual([row["CVE"] for row in rows if row["Plugin ID"] == "177375"],
                         ["CVE-2023-0464", "CVE-2023-2650"])

    def test_the_wrong_host_no_host_and_very_many_findings(self):
        number = self.done(self.managed())
        self.faulty("wrong-host", "export.download")
        self.assertEqual(self.tags(self.export(number).body)["host-ip"], "192.0.2.66")
        self.faulty("zero-hosts", "download")
        self.assertEqual(self.items(self.export(number).body), [])
        self.faulty("big", "download", findings=2000)
        self.assertEqual(len(self.items(self.export(number).body)), 2005)


class Exports(TenableCase):
    def test_the_course_of_an_export(self):
        number = self.done()
        file = self.ask("POST", f"/scans/{number}/export", {"format": "nessus"}).json()["file"]
        path = f"/scans/{number}/export/{file}"
        self.ask("GET", f"{path}/download", status=409)
        self.assertEqual([self.ask("GET", f"{path}/status").json()["status"] for _ in range(4)],
                         ["loading", "loading", "ready", "ready"])
        reply = self.ask("GET", f"{path}/download")
        self.assertEqual(reply.headers["Content-Type"], "application/octet-stream")
        self.assertIn('filename="run-1.nessus"', reply.headers["Content-Disposition"])

    def test_an_export_that_fails_or_cannot_be(self):
        number = self.done()
        self.settings(export_walk=["loading", "error"])
        file = self.ask("POST", f"/scans/{number}/export", {"format": "csv"}).json()["file"]
        path = f"/scans/{number}/export/{file}"
        self.ask("GET", f"{path}/status")
        self.assertEqual(self.ask("GET", f"{path}/status").json(), {"status": "error"})
        self.ask("POST", f"/scans/{number}/export", {"format": "doc"}, status=400)
        self.ask("POST", f"/scans/{number}/export", {"format": "pdf"}, status=400)
        self.ask("GET", f"/scans/{number}/export/none/status", status=404)
        self.settings(trial=True)
        self.ask("POST", f"/scans/{number}/export", {"format": "nessus"}, status=403)

    def test_only_so_many_exports_at_once(self):
        number = self.done()
        for _ in range(3):
            self.ask("POST", f"/scans/{number}/export", {"format": "nessus"})
        reply = self.ask("POST", f"/scans/{number}/export", {"format": "nessus"}, status=429)
        self.assertEqual(reply.headers["Content-Type"], "text/html")

    def test_a_download_is_cut_or_hostile(self):
        number = self.done()
        self.faulty("cut", "export.download")
        with self.assertRaises(http.client.IncompleteRead):
            self.export(number)
        self.faulty("bomb", "export.download")
        self.assertIn(b"<!ENTITY a10", self.export(number).body)

    def test_an_export_of_a_run_that_is_named(self):
        number = self.done(self.managed())
        run = self.state()["launches"][0]["uuid"]
        self.launch(number)
        self.assertEqual(self.export(number).body.count(b"<ReportHost "), 0)
        self.assertEqual(self.export(number, query=f"?history_uuid={run}").body
                         .count(b"<ReportHost "), 1)


if __name__ == "__main__":
    unittest.main()
