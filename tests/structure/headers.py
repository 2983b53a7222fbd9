#!/usr/bin/env python3
"""Checks that every header of src/ compiles by itself, included twice, with the flags of the build.
Usage: headers.py <compiler> <jobs>"""

import concurrent.futures
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(compiler: str, header: pathlib.Path) -> str:
    name = header.relative_to(ROOT / "src")
    text = f'#include "{name}"\n#include "{name}"\n'
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
               "-Wno-missing-field-initializers", f"-I{ROOT / 'src'}", "-x", "c++", "-"]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return f"{name} does not compile by itself:\n{result.stderr}" if result.returncode else ""


def main() -> int:
    compiler, jobs = sys.argv[1], int(sys.argv[2])
    headers = sorted((ROOT / "src").rglob("*.h"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        failures = [f for f in pool.map(lambda h: check(compiler, h), headers) if f]
    print("\n".join(failures) if failures else f"{len(headers)} headers compile by themselves")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
