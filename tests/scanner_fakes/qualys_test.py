"""Qualys: scans from the launch to the results."""

import csv
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scanner_fakes.qualys_case import (HEADERS, IP, LAUNCH, LIST, SCAN, QualysCase,  # noqa: E402
                                       root, text)


class Access(QualysCase):
    def test_the_header_is_needed(self):
        headers = {"Authorization": HEADERS["Authorization"]}
        self.assertIn("X-Requested-With", self.refused(1903, self.post(LIST, {"action": "list"},
                                                                       headers)))

    def test_a_wrong_password_is_401_and_2000(self):
        headers = {**HEADERS, "Authorization": "Basic b25lOnR3bw=="}
        self.refused(2000, self.post(LIST, {"action": "list"}, headers), 401)

    def test_an_expired_account_is_200_and_2001(self):
        self.settings(expired=True)
        reply = self.post(LIST, {"action": "list"})
        self.refused(2001, reply, 200)
        self.assertEqual(reply.headers["Content-Type"], "text/xml;charset=UTF-8")
        self.assertNotIn("X-RateLimit-Limit", reply.headers)

    def test_a_session_serves_version_2_only(self):
        login = self.post("/api/2.0/fo/session/", {
            "action": "login", "username": "hallmark_api", "password": "qualys-Secret-1"},
            {"X-Requested-With": "tests"})
        self.assertNotIn("X-RateLimit-Limit", login.headers)
        headers = {"X-Requested-With": "tests",
                   "Cookie": login.headers["Set-Cookie"].partition(";")[0]}
        ips = self.post("/api/2.0/fo/asset/ip/", {"action": "list"}, headers)
        self.assertEqual(ips.status, 200)
        self.refused(2000, self.post(LIST, {"action": "list"}, headers), 401)
        self.assertEqual(self.state()["sessions"], 1)
        self.post("/api/2.0/fo/session/", {"action": "logout"}, headers)
        self.assertEqual(self.state()["sessions"], 0)
        self.assertEqual(self.calls("?operation=session.login")["calls"][0]["parameters"]
                         ["password"], "***")

    def test_too_many_logins_are_2014(self):
        self.settings(sessions=0)
        self.refused(2014, self.post("/api/2.0/fo/session/", {
            "action": "login", "username": "hallmark_api", "password": "qualys-Secret-1"}), 409)

    def test_a_secret_in_a_url_is_noticed(self):
        self.fake.call("GET", LIST + "?action=list&password=qualys-Secret-1", None, HEADERS)
        self.assertEqual(self.calls()["secrets_in_urls"], 1)


