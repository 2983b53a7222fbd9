"""Qualys: limits, detections, the knowledge base, reports, tags, and what goes wrong on the way."""

import gzip
import http.client
import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scanner_fakes.qualys_case import (DETECTION, HEADERS, IP, KB, LIST, REPORT,  # noqa: E402
                                       QualysCase, root, text)


class Limits(QualysCase):
    def test_every_counted_call_says_what_is_left(self):
        left = [int(self.post(LIST, {"action": "list"}).headers["X-RateLimit-Remaining"])
                for _ in range(3)]
        self.assertEqual(left, [299, 298, 297])
        headers = self.post(KB, {"action": "list", "ids": "abc"}).headers
        self.assertEqual((headers["X-RateLimit-Limit"], headers["X-RateLimit-Window-Sec"],
                          headers["X-RateLimit-ToWait-Sec"]), ("300", "3600", "0"))

    def test_the_rate_is_409_and_1965_with_the_time_to_wait(self):
        self.settings(rate_limit=2, rate_window=10)
        for _ in range(2):
            self.assertEqual(self.post(LIST, {"action": "list"}).status, 200)
        reply = self.post(LIST, {"action": "list"})
        self.refused(1965, reply, 409)
        wait = int(reply.headers["X-RateLimit-ToWait-Sec"])
        self.assertIn(wait, (10, 11))
        self.assertEqual(text(reply, ".//ITEM/KEY"), "SECONDS_TO_WAIT")
        self.assertEqual(reply.headers["X-RateLimit-Remaining"], "0")
        self.fake.control("POST", "clock", {"advance": wait})
        self.assertEqual(self.post(LIST, {"action": "list"}).status, 200)

    def test_the_knowledge_base_serves_one_at_a_time(self):
        self.faulty("delay", "kb.list", seconds=0.4)
        slow = threading.Thread(target=self.post, args=(KB, {"action": "list", "ids": "1"}))
        slow.start()
        time.sleep(0.15)
        reply = self.post(KB, {"action": "list", "ids": "1"})
        slow.join()
        self.refused(1960, reply, 409)
        self.assertEqual(text(reply, ".//ITEM/KEY"), "CALLS_TO_FINISH")
        self.assertNotIn("X-RateLimit-ToWait-Sec", reply.headers)
        self.assertNotIn("X-RateLimit-Remaining", reply.headers)
        self.assertEqual(self.post(KB, {"action": "list", "ids": "1"}).status, 200)

    def test_both_blocks_on_demand(self):
        self.faulty("busy", "scan.launch")
        reply = self.post("/api/2.0/fo/scan/", {"action": "launch"})
        self.refused(1960, reply, 409)
        self.assertNotIn("X-RateLimit-ToWait-Sec", reply.headers)
        self.faulty("rate", "launch", to_wait=2)
        reply = self.post("/api/2.0/fo/scan/", {"action": "launch"})
        self.refused(1965, reply, 409)
        self.assertEqual(reply.headers["X-RateLimit-ToWait-Sec"], "2")


class Detections(QualysCase):
    def scanned(self, *hosts):
        if hosts:
            self.hosts(*hosts)
        ips = [host["ip"] for host in hosts] or [IP]
        ref = self.launch(ip=",".join(ips))
        self.finish(ref)

    def listed(self, **more):
        return self.post(DETECTION, {"action": "list", "ips": "10.0.0.1-10.0.0.99", **more})

    def test_the_login_has_a_date_and_only_if_it_worked(self):
        self.scanned()
        host = root(self.listed()).find(".//HOST")
        self.assertTrue(host.findtext("LAST_VM_AUTH_SCANNED_DATE").endswith("Z"))
        self.assertEqual(len(host.findall(".//DETECTION")), 4)
        self.assertEqual({item.text for item in host.iter("TYPE")}, {"Confirmed", "Potential"})
        self.assertIsNone(host.find(".//TITLE"))
        self.hosts({"ip": IP, "login_works": False})
        self.fake.control("POST", "reset")
        self.scanned({"ip": IP, "login_works": False})
        self.assertIsNone(text(self.listed(), ".//LAST_VM_AUTH_SCANNED_DATE"))

    def test_statuses_over_scans(self):
        finding = {"qid": 1001, "port": 22}
        seen = []
        for findings in ([finding], [finding], [], [finding]):
            self.scanned({"ip": IP, "findings": findings})
            seen.append(text(self.listed(qids="1001"), ".//STATUS"))
        self.assertEqual(seen, ["New", "Active", "Fixed", "Re-Opened"])

    def test_pages_follow_the_warning(self):
        self.scanned(*({"ip": f"10.0.0.{number}", "findings": [{"qid": 1}]}
                       for number in range(1, 6)))
        found, path, form = [], DETECTION, {"action": "list", "truncation_limit": "2"}
        for _ in range(3):
            page = root(self.post(path, form))
            found += [host.findtext("IP") for host in page.iter("HOST")]
            url = page.findtext(".//WARNING/URL")
            if url is None:
                break
            self.assertEqual(page.findtext(".//WARNING/CODE"), "1980")
            self.assertTrue(url.startswith("\n"))
            path, form = url.strip()[len(self.fake.address):], {}
        self.assertEqual(found, [f"10.0.0.{number}" for number in range(1, 6)])

    def test_pages_in_a_loop(self):
        self.scanned(*({"ip": f"10.0.0.{number}"} for number in range(1, 4)))
        self.settings(detection_loop=True)
        urls = {text(self.post(DETECTION, {"action": "list", "truncation_limit": "1"}),
                     ".//WARNING/URL") for _ in range(3)}
        self.assertEqual(len(urls), 1)
        again = urls.pop()[len(self.fake.address):]
        self.assertIn("id_min=4203254", text(self.post(again), ".//WARNING/URL"))

    def test_bad_and_unknown_ids(self):
        message = self.refused(1905, self.post(DETECTION, {"action": "list", "ids": "abc123"}))
        self.assertEqual(message, "parameter ids has invalid value: abc123 (neither a positive "
                                  "integer nor a range: abc123)")
        reply = self.post(DETECTION, {"action": "list", "ids": "123"})
        self.assertEqual([item.tag for item in root(reply)[0]], ["DATETIME"])


