"""Images as distributions make them, and all that is found in them held against what the distributions' own tools say:
rpm and librpm, dpkg --compare-versions. Nothing here knows how Hallmark compares. Prints precision and recall."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import feeds
import roots

HALLMARK = os.environ["HALLMARK"]


class Truth(unittest.TestCase):
    """One image of one distribution."""

    tools = ()

    def setUp(self):
        lacking = roots.missing(*self.tools)
        if lacking:
            raise unittest.SkipTest(f"{', '.join(lacking)} not installed (scripts/packages.txt)")
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        kept = tempfile.TemporaryDirectory(prefix="truth-")
        self.addCleanup(kept.cleanup)
        self.directory = pathlib.Path(kept.name)
        self.random = random.Random(7)

    def hallmark(self, *arguments):
        made = subprocess.run([HALLMARK, *map(str, arguments), "--json", "--state", str(self.directory / "state")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        return json.loads(made.stdout)

    def take_feed(self, kind, text, *more):
        file = self.directory / f"{kind}.feed"
        file.write_text(text)
        self.hallmark("advisory", "import", file, "--kind", kind, "--name", kind, *more)

    def scan(self, disk):
        record = self.hallmark("disk", "scan", disk)
        assessment = record["assessment"]
        gaps = [gap for gap in assessment["gaps"] if "support" not in gap["what"] + gap["reason"]]
        self.assertEqual(gaps, [])
        found = {f["finding_id"] for f in assessment["findings"] if not f["finding_id"].startswith("hardening:")}
        return record["inventory"]["packages"], found

    def compare(self, found, expected):
        self.assertGreater(len(expected), 20)
        both = len(found & expected)
        print(f"{type(self).__name__}: {len(expected)} expected, {len(found)} found, "
              f"precision {both / max(len(found), 1):.4f}, recall {both / len(expected):.4f}")
        self.assertEqual(found, expected)

    def parts_of_version(self):
        """Those that orders of versions differ about."""
        text = str(self.random.randrange(4))
        for _ in range(self.random.randrange(4)):
            text += self.random.choice([".1", ".10", ".01", ".2", "a", "b1", "~rc1", "~", "^git2", "+x", "_3", ".0"])
        return text

    def near(self, version):
        """The same, or one that begins alike."""
        choice = self.random.randrange(4)
        if choice == 0:
            return version
        if choice == 1:
            return version + self.random.choice([".1", "~", "~rc1", "^1", "a", "+1"])
        if choice == 2 and len(version) > 1:
            return version.rstrip("~^+._")[:-1] or "0"
        return self.parts_of_version()


def librpm():
    import rpm  # pylint: disable=import-outside-toplevel
    return rpm


class RpmTruth(Truth):
    def sources(self, count, module=""):
        """Sources of two packages: one has its source's version and epoch, one has its own."""
        made = []
        dist = ".module_el9+7" if module else ".el9"
        for number in range(count):
            name, epoch = f"src{number}", self.random.choice(["", "", "1", "2"])
            version, release = self.parts_of_version(), str(self.random.randrange(1, 12)) + dist
            own = self.parts_of_version()
            packages = [{"name": f"{name}-libs", "epoch": epoch, "version": version, "release": release},
                        {"name": f"{name}-tools", "epoch": epoch if own == version else self.random.choice(["", "3"]),
                         "version": own, "release": release}]
            made.append({"name": name, "version": version, "release": release, "packages": packages, "module": module})
        return made

    def near_evr(self, evr):
        epoch, version, release = evr
        if self.random.random() < 0.2:
            epoch = str(self.random.randrange(4))
        if self.random.random() < 0.6:
            version = self.near(version)
        elif self.random.random() < 0.5:
            number, dist = release.split(".", 1)
            release = f"{self.random.choice([number, int(number) + 1, max(int(number) - 1, 0), number + '~'])}.{dist}"
        return epoch, version, release