class Launch(QualysCase):
    def launched(self, **more):
        form = {key: value for key, value in {**LAUNCH, **more}.items() if value is not None}
        return self.post(SCAN, form)

    def test_a_launch_says_id_and_reference(self):
        ref = self.launch()
        self.assertRegex(ref, r"^scan/\d{10}\.\d{5}$")
        launches = self.state()["launches"]
        self.assertEqual([item["title"] for item in launches], ["run-1"])

    def test_unknown_values_are_1905(self):
        self.add_ip()
        for wrong in ({"option_id": "5"}, {"iscanner_name": "none"}, {"priority": "11"},
                      {"ip": "10.0.0.300"}, {"ip": "10.9.9.9"}, {"scan_title": "t" * 2001},
                      {"ip": None, "asset_groups": "nobody"}, {"target_from": "moon"}):
            self.refused(1905, self.launched(**wrong))
        self.assertEqual(self.state()["launches"], [])

    def test_what_is_missing_is_1903(self):
        self.add_ip()
        for wrong in ({"option_id": None}, {"iscanner_name": None},
                      {"ip": None, "ec2_instance_ids": "i-1"},
                      {"ip": None, "ec2_instance_ids": "i-1", "connector_name": "aws-candidates"},
                      {"ip": None, "target_from": "tags"}):
            self.refused(1903, self.launched(**wrong))
        self.refused(1903, self.post(SCAN, {"scan_title": "no action"}))
        self.refused(1922, self.launched(ip=None))

    def test_what_excludes_each_other_is_1904(self):
        self.add_ip()
        for wrong in ({"option_title": "Golden image"}, {"default_scanner": "1"},
                      {"asset_groups": "a", "asset_group_ids": "1"},
                      {"target_from": "tags", "tag_set_include": "1"},
                      {"ec2_instance_ids": "i-1", "connector_name": "c", "ec2_endpoint": "e"}):
            self.refused(1904, self.launched(**wrong))

    def test_unknown_parameters_and_methods(self):
        self.add_ip()
        self.assertIn("colour", self.refused(1901, self.launched(colour="red")))
        self.refused(1908, self.fake.call("GET", SCAN + "?action=launch", None, HEADERS))
        self.refused(1907, self.launched(tag_set_include="1"))

    def test_an_address_is_scanned_only_once_it_is_subscribed(self):
        self.refused(1905, self.launched())
        reply = self.add_ip("10.0.0.9-10.0.0.11,10.0.0.20")
        self.assertEqual(text(reply, "RESPONSE/TEXT"),
                         "IPs successfully added to Vulnerability Management")
        self.add_ip("10.0.0.9")
        ips = root(self.post("/api/2.0/fo/asset/ip/", {"action": "list"}))
        self.assertEqual(ips.findtext(".//IP_RANGE"), "10.0.0.9-10.0.0.11")
        self.assertEqual(ips.findtext(".//IP"), "10.0.0.20")
        self.assertIsNone(text(self.launched(), "RESPONSE/CODE"))
        self.settings(approved=["192.168.0.0/16"])
        self.assertIn("QAPI999", self.refused(999, self.add_ip("10.1.1.1"), 500))

    def test_an_instance_is_scanned_once_the_connector_knows_it(self):
        form = {"ip": None, "ec2_instance_ids": "i-0c0ffee0000000001", "ec2_endpoint": "us-east-1",
                "connector_name": "aws-candidates"}
        self.refused(1905, self.launched(**form))
        self.post("/qps/rest/2.0/run/am/assetdataconnector/9001")
        for _ in range(4):
            self.fake.call("GET", "/qps/rest/2.0/get/am/assetdataconnector/9001", None, HEADERS)
        self.assertIsNone(text(self.launched(**form), "RESPONSE/CODE"))
        self.assertEqual(self.state()["launches"][0]["ips"], [IP])
        self.settings(too_small=["t3.micro"])
        self.refused(1905, self.launched(**form))

    def test_a_lost_reply_leaves_one_scan_that_is_found_by_its_title(self):
        self.add_ip()
        self.faulty("drop-after", "scan.launch")
        with self.assertRaises(ConnectionError):
            self.launched(scan_title="run-7")
        self.walk({"state": "Running"})
        for _ in range(3):
            reply = self.post(LIST, {"action": "list",
                                     "launched_after_datetime": "2020-01-01T00:00:00Z"})
        self.assertEqual(text(reply, ".//SCAN/TITLE"), "run-7")
        self.assertEqual(len(self.state()["launches"]), 1)


class Course(QualysCase):
    def test_the_whole_course(self):
        ref = self.launch()
        seen = [self.look(ref) for _ in range(8)]
        self.assertEqual(seen, [None, ("Queued", None, "0"), ("Running", None, "0"),
                                ("Running", None, "0"), ("Loading", None, "0"),
                                ("Finished", None, "0"), ("Finished", None, "1"),
                                ("Finished", None, "1")])

    def test_a_course_by_time(self):
        self.walk({"state": "Running", "ms": 60000}, {"state": "Finished", "processed": 1})
        ref = self.launch()
        self.assertEqual(self.look(ref)[0], "Running")
        self.fake.control("POST", "clock", {"advance": 61})
        self.assertEqual(self.look(ref)[0], "Finished")

    def test_a_host_that_is_unknown_or_down_is_no_host(self):
        ref = self.launch(ip="10.0.0.77")
        self.assertEqual(self.finish(ref), ("Finished", "No_Host", "1"))
        rows = self.fetch(ref).json()
        self.assertFalse([row for row in rows if "qid" in row])
        self.assertEqual(rows[-1], {"hosts_not_scanned_host_not_alive_ip": "10.0.0.77"})

    def test_a_host_without_findings_is_no_vuln(self):
        self.hosts({"ip": IP})
        ref = self.launch()
        self.assertEqual(self.finish(ref), ("Finished", "No_Vuln", "1"))
        self.assertEqual({row["type"] for row in self.fetch(ref).json() if "qid" in row}, {"Ig"})

    def test_other_ends(self):
        for end in ("Canceled", "Error", "Paused", "Reticulating"):
            self.walk({"state": end})
            ref = self.launch()
            self.assertEqual([self.look(ref)[0] for _ in range(3)], [end] * 3)

    def test_forms_of_duration(self):
        for duration in ("Pending", "Running", "00:05:01", "2 days 01:02:03"):
            self.walk({"state": "Running", "duration": duration})
            reply = self.post(LIST, {"action": "list", "scan_ref": self.launch()})
            self.assertEqual(text(reply, ".//DURATION"), duration)

    def test_pause_resume_cancel_and_delete(self):
        self.walk({"state": "Running"})
        ref = self.launch()

        def act(action):
            return self.post(SCAN, {"action": action, "scan_ref": ref})
        self.refused(1905, act("delete"))
        act("pause")
        self.assertEqual(self.look(ref)[0], "Paused")
        act("resume")
        self.assertEqual(self.look(ref)[0], "Running")
        act("cancel")
        self.assertEqual(self.look(ref)[0], "Canceled")
        self.assertIsNone(text(act("delete"), "RESPONSE/CODE"))
        self.refused(1905, act("delete"))
        self.assertEqual(self.state()["scans"], [])

    def test_the_old_list_is_gone(self):
        reply = self.post(SCAN, {"action": "list"})
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (410, "text/html"))

    def test_the_text_around_the_data(self):
        self.settings(evaluation=True, no_prolog=True)
        self.walk({"state": "Running"})
        ref = self.launch()
        body = self.post(LIST, {"action": "list", "scan_ref": ref}).body
        self.assertTrue(body.startswith(b"<!DOCTYPE SCAN_LIST_OUTPUT SYSTEM \"https://"))
        self.assertEqual(body.count(b"evaluation version"), 2)
        self.assertIn(b"<TITLE>\n            <![CDATA[run-1]]>\n", body)


