#!/usr/bin/env python3
"""Checks the structure of src/: who may include whom, where an outside library lives, which files are
built, how long a file may be. Prints each breach as file:line: what and why; exits 1 if there is one."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

# A room may include itself, base, and what stands behind it here. "cloud/x" are rooms of their own:
# implementations that never see each other.
ROOMS = {
    "base": [],
    "schedule": [],
    "model": [],
    "db": [],
    "audit": ["db"],
    "net": [],
    "aws": ["net"],
    "apt": [],
    "disk": [],
    "fs": ["disk"],
    "source": ["apt", "disk"],
    "workflow": ["db"],
    "scan/inventory": ["model", "fs"],
    "scan": ["scan/inventory", "model", "apt", "disk", "fs", "net"],
    "scan/qualys": ["scan", "model", "net"],
    "scan/tenable": ["scan", "model", "net"],
    "scan/inspector": ["scan", "model", "aws"],
    "scan/openscap": ["scan", "model"],
    "scan/advisory": ["scan", "scan/inventory", "model", "net"],
    "evidence": ["model", "scan"],
    "rule": [],
    "rule/lambda": ["rule", "net", "aws"],
    "cloud": ["disk"],
    "cloud/memory": ["cloud", "disk"],
    "cloud/hooks": ["cloud", "disk"],
    "cloud/libvirt": ["cloud", "disk"],
    "cloud/aws": ["cloud", "disk", "aws", "rule"],
    "pipeline": ["schedule", "model", "db", "audit", "disk", "workflow", "cloud", "scan", "evidence",
                 "rule"],
    "notify": ["model", "db", "audit", "net", "aws", "pipeline"],
    "cli": ["notify", "schedule", "model", "db", "audit", "net", "aws", "disk", "fs", "scan", "scan/advisory",
            "evidence", "source", "workflow", "cloud", "pipeline"],
    "server": ["model", "db", "audit", "net", "workflow", "pipeline", "notify", "cli"],
    "app": ["*"],
}
# Tests may also use the fakes and contract suites.
TEST_EXTRA = ["cloud/memory", "cloud/hooks", "cloud/aws", "workflow", "db", "net"]

# An outside library has one home.
HOMES = {
    r"soci/": ["db"],
    r"libvirt/": ["cloud/libvirt"],
    r"ext2fs/": ["fs"],
    r"lzo/": ["fs"],
    r"sqfs/": ["fs"],
    r"curl/": ["net"],
    r"yaml-cpp/": ["model", "app"],
    r"valijson/": ["model"],
    r"CLI/": ["cli"],
    r"spdlog/": ["base"],
    r"openssl/": ["base"],
    r"zstd\.h": ["disk"],
    r"zlib\.h": ["disk", "aws", "scan", "scan/inventory", "scan/openscap"],
    r"rapidjson/": ["aws"],
    r"pugixml\.hpp": ["aws", "scan/qualys", "scan/openscap"],
    r"expat\.h": ["scan/tenable", "scan/advisory"],
    r"lzma\.h": ["scan"],
    r"apt-pkg/": ["scan"],
    r"rpm/rpmver\.h": ["scan/advisory"],
    r"dpkg/": ["scan/advisory"],
    r"simdjson\.h": ["scan/advisory"],
    r"archive(_entry)?\.h": ["fs", "scan/advisory"],
    r"boost/": ["server"],
    r"argon2\.h": ["server"],
    r"crypt\.h": ["scan/inventory"],
}
MAX_LINES = 800


def room_of(path: pathlib.Path) -> str:
    parts = path.relative_to(SRC).parts
    deep = "/".join(parts[:2])
    return deep if deep in ROOMS else parts[0]


def room_of_include(include: str) -> str:
    parts = include.split("/")
    deep = "/".join(parts[:2])
    return deep if deep in ROOMS else parts[0]


def check_file(path: pathlib.Path) -> list[str]:
    breaches = []
    room = room_of(path)
    allowed = [room, "base", *ROOMS.get(room, [])]
    if path.name.endswith("_test.cc") or path.stem in ("fixture", "stand_in"):
        allowed += TEST_EXTRA
    lines = path.read_text(encoding="utf-8").splitlines()
    name = path.relative_to(ROOT)
    if len(lines) > MAX_LINES:
        breaches.append(f"{name}:1: {len(lines)} lines; {MAX_LINES} is the most a file may have")
    if path.suffix == ".h" and "#pragma once" not in lines:
        breaches.append(f"{name}:1: a header starts with #pragma once")
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include\s+"([^"]+)"', line)
        if match:
            other = room_of_include(match.group(1))
            if "*" not in allowed and other not in allowed:
                breaches.append(f"{name}:{number}: {room} may not include {other}")
        match = re.match(r'#include\s+[<"]([^>"]+)[>"]', line)
        if match:
            for pattern, homes in HOMES.items():
                if re.match(pattern, match.group(1)) and room not in homes:
                    breaches.append(f"{name}:{number}: {match.group(1)} lives in {' and '.join(homes)}")
        # The access is a temporary that dies before the loop begins (C++20, [stmt.ranged]).
        if re.search(r"\bfor \([^;]*: .*\block\(\)\)", line):
            breaches.append(f"{name}:{number}: the lock ends before the loop begins; give the access a name")
    return breaches


def main() -> int:
    breaches = []
    files = sorted(p for p in SRC.rglob("*") if p.suffix in (".h", ".cc"))
    for path in files:
        if room_of(path) not in ROOMS:
            breaches.append(f"{path.relative_to(ROOT)}:1: this room is not in the table of rooms")
            continue
        breaches += check_file(path)
    cmake = "\n".join(p.read_text(encoding="utf-8") for p in SRC.rglob("CMakeLists.txt"))
    for path in files:
        if path.suffix == ".cc" and not re.search(rf"\b{re.escape(path.name)}\b", cmake):
            breaches.append(f"{path.relative_to(ROOT)}:1: no CMakeLists.txt names this file")
    print("\n".join(breaches) if breaches else f"{len(files)} files stand where they belong")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