class AmazonLinux(RpmTruth):
    """dnf's root with rpm's SQLite database on XFS in a partition; the repository's updateinfo.xml."""

    tools = ("rpmbuild", "dnf", "createrepo_c", "mkfs.xfs", "sfdisk")

    def test_findings(self):
        rpm = librpm()
        root = roots.RpmRoot(self.directory, "/var/lib/rpm")
        root.install_by_dnf(roots.build_rpms(self.directory, self.sources(20)))
        roots.os_release(root.root, ID="amzn", VERSION_ID="2023", PRETTY_NAME="Amazon Linux 2023")
        installed = root.installed()
        advisories = []
        for number in range(200):
            chosen = self.random.sample(installed, 3)
            packages = [(name, self.near_evr(evr)) for name, evr, _, _ in chosen] + [("elsewhere", ("0", "9", "1"))]
            advisories.append((f"ALAS2023-2024-{number:03}", packages))
        expected = set()
        evr_of = {name: evr for name, evr, _, _ in installed}
        for advisory, packages in advisories:
            for name, fixed in packages:
                if name in evr_of and rpm.labelCompare(evr_of[name], fixed) < 0:
                    expected.add(f"{advisory}:{name}")
        self.take_feed("updateinfo", feeds.updateinfo(advisories))
        disk = self.directory / "disk.raw"
        roots.xfs_disk(root.root, disk)
        packages, found = self.scan(disk)
        self.assertEqual(sorted(p["name"] for p in packages), sorted(evr_of))
        self.compare(found, expected)


class RockyLinux(RpmTruth):
    """rpm's own root with its database where new releases have it, on ext4; OSV names sources."""

    tools = ("rpmbuild", "rpm", "mke2fs", "qemu-img")

    def test_findings(self):
        rpm = librpm()
        root = roots.RpmRoot(self.directory, "/usr/lib/sysimage/rpm")
        root.install_by_rpm(roots.build_rpms(self.directory, self.sources(20)))
        roots.os_release(root.root, ID="rocky", VERSION_ID="9.4", PRETTY_NAME="Rocky Linux 9.4")
        installed = root.installed()
        # The name of a source's file has no epoch. Packages of its version have it; those of another tell nothing.
        sources = sorted({(source[0], (evr[0], *source[1:])) for _, evr, source, _ in installed
                          if evr[1:] == source[1:]})
        advisories = []
        for number in range(150):
            name, evr = self.random.choice(sources)
            advisories.append((f"RLSA-2024:{number:04}", name, self.near_evr(evr)))
        expected = set()
        for advisory, source, fixed in advisories:
            for name, evr, own, _ in installed:
                epoch = evr[0] if evr[1:] == own[1:] else fixed[0]
                if own[0] == source and rpm.labelCompare((epoch, *own[1:]), fixed) < 0:
                    expected.add(f"{advisory}:{name}")
        self.take_feed("osv", feeds.osv("Rocky Linux:9", [
            (name, [(source, f"{epoch}:{version}-{release}")]) for name, source, (epoch, version, release) in advisories]))
        disk = self.directory / "disk.qcow2"
        roots.ext4_disk(root.root, disk)
        self.compare(self.scan(disk)[1], expected)


class AlmaLinux(RpmTruth):
    """Modules: what mends one stream says nothing of another, nor of a package outside of modules."""

    tools = ("rpmbuild", "rpm", "mke2fs", "qemu-img")

    def test_findings(self):
        rpm = librpm()
        root = roots.RpmRoot(self.directory, "/var/lib/rpm")
        modular = self.sources(8, "nodejs:18:9040020240101000000:rhel9")
        plain = self.sources(16)[8:]
        root.install_by_rpm(roots.build_rpms(self.directory, modular + plain))
        roots.os_release(root.root, ID="almalinux", VERSION_ID="9.4", PRETTY_NAME="AlmaLinux 9.4")
        installed = root.installed()
        self.assertEqual({module for _, _, _, module in installed}, {"", "nodejs:18"})
        records, expected = [], set()
        for stream in ("", "nodejs:18", "nodejs:20"):
            advisories = []
            for number in range(120):
                name, evr, _, own = self.random.choice(installed)
                epoch, version, release = self.near_evr(evr)
                dist = ".module_el9+7" if stream else ".el9"
                fixed = (epoch, version, release.split(".")[0] + dist)
                advisory = f"ALSA-{stream or 'base'}-{number:04}".replace(":", "-")
                advisories.append((advisory, [(name, f"{fixed[0]}:{fixed[1]}-{fixed[2]}")]))
                if own == stream and rpm.labelCompare(evr, fixed) < 0:
                    expected.add(f"{advisory}:{name}")
            summary = f"Important: {stream} security update" if stream else "Important: security update"
            records += json.loads(feeds.osv("AlmaLinux:9", advisories, summary))
        self.take_feed("osv", json.dumps(records))
        disk = self.directory / "disk.qcow2"
        roots.ext4_disk(root.root, disk)
        self.compare(self.scan(disk)[1], expected)