class Knowledge(QualysCase):
    def test_a_qid_has_title_cves_and_scores(self):
        vuln = root(self.post(KB, {"action": "list", "ids": "181234-181240"})).find(".//VULN")
        self.assertEqual([item.text for item in vuln.findall("CVE_LIST/CVE/ID")],
                         ["CVE-2023-0464", "CVE-2023-2650"])
        self.assertEqual(vuln.findtext("CVSS_V3/BASE"), "7.5")
        order = [item.tag for item in vuln]
        self.assertLess(order.index("LAST_SERVICE_MODIFICATION_DATETIME"),
                        order.index("PUBLISHED_DATETIME"))
        self.assertLess(order.index("CVE_LIST"), order.index("DIAGNOSIS"))

    def test_unknown_and_bad_ids(self):
        reply = self.post(KB, {"action": "list", "ids": "123"})
        self.assertEqual([item.tag for item in root(reply)[0]], ["DATETIME"])
        self.refused(1905, self.post(KB, {"action": "list", "ids": "abc123"}))
        ids = root(self.post(KB, {"action": "list", "details": "None"})).findall(".//ID_SET/ID")
        self.assertIn("38307", [item.text for item in ids])


class Reports(QualysCase):
    def launched(self, **more):
        ref = self.launch()
        self.finish(ref)
        return self.post(REPORT, {"action": "launch", "template_id": "1234", "report_title": "r",
                                  "output_format": "csv", "report_type": "Scan",
                                  "report_refs": ref, **more})

    def test_a_report_is_made_fetched_and_deleted(self):
        number = text(self.launched(), ".//ITEM/VALUE")
        self.refused(1905, self.post(REPORT, {"action": "fetch", "id": number}))
        seen = [text(self.post(REPORT, {"action": "list", "id": number}), ".//STATE")
                for _ in range(4)]
        self.assertEqual(seen, ["Submitted", "Running", "Finished", "Finished"])
        reply = self.post(REPORT, {"action": "fetch", "id": number})
        self.assertIn("attachment", reply.headers["Content-Disposition"])
        self.assertIn(b"181234", reply.body)
        self.post(REPORT, {"action": "delete", "id": number})
        self.assertEqual(self.state()["reports"], [])

    def test_a_report_that_fails_or_cannot_be(self):
        self.settings(report_walk=["Submitted", "Errors"])
        number = text(self.launched(), ".//ITEM/VALUE")
        for _ in range(2):
            reply = self.post(REPORT, {"action": "list", "id": number})
        self.assertEqual(text(reply, ".//STATE"), "Errors")
        self.assertTrue(text(reply, ".//MESSAGE"))
        self.refused(999, self.launched(template_id="990"), 500)
        self.refused(1905, self.launched(report_refs="scan/1.1"))


