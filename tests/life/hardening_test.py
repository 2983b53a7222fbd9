"""OpenSCAP in a real machine of the embedded cloud: installed there, and its results in the evidence."""

import json

import world


class Hardening(world.LifeTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        content = world.pathlib.Path(__file__).resolve().parents[2] / "src/scan/openscap/testdata/sample-ds.xml"
        # Real content is megabytes long, too much for one call of the guest's agent.
        long = content.read_text().replace("</title>", f" {world.os.urandom(500_000).hex()}</title>", 1)
        (cls.world.state / "content.xml").write_text(long)
        (cls.world.state / "config.yaml").write_text(json.dumps({"scanners": {"stig": {
            "kind": "openscap", "content": "content.xml", "profile": "stig", "install": True, "poll_interval": "1s"}}}))

    def test_of_a_candidate_that_is_booted(self):
        built = self.world.build(scanners=["stig"])
        self.check(built, 0, "waits for approval|approve")
        evidence = self.world.state / "evidence" / self.world.newest_run()
        own, seen = json.loads((evidence / "assessments.json").read_text())
        self.assertEqual(seen["scanner"], "stig")
        self.assertEqual(seen["completeness"], "complete", seen)
        # One rule passes, one fails, and one is for systems of another kind.
        self.assertEqual(seen["checks"], {"passed": 1, "failed": 1, "not_applicable": 1, "not_checked": 0})
        self.assertEqual(seen["hardening_score"], 50)
        self.assertEqual([finding["finding_id"] for finding in seen["findings"]], ["xccdf_org.example_rule_marker"])
        for raw in seen["raw"]:
            self.assertGreater((evidence / "raw" / raw["name"]).stat().st_size, 0)
        # It came after the builder had stopped: the candidate itself has none of it.
        inventory = json.loads((evidence / "inventory.json").read_text())
        self.assertNotIn("openscap-scanner", [package["name"] for package in inventory["packages"]])
        self.check(self.world.run("image", "reject", "Life-1/Debian-12/1", "--as", "ada", "--reason", "not hardened"), 0)
        self.check_nothing_left()


if __name__ == "__main__":
    world.main()