class Alpine(Truth):
    """apk's database and secdb, with versions so plain that their order is that of their numbers."""

    tools = ("mke2fs", "qemu-img")

    @staticmethod
    def text(version):
        return f"{version[0]}.{version[1]}.{version[2]}-r{version[3]}"

    def test_findings(self):
        def version():
            return tuple(self.random.choice([0, 1, 2, 9, 10, 11]) for _ in range(4))

        root = self.directory / "root"
        installed, database, fixes, expected = [], [], {}, set()
        for number in range(60):
            origin, has = f"origin{number // 2}", version()
            if number % 2:
                has = installed[-1][2]
            installed.append((f"package{number}", origin, has))
            database.append(f"P:package{number}\nV:{self.text(has)}\nA:x86_64\no:{origin}\nL:MIT\n")
        roots.write(root / "lib/apk/db/installed", "\n".join(database) + "\n")
        roots.os_release(root, ID="alpine", VERSION_ID="3.20.3", PRETTY_NAME="Alpine Linux v3.20")
        for number in range(150):
            origin, fixed = f"origin{self.random.randrange(40)}", version()
            fixes.setdefault(origin, {}).setdefault(self.text(fixed), []).append(feeds.cve(number))
            for name, own, has in installed:
                if own == origin and has < fixed:
                    expected.add(f"{feeds.cve(number)}:{name}")
        self.take_feed("secdb", feeds.secdb("3.20", "main", fixes))
        disk = self.directory / "disk.qcow2"
        roots.ext4_disk(root, disk)
        self.compare(self.scan(disk)[1], expected)


class Debian(Truth):
    """dpkg's status and the security tracker, which names sources and what is still open."""

    tools = ("mke2fs", "qemu-img", "dpkg")

    def test_findings(self):
        root = self.directory / "root"
        installed, status = [], []
        for number in range(60):
            source = f"source{number // 2}"
            version = f"{self.random.choice(['', '1:'])}1{self.near('.2').replace('^', '.').replace('_', '.')}-3"
            if number % 2:
                version = installed[-1][2]
            # A binary rebuilt without a change of its source.
            binary = version + "+b1" if number % 3 == 0 else version
            installed.append((f"package{number}", source, version))
            status.append(f"Package: package{number}\nStatus: install ok installed\nArchitecture: amd64\n"
                          f"Source: {source} ({version})\nVersion: {binary}\nDescription: d\n")
        roots.write(root / "var/lib/dpkg/status", "\n".join(status))
        roots.os_release(root, ID="debian", VERSION_ID="12", PRETTY_NAME="Debian GNU/Linux 12")
        flaws, expected = [], set()
        for number in range(250):
            source = f"source{self.random.randrange(40)}"
            near = [v for _, own, v in installed if own == source]
            fixed = self.random.choice([None, "0"] + 4 * [
                f"{self.random.choice(['', '1:'])}1{self.near('.2').replace('^', '.').replace('_', '.')}-3"] + near)
            flaws.append((feeds.cve(number), source, fixed))
            for name, own, version in installed:
                if own == source and self.is_affected(version, fixed):
                    expected.add(f"{feeds.cve(number)}:{name}")
        self.take_feed("debian-tracker", feeds.debian_tracker(flaws))
        disk = self.directory / "disk.qcow2"
        roots.ext4_disk(root, disk)
        self.compare(self.scan(disk)[1], expected)

    @staticmethod
    def is_affected(version, fixed):
        if fixed is None:
            return True
        return fixed != "0" and subprocess.run(["dpkg", "--compare-versions", version, "lt", fixed],
                                               check=False).returncode == 0


if __name__ == "__main__":
    result = unittest.main(exit=False, argv=sys.argv, verbosity=2).result
    if result.skipped:
        for test, reason in result.skipped:
            print(f"SKIPPED: {test}: {reason}")
        if "integration" in os.environ.get("HALLMARK_MUST_RUN", ""):
            raise SystemExit("HALLMARK_MUST_RUN says that integration tests must run")
    raise SystemExit(77 if result.skipped else not result.wasSuccessful())
