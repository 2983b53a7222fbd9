#!/usr/bin/env python3
"""Checks that the files of one room do not use one name for two things in their unnamed namespaces: they are
compiled together (cmake/rooms.cmake, batch). Rooms that say ALONE may. Prints each breach; exits 1 if there is one."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = (" ", "}", "/", "#")


def signature(lines: list[str], number: int) -> str:
    text = lines[number]
    while "{" not in text and ";" not in text and number + 1 < len(lines):
        number += 1
        text += " " + lines[number].strip()
    return text


def name_in(lines: list[str], number: int) -> str | None:
    line = lines[number]
    if match := re.match(r"(?:struct|class|enum class|enum) (\w+)[^;]*$", line):
        return match.group(1)
    if match := re.match(r".*?\b(k[A-Z]\w*)\b\s*(?:\[[^\]]*\])*\s*(?:=|\{|\()", line):
        return match.group(1)
    if match := re.match(r"[\w:<>,&*\s\[\]]*?\b(\w+)\((.*)\)\s*(?:const)?\s*\{", signature(lines, number)):
        # Overloads are two things with one name, and fine.
        kinds = [re.sub(r"\s*\w+$", "", kind.strip()) for kind in re.split(r",(?![^<]*>)", match.group(2))]
        return f"{match.group(1)}({', '.join(kinds)})"
    return None


def unnamed(path: pathlib.Path) -> dict[str, int]:
    """What the file's unnamed namespaces define, with the lines."""
    found: dict[str, int] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    inside = False
    for number, line in enumerate(lines):
        if line.startswith(("namespace {", "}  // namespace")):
            inside = line == "namespace {"
        elif inside and line and not line.startswith(SKIPPED):
            if name := name_in(lines, number):
                found.setdefault(name, number + 1)
    return found


def main() -> int:
    breaches = []
    rooms = 0
    for listing in sorted((ROOT / "src").rglob("CMakeLists.txt")):
        for block in re.finditer(r"add_room\((\w+)\s+SOURCES\s+([^A-Z)]*)", listing.read_text(encoding="utf-8")):
            rooms += 1
            users = collections.defaultdict(list)
            for source in block.group(2).split():
                for name, line in unnamed(listing.parent / source).items():
                    users[name].append(f"{(listing.parent / source).relative_to(ROOT)}:{line}")
            breaches += [f"{places[-1]}: {name} is in {places[0]} too: share it or give it another name"
                         for name, places in users.items() if len(places) > 1]
    print("\n".join(breaches) if breaches else f"the names of {rooms} rooms are used once each")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
