"""What the tests share: one stand-in for a class of tests, made new before each."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

from scanner_fakes.running import Fake  # noqa: E402


class Case(unittest.TestCase):
    scanner = None

    @classmethod
    def setUpClass(cls):
        cls.fake = Fake(cls.scanner)

    @classmethod
    def tearDownClass(cls):
        cls.fake.close()

    def setUp(self):
        self.fake.control("POST", "reset")

    def faulty(self, kind, operation="*", **more):
        self.fake.control("POST", "faults", {"kind": kind, "operation": operation, **more})

    def settings(self, **given):
        return self.fake.control("POST", "settings", given)

    def walk(self, *steps):
        self.fake.control("POST", "walk", {"steps": list(steps)})

    def hosts(self, *hosts):
        self.fake.control("POST", "hosts", list(hosts))

    def state(self):
        return self.fake.control("GET", "state")

    def calls(self, query=""):
        return self.fake.control("GET", f"calls{query}")