class Portal(QualysCase):
    def test_a_tag_is_made_used_and_deleted_in_both_languages(self):
        document = {"ServiceRequest": {"data": {"Tag": {
            "name": "gold-1", "ruleType": "CLOUD_ASSET", "provider": "EC2",
            "ruleText": "aws.ec2.imageId:ami-1"}}}}
        headers = {**HEADERS, "Content-Type": "application/json", "Accept": "application/json"}
        reply = self.fake.call("POST", "/qps/rest/2.0/create/am/tag/", json.dumps(document),
                               headers)
        number = reply.json()["ServiceResponse"]["data"][0]["Tag"]["id"]
        self.assertNotIn("X-RateLimit-Limit", reply.headers)
        again = self.fake.call(
            "POST", "/qps/rest/2.0/create/am/tag", "<ServiceRequest><data><Tag><name>gold-1</name>"
            "</Tag></data></ServiceRequest>", {**HEADERS, "Content-Type": "text/xml"})
        self.assertEqual((again.status, text(again, "responseCode")), (200, "INVALID_REQUEST"))
        self.assertEqual(len(self.state()["tags"]), 1)
        gone = self.post(f"/qps/rest/2.0/delete/am/tag/{number}")
        self.assertEqual(text(gone, "responseCode"), "SUCCESS")
        gone = self.post(f"/qps/rest/2.0/delete/am/tag/{number}")
        self.assertEqual((gone.status, text(gone, "responseCode")), (200, "NOT_FOUND"))
        self.assertEqual(self.state()["tags"], [])

    def test_errors_come_with_200(self):
        reply = self.fake.call("GET", "/qps/rest/portal/version", None, {})
        self.assertEqual((reply.status, text(reply, "responseCode")), (200, "INVALID_CREDENTIALS"))
        reply = self.fake.call("POST", "/qps/rest/2.0/create/am/tag", "<cut", HEADERS)
        self.assertEqual((reply.status, text(reply, "responseCode")), (200, "INVALID_REQUEST"))

    def test_a_connector_runs_for_a_while(self):
        self.post("/qps/rest/2.0/run/am/assetdataconnector/9001")
        path = "/qps/rest/2.0/get/am/assetdataconnector/9001"
        seen = [text(self.fake.call("GET", path, None, HEADERS), ".//connectorState")
                for _ in range(4)]
        self.assertEqual(seen, ["QUEUED", "PROCESSING", "PROCESSING", "FINISHED_SUCCESS"])


class Faults(QualysCase):
    def listed(self):
        return self.post(LIST, {"action": "list"})

    def test_what_comes_instead_of_an_answer(self):
        for kind, status in (("html-503", 503), ("html-200", 200), ("html-500", 500)):
            self.faulty(kind)
            reply = self.listed()
            self.assertEqual((reply.status, reply.headers["Content-Type"]), (status, "text/html"))
            self.assertIn(b"<html>", reply.body)
        self.faulty("unauthorized")
        self.refused(2000, self.listed(), 401)
        self.faulty("forbidden")
        self.assertEqual(self.listed().status, 403)
        self.faulty("error", code=999)
        self.refused(999, self.listed(), 500)
        self.faulty("answer", status=200, body="{}", content_type="application/json")
        self.assertEqual(self.listed().body, b"{}")
        self.assertEqual(self.listed().status, 200)

    def test_connections_that_end(self):
        for kind in ("drop-before", "drop-after", "reset-after"):
            self.faulty(kind, "scan.list", nth=2)
            self.listed()
            with self.assertRaises(ConnectionError):
                self.listed()
            self.fake.control("DELETE", "faults")

    def test_bodies_cut_slow_and_packed(self):
        self.faulty("cut")
        with self.assertRaises(http.client.IncompleteRead):
            self.listed()
        self.faulty("drip", bytes=40, seconds=0.01)
        start = time.monotonic()
        whole = self.listed().body
        self.assertGreater(time.monotonic() - start, 0.03)
        self.faulty("gzip")
        reply = self.listed()
        self.assertEqual(reply.headers["Content-Encoding"], "gzip")
        self.assertEqual(len(gzip.decompress(reply.body)), len(whole))

    def test_hostile_xml_and_the_bait_nobody_takes(self):
        self.faulty("bomb")
        body = self.listed().body
        self.assertLess(len(body), 2000)
        self.assertIn(b"&a10;", body)
        self.faulty("external-dtd")
        self.assertIn(b"/_fake/bait", self.listed().body)
        self.assertEqual(self.fake.control("GET", "fetched"), {"fetched": []})
        self.fake.call("GET", "/_fake/bait.dtd")
        self.assertEqual(self.fake.control("GET", "fetched"), {"fetched": ["bait.dtd"]})

    def test_bad_control_is_refused(self):
        for name, document in (("faults", {"kind": "flood"}), ("faults", {"kind": "cut", "x": 1}),
                               ("hosts", [{"ip": "somewhere"}]), ("hosts", [{"ip": IP, "x": 1}]),
                               ("walk", {"steps": []}), ("walk", {"steps": [{"status": "x"}]}),
                               ("settings", {"x": 1})):
            with self.assertRaises(ValueError):
                self.fake.control("POST", name, document)


if __name__ == "__main__":
    unittest.main()