class Results(QualysCase):
    def done(self):
        ref = self.launch()
        self.finish(ref)
        return ref

    def test_rows_of_many_kinds_as_html(self):
        reply = self.fetch(self.done())
        self.assertEqual(reply.headers["Content-Type"], "text/html")
        rows = reply.json()
        found = [row for row in rows if "qid" in row]
        self.assertEqual({type(row["qid"]) for row in found}, {int})
        self.assertEqual({row["severity"] for row in found}, {"1", "2", "3", "4", "5"})
        self.assertEqual({row["type"] for row in found}, {"Vuln", "Practice", "Ig"})
        self.assertIn("CVE-2023-0464,CVE-2023-2650", [row["cve_id"] for row in found])
        self.assertIn("Vulnerability Signatures 2.6.200-3", rows[1]["scanner_appliance"])
        self.assertIn("target_distribution_across_scanner_appliances", rows[-1])

    def test_a_brief_answer_has_no_evidence(self):
        rows = self.fetch(self.done(), mode="brief").json()
        self.assertFalse([row for row in rows if "results" in row])

    def test_without_a_login_local_findings_are_missing(self):
        self.hosts({"ip": IP, "login_works": False, "findings": [
            {"qid": 1001, "package": "bash"}, {"qid": 1002, "port": 22}]})
        found = {row["qid"] for row in self.fetch(self.done()).json() if "qid" in row}
        self.assertEqual(found, {1002, 105053, 45038})

    def test_csv_has_blocks_before_and_after(self):
        reply = self.fetch(self.done(), output_format="csv_extended")
        lines = list(csv.reader(reply.body.decode().splitlines(keepends=True)))
        header = next(at for at, line in enumerate(lines) if line[:2] == ["IP", "DNS"])
        self.assertGreater(header, 3)
        self.assertTrue(any("\n" in cell for line in lines[header:] for cell in line))

    def test_errors_of_a_fetch_are_xml(self):
        self.walk({"state": "Running"})
        ref = self.launch()
        reply = self.fetch(ref)
        self.refused(1905, reply)
        self.assertEqual(reply.headers["Content-Type"], "application/xml")
        self.refused(1905, self.fetch("scan/1.2"))
        self.refused(1905, self.fetch(ref, output_format="yaml"))

    def test_the_wrong_host_no_host_and_very_many_findings(self):
        ref = self.done()
        self.faulty("wrong-host", "scan.fetch")
        self.assertEqual({row["ip"] for row in self.fetch(ref).json() if "qid" in row},
                         {"192.0.2.66"})
        self.faulty("zero-hosts", "fetch")
        self.assertFalse([row for row in self.fetch(ref).json() if "qid" in row])
        self.faulty("big", "fetch", findings=3000)
        self.assertEqual(len([row for row in self.fetch(ref).json() if "qid" in row]), 3006)
        self.assertEqual(len([row for row in self.fetch(ref).json() if "qid" in row]), 6)


if __name__ == "__main__":
    unittest.main()
