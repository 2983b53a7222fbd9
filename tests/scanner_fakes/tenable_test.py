"""Tenable: access, scans and credentials; Nessus."""

import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scanner_fakes.tenable_case import BASIC, KEYS, TenableCase  # noqa: E402


class Access(TenableCase):
    def test_wrong_keys_are_401(self):
        self.ask("GET", "/scans", headers={"X-ApiKeys": "accessKey=a;secretKey=b"}, status=401)
        self.ask("GET", "/scans", headers={}, status=401)
        self.ask("GET", "/scans", headers={"x-apikeys": KEYS["X-ApiKeys"].replace(" ", "")})

    def test_a_narrow_scope_is_403(self):
        self.settings(scope="read")
        self.assertEqual(self.create(status=403).json(), {
            "statusCode": 403, "error": "Forbidden", "message": "Insufficient scope"})
        self.ask("GET", "/scans")

    def test_every_reply_has_a_request_uuid(self):
        first = self.ask("GET", "/scans").headers["X-Request-Uuid"]
        self.assertEqual(len(first), 32)
        self.assertNotEqual(self.ask("GET", "/none", status=404).headers["X-Request-Uuid"], first)

    def test_scanners_and_templates_are_named(self):
        names = [item["name"] for item in self.ask("GET", "/scanners").json()["scanners"]]
        self.assertIn("golden-scanner", names)
        for path in ("/editor/policy/templates", "/editor/scan/templates"):
            titles = {item["title"]: item["uuid"]
                      for item in self.ask("GET", path).json()["templates"]}
            self.assertEqual(titles["Basic Network Scan"], BASIC)

    def test_a_secret_is_neither_logged_nor_overlooked_in_a_url(self):
        self.ask("GET", f"/scans?secretKey={'b' * 63}2")
        self.ask("POST", "/session", {"username": "u", "password": "p"}, status=404)
        calls = self.calls()
        self.assertEqual(calls["secrets_in_urls"], 1)
        self.assertNotIn("b" * 63, json.dumps(calls))
        self.assertEqual(calls["calls"][1]["parameters"]["password"], "***")


class Launch(TenableCase):
    def test_create_answers_the_scan(self):
        reply = self.ask("POST", "/scans", {"uuid": BASIC, "settings": {
            "name": "gold-1", "text_targets": "10.0.0.9"}}).json()["scan"]
        self.assertTrue(reply["uuid"].startswith("template-"))
        self.assertEqual((reply["name"], reply["custom_targets"]), ("gold-1", "10.0.0.9"))
        self.assertEqual(self.status(reply["id"]), "empty")
        self.assertEqual(self.status(reply["uuid"]), "empty")

    def test_create_refuses(self):
        self.create(status=400, uuid="none")
        self.create(status=400, name="")
        self.create(status=400, text_targets="")
        self.create(status=400, scanner_id=999)
        self.fake.call("POST", "/scans", "{cut", KEYS)
        self.assertEqual(self.calls()["calls"][-1]["status"], 400)
        self.settings(scan_cap=0)
        self.create(status=403)
        self.assertEqual(self.state()["scans"], [])

    def test_launch_and_its_refusals(self):
        number = self.create()
        run = self.launch(number)
        self.assertEqual(self.state()["launches"][0]["uuid"], run)
        self.ask("POST", f"/scans/{number}/launch", status=409)
        off = self.create(enabled=False)
        self.ask("POST", f"/scans/{off}/launch", status=403)
        self.ask("POST", "/scans/9/launch", status=404)
        self.assertEqual(len(self.state()["launches"]), 1)

    def test_only_so_many_scans_at_once(self):
        self.settings(active_limit=1)
        self.launch(self.create())
        reply = self.ask("POST", f"/scans/{self.create()}/launch", status=429)
        self.assertEqual((reply.headers["Content-Type"], reply.headers["retry-after"]),
                         ("text/html", "2"))
        self.assertTrue(reply.body.startswith(b"<html>"))

    def test_a_lost_reply_leaves_one_scan_that_is_found_by_its_name(self):
        self.faulty("drop-after", "scan.create")
        with self.assertRaises(ConnectionError):
            self.create(name="run-8")
        scans = self.ask("GET", "/scans").json()["scans"]
        self.assertEqual([item["name"] for item in scans], ["run-8"])
        self.faulty("drop-after", "scan.launch")
        with self.assertRaises(ConnectionError):
            self.launch(scans[0]["id"])
        self.assertNotEqual(self.status(scans[0]["id"]), "empty")
        self.assertEqual(len(self.state()["launches"]), 1)


