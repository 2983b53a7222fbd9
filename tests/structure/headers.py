#!/usr/bin/env python3
"""Checks that every header of src/ compiles by itself, with the flags of the build.
Usage: headers.py <compiler> <jobs>

Where x.cc begins with x.h the build itself has checked that; the others are compiled here."""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def is_checked_by_build(header: pathlib.Path) -> bool:
    source = header.with_suffix(".cc")
    if not source.exists():
        return False
    first = re.search(r'^#include\s+["<](.*)[">]', source.read_text(encoding="utf-8"), re.MULTILINE)
    return first is not None and first.group(1) == str(header.relative_to(ROOT / "src"))


def check(compiler: str, header: pathlib.Path) -> str:
    name = header.relative_to(ROOT / "src")
    text = f'#include "{name}"\n#include "{name}"\n'
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
               "-Wno-missing-field-initializers", f"-I{ROOT / 'src'}", "-x", "c++", "-"]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return f"{name} does not compile by itself:\n{result.stderr}" if result.returncode else ""


def main() -> int:
    compiler, jobs = sys.argv[1], int(sys.argv[2])
    headers = [header for header in sorted((ROOT / "src").rglob("*.h")) if not is_checked_by_build(header)]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        failures = [f for f in pool.map(lambda h: check(compiler, h), headers) if f]
    print("\n".join(failures) if failures else f"{len(headers)} headers without a source of their own compile by themselves")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
