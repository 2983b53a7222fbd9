"""Disks that are full, damaged, or of no use."""

import ctypes
import os
import subprocess

import world

CLONE_NEWNS = 0x00020000


def enter_own_mounts():
    """What is mounted from here on is seen by this process and its children only, and ends with them."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "cannot have mounts of our own")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Damaged(world.LifeTest):
    """What cannot be a source is not taken."""

    def import_file(self, content):
        path = self.world.directory / "disk"
        path.write_bytes(content)
        return self.world.run("source", "import", str(path), "--name", "other")

    def tearDown(self):
        self.assertEqual([i["name"] for i in self.world.record("source", "list")["images"]], ["base"])
        self.check_nothing_left()

    def test_truncated_qcow2(self):
        whole = world.SOURCE.read_bytes()
        for part in (100, 70000, len(whole) * 2 // 3):
            with self.subTest(bytes=part):
                self.check(self.import_file(whole[:part]), 9, "truncated|damaged|corrupt|end|short")

    def test_damaged_header(self):
        head = bytearray(world.SOURCE.read_bytes()[: 1 << 20])
        # Where the L1 table lies.
        head[40:48] = b"\xff" * 8
        self.check(self.import_file(bytes(head)), 9)

    def test_no_disk_at_all(self):
        self.check(self.import_file(b"this is a shopping list\n"), 9)
        self.check(self.import_file(b""), 9)


class NoGuest(world.LifeTest):
    def build_from_empty_disk(self, mode, code, *patterns):
        path = self.world.directory / "empty.raw"
        with open(path, "wb") as file:
            file.truncate(64 << 20)
        record = self.world.run("source", "import", str(path), "--name", "empty", "--json")
        self.check(record, 0)
        image = [i["image_id"] for i in self.world.record("source", "list")["images"] if i["name"] == "empty"][0]
        answer = self.world.build(source={"name": "empty"}, build={"mode": mode, "boot_limit": "6s"})
        self.check(answer, code, *patterns)
        self.newest_run_is("failed")
        self.check_nothing_left(image)
        self.check(self.world.run("source", "remove", "empty"), 0)

    def test_image_that_does_not_boot(self):
        self.build_from_empty_disk("boot", 8, r"machine i-\w+ \(builder\) could not be reached within 6",
                                   "does not boot or no guest agent", "hint: .*build.boot_limit")

    def test_image_without_a_root_file_system(self):
        self.build_from_empty_disk("offline", 1, r"machine i-\w+ \(builder\) is \w+ instead of running")


class DiskFull(world.LifeTest):
    """The pool is a small file system, with room for the source and little more."""

    @classmethod
    def setUpClass(cls):
        reason = world.why_not_here()
        if reason:
            raise world.unittest.SkipTest(reason)
        enter_own_mounts()
        cls.world = world.World()
        cls.addClassCleanup(cls.world.end)
        cls.world.state.mkdir()
        # An import wants 64 MiB more than the file; what stays free is less than a candidate takes.
        room = world.SOURCE.stat().st_size + (72 << 20)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "pool", str(cls.world.state)], check=True)
        cls.addClassCleanup(lambda: subprocess.run(["umount", str(cls.world.state)], check=False))
        cls.world.import_source()

    def tearDown(self):
        self.check_nothing_left()

    def test_no_room_for_another_source(self):
        self.check(self.world.run("source", "import", str(world.SOURCE), "--name", "other"), 7, "space|full", "hint:")

    def test_no_room_for_the_candidate(self):
        self.check(self.world.build(), 7, "space|full", "hint:")
        self.newest_run_is("failed")

    def test_script_that_fills_the_pool(self):
        fill = "#!/bin/sh\nhead -c 120000000 /dev/urandom > /root/fill; sync; sync -f /root/fill; echo filled\n"
        answer = self.world.build(scripts={"pre_update": {"inline": fill}})
        self.check(answer, 7, "space|full", "hint:")
        self.newest_run_is("failed")


if __name__ == "__main__":
    world.main()