class Course(TenableCase):
    def test_the_whole_course(self):
        number = self.create()
        self.launch(number)
        self.assertEqual([self.status(number) for _ in range(7)],
                         ["initializing", "pending", "running", "running", "publishing",
                          "completed", "completed"])

    def test_other_ends(self):
        for word in ("aborted", "pending", "paused", "canceled", "imported", "contemplating"):
            self.walk({"status": "running"}, {"status": word})
            number = self.create()
            self.launch(number)
            self.assertEqual([self.status(number) for _ in range(4)], ["running"] + [word] * 3)

    def test_stop_force_stop_pause_and_resume(self):
        number = self.create()
        self.ask("POST", f"/scans/{number}/stop", status=409)
        self.walk({"status": "running"})
        self.launch(number)
        self.ask("POST", f"/scans/{number}/force-stop", status=409)
        self.ask("POST", f"/scans/{number}/pause")
        self.assertEqual([self.status(number) for _ in range(2)], ["pausing", "paused"])
        self.ask("POST", f"/scans/{number}/stop", status=409)
        self.ask("POST", f"/scans/{number}/resume")
        self.ask("POST", f"/scans/{number}/stop")
        self.assertEqual([self.status(number) for _ in range(2)], ["stopping", "canceled"])
        self.walk({"status": "publishing"})
        self.launch(number)
        self.ask("POST", f"/scans/{number}/force-stop")
        self.assertEqual(self.status(number), "aborted")

    def test_delete_says_nothing_and_then_404(self):
        number = self.create()
        self.launch(number)
        self.ask("DELETE", f"/scans/{number}", status=409)
        self.finish(number)
        self.export(number)
        reply = self.ask("DELETE", f"/scans/{number}")
        self.assertEqual(reply.body, b"")
        reply = self.ask("DELETE", f"/scans/{number}", status=404)
        self.assertEqual(reply.json(), {"error": "The requested file was not found"})
        reply = self.ask("GET", f"/scans/{number}", status=404)
        self.assertEqual(reply.json(), {"error": "Scan not found"})
        state = self.state()
        self.assertEqual((state["scans"], state["exports"], len(state["launches"])), ([], [], 1))

    def test_a_rate_limit_is_html(self):
        self.faulty("rate", "scan.latest-status", to_wait=7)
        reply = self.ask("GET", "/scans/1/latest-status", status=429)
        self.assertEqual((reply.headers["Content-Type"], reply.headers["retry-after"]),
                         ("text/html", "7"))


class Credentials(TenableCase):
    def test_managed_ones_are_made_listed_and_deleted(self):
        key = self.managed()
        listed = self.ask("GET", "/credentials").json()
        self.assertEqual([item["uuid"] for item in listed["credentials"]], [key])
        self.assertEqual(listed["pagination"]["total"], 1)
        self.assertNotIn("settings", self.ask("GET", f"/credentials/{key}").json())
        self.assertEqual(self.ask("DELETE", f"/credentials/{key}").json(), {"deleted": True})
        self.ask("DELETE", f"/credentials/{key}", status=404)
        self.assertEqual(self.state()["credentials"], [])

    def test_an_upload_may_get_another_name_and_stays(self):
        self.assertEqual(self.upload().json(), {"fileuploaded": "key.pem"})
        self.assertEqual(self.upload().json(), {"fileuploaded": "key-1.pem"})
        self.assertEqual(self.upload(field="file").status, 400)
        self.assertEqual(self.state()["files"], ["key-1.pem", "key.pem"])
        self.assertNotIn("PRIVATE", json.dumps(self.calls()))

    def test_what_a_scan_logs_in_with_decides(self):
        scan = {"uuid": BASIC, "settings": {"name": "n", "text_targets": "10.0.0.9"}}
        self.upload()
        self.upload("no.pem", "not a key")
        for name, works in (("key.pem", "true"), ("no.pem", "false"), ("gone.pem", "false")):
            scan["credentials"] = {"add": {"Host": {"SSH": [
                {"auth_method": "public key", "username": "ec2-user", "private_key": name}]}}}
            number = self.ask("POST", "/scans", scan).json()["scan"]["id"]
            self.launch(number)
            self.finish(number)
            self.assertIn(f'"Credentialed_Scan">{works}<'.encode(), self.export(number).body)


