"""Whole lives of golden images, with candidates that are booted: builds at the same time, approvals at the same
time, distribution, compliance, decommission."""

import json

import world

TARGETS = [{"account_id": world.FIRST, "regions": ["us-east-1", "us-east-2"]},
           {"account_id": world.SECOND, "regions": ["us-east-2", "us-west-2"]}]

CHILD = ["--account", world.SECOND, "--region", "us-west-2"]
DEVELOPER = f"arn:aws:iam::{world.SECOND}:role/dev"


class Life(world.LifeTest):
    def image(self, version):
        return self.world.record("image", "show", f"Life-1/Debian-12/{version}")["image"]

    def test_from_source_to_nothing(self):
        test = {"name": "mark", "script": {"inline": "#!/bin/sh\ngrep -q built-in /etc/mark && systemctl is-system-running --wait\n"}}
        path = self.world.pipeline(
            scripts={"post_update": {"inline": "#!/bin/sh\necho built-in > /etc/mark\n"}}, tests=[test], targets=TARGETS,
            catalog={"principals": ["role/dev"]})
        second_path = self.world.pipeline(version="2", name="second.yaml")

        # Two builds of two versions from one source at the same time.
        first = self.world.start("image", "build", path, "--requested-by", "builder")
        second = self.world.start("image", "build", second_path, "--requested-by", "builder")
        # A version is built once, also while it is being built.
        world.eventually("both have begun", lambda: len(self.world.runs()) == 2)
        again = self.world.run("image", "build", path, "--requested-by", "builder")
        self.check(again, 6, "Life-1/Debian-12/1", "exist|built|taken")
        self.check(self.world.finish(first), 0, "waits for approval|approve")
        self.check(self.world.finish(second), 0)
        for version in ("1", "2"):
            self.assertEqual(self.image(version)["state"], "awaiting_approval")
        again = self.world.run("image", "build", path, "--requested-by", "builder")
        self.check(again, 6, "Life-1/Debian-12/1")
        self.assertEqual(self.image("1")["state"], "awaiting_approval")

        # A rejected one leaves nothing.
        self.check(self.world.run("image", "reject", "Life-1/Debian-12/2", "--as", "ada", "--reason", "too much"), 0)
        candidate = self.image("1")["image_id"]
        self.check_nothing_left_but_the_first(candidate)

        # The requester may not approve; of two who approve at once one decides, and both are told the outcome.
        self.check(self.world.run("image", "approve", "Life-1/Debian-12/1", "--as", "builder"), 5)
        both = [self.world.start("image", "approve", "Life-1/Debian-12/1", "--as", who) for who in ("ada", "bob")]
        answers = [self.world.finish(process) for process in both]
        self.assertIn(0, [answer.code for answer in answers], "\n".join(map(str, answers)))
        for answer in answers:
            self.assertIn(answer.code, (0, 6), str(answer))
        image = self.image("1")
        self.assertEqual(image["state"], "active")
        self.assertEqual(image["image_id"], candidate)

        self.check_distributed(candidate)
        self.check_compliance(candidate)
        self.check(self.world.run("image", "reassess"), 0)
        self.check_retirement(candidate)
        self.check(self.world.run("image", "decommission", "Life-1/Debian-12/1"), 0)
        self.assertEqual(self.image("1")["state"], "decommissioned")
        self.assertEqual(self.parameters(), [])
        self.check_nothing_left()

    def check_nothing_left_but_the_first(self, candidate):
        left = [line for line in self.world.leftovers([self.world.source_id, candidate]) if not line.startswith("ledger")]
        self.assertEqual(left, [])

    def parameters(self):
        return self.world.record("parameter", "list")["parameters"]

    def check_distributed(self, candidate):
        places = {(p["account_id"], p["region"]): p["value"] for p in self.parameters()
                  if p["name"] == "/GoldenAMI/Debian-12/Life-1/1"}
        for target in TARGETS:
            for region in target["regions"]:
                self.assertIn((target["account_id"], region), places)
        self.assertEqual(places[(world.HOME, "us-east-1")], candidate)
        self.assertEqual(places[(world.FIRST, "us-east-2")], places[(world.SECOND, "us-east-2")], "one copy per region")
        self.assertEqual(len(self.world.image_files()), 4, "the source, and one golden image in each region")
        self.distributed = places
        self.check(self.world.run("image", "distribute", "Life-1/Debian-12/1", "--check"), 0)

    def check_compliance(self, candidate):
        def launch(image, account, region):
            answer = self.world.record("machine", "launch", "--image", image, "--account", account, "--region", region)
            return answer["machine"]["machine_id"]

        golden = self.launch_from_catalog()
        raw = launch("base", world.HOME, "us-east-1")
        self.check(self.world.run("compliance", "check"), 3)
        verdicts = {m["machine_id"]: m["compliant"] for m in self.world.record("compliance", "check")["machines"]}
        self.assertEqual(verdicts, {golden: True, raw: False})
        # Not while a machine runs from it, and then nothing of it is gone.
        self.check(self.world.run("image", "decommission", "Life-1/Debian-12/1"), 6, golden)
        self.assertEqual(self.image("1")["state"], "active")
        self.check(self.world.run("machine", "remove", raw, "--account", world.HOME, "--region", "us-east-1"), 0)
        self.check(self.world.run("compliance", "check"), 0)
        self.check(self.world.run("catalog", "terminate", "web-a", *CHILD), 0)
        self.assertEqual(self.world.record("catalog", "list", "--launched", *CHILD)["launched"], [])

    def offered(self):
        products = self.world.record("catalog", "list", *CHILD, "--as", DEVELOPER)["products"]
        return [(p["product"], v["version"], v["state"]) for p in products for v in p["versions"]]

    def launch_from_catalog(self):
        """By whom a portfolio grants it, and by nobody else; the machine is of the golden image."""
        self.assertEqual(self.offered(), [("Life-1-Debian-12", "1", "active")])
        stranger = self.world.run("catalog", "launch", "Life-1/Debian-12", "web-a", *CHILD)
        self.check(stranger, 4, "offered to you")
        answer = self.world.run("catalog", "launch", "Life-1/Debian-12", "web-a", *CHILD, "--as", DEVELOPER, "--json")
        self.check(answer, 0)
        launched = json.loads(answer.out.splitlines()[-1])
        self.assertEqual(launched["state"], "available")
        machine = launched["outputs"]["MachineId"]
        found = self.world.record("machine", "list", *CHILD)["machines"]
        self.assertEqual([m["image_id"] for m in found if m["machine_id"] == machine],
                         [self.distributed[(world.SECOND, "us-west-2")]])
        return machine

    def check_retirement(self, candidate):
        """A channel keeps it; disabled, it is nowhere to be launched; restored, it is where it was."""
        name = "Life-1/Debian-12/1"
        self.check(self.world.run("channel", "promote", name, "--to", "prod"), 0)
        self.check(self.world.run("image", "decommission", name, "--dry-run"), 6)
        self.check(self.world.run("image", "disable", name), 6, "prod")
        self.check(self.world.run("image", "disable", name, "--force"), 0)
        self.assertEqual(self.image("1")["state"], "disabled")
        self.assertEqual(self.parameters(), [])
        self.assertEqual(self.offered(), [])
        child = self.distributed[(world.SECOND, "us-west-2")]
        refused = self.world.run("machine", "launch", "--image", child, "--account", world.SECOND, "--region", "us-west-2")
        self.assertNotEqual(refused.code, 0, refused)
        self.check(self.world.run("image", "restore", name), 0)
        self.assertEqual(self.image("1")["state"], "active")
        self.check_distributed(candidate)
        self.assertEqual(self.offered(), [("Life-1-Debian-12", "1", "active")])
        self.check(self.world.run("image", "tree"), 0)


if __name__ == "__main__":
    world.main()