class Control(TenableCase):
    def test_one_list_of_hosts_serves_both_scanners(self):
        self.hosts({"ip": "10.0.0.9", "findings": [{"qid": 1, "plugin_id": 2, "severity": 4}]})
        number = self.done()
        found = self.ask("GET", f"/scans/{number}").json()["vulnerabilities"]
        self.assertEqual([item["plugin_id"] for item in found], [2, 19506])

    def test_bad_control_is_refused(self):
        for name, document in (("hosts", [{"ip": "10.0.0.9", "findings": [{"plugin_id": 1,
                                                                            "severity": 5}]}]),
                               ("hosts", [{"ip": "10.0.0.9", "findings": [{"title": "x"}]}]),
                               ("walk", {"steps": [{"polls": 2}]}), ("walk", {"scan": 1}),
                               ("walk", {"steps": [{"state": "Running"}]})):
            with self.assertRaises(ValueError):
                self.fake.control("POST", name, document)

    def test_a_course_may_change_on_the_way(self):
        number = self.create()
        self.launch(number)
        self.fake.control("POST", "walk", {"scan": number, "steps": [{"status": "aborted"}]})
        self.assertEqual(self.status(number), "aborted")
        self.fake.control("POST", "walk", {"end": {"status": "canceled"}})
        self.launch(number)
        self.assertEqual([self.status(number) for _ in range(6)][-1], "canceled")

    def test_what_is_dropped_is_in_the_log(self):
        self.faulty("drop-before", "scan.list")
        with self.assertRaises(ConnectionError):
            self.ask("GET", "/scans")
        entry = self.calls()["calls"][0]
        self.assertEqual((entry["status"], entry["fault"]), ("dropped", "drop-before"))


class Nessus(TenableCase):
    def setUp(self):
        super().setUp()
        self.settings(mode="nessus")

    def test_a_session(self):
        self.ask("POST", "/session", {"username": "x", "password": "y"}, headers={}, status=401)
        token = self.ask("POST", "/session", {"username": "hallmark_api",
                                              "password": "nessus-Secret-1"},
                         headers={}).json()["token"]
        cookie = {"X-Cookie": f"token={token}"}
        reply = self.ask("GET", "/scans", headers=cookie)
        self.assertNotIn("X-Request-Uuid", reply.headers)
        self.assertEqual(self.state()["sessions"], 1)
        self.ask("DELETE", "/session", headers=cookie)
        self.ask("GET", "/scans", headers=cookie, status=401)
        self.assertEqual(self.state()["sessions"], 0)

    def test_no_latest_status_and_numbers_for_files(self):
        number = self.create()
        self.launch(number)
        self.ask("GET", f"/scans/{number}/latest-status", status=404)
        self.ask("GET", "/credentials", status=404)
        for _ in range(6):
            status = self.ask("GET", f"/scans/{number}").json()["info"]["status"]
        self.assertEqual(status, "completed")
        reply = self.ask("POST", f"/scans/{number}/export", {"format": "nessus"}).json()
        self.assertIsInstance(reply["file"], int)

    def test_nessus_professional_has_no_api(self):
        number = self.create()
        self.settings(mode="professional")
        reply = self.create(status=412)
        self.assertEqual(reply.json(), {"error": "API is not available"})
        self.ask("POST", f"/scans/{number}/launch", status=412)
        self.ask("GET", "/scans")


class Together(TenableCase):
    def test_many_at_once(self):
        errors = []

        def work(number):
            try:
                scan = self.create(name=f"run-{number}")
                self.launch(scan)
                self.finish(scan)
                self.ask("DELETE", f"/scans/{scan}")
            except Exception as error:
                errors.append(error)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        state = self.state()
        self.assertEqual((state["scans"], len(state["launches"])), ([], 10))


if __name__ == "__main__":
    unittest.main()
