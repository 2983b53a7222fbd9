#!/usr/bin/env python3
"""Runs transcripts against the hallmark binary: what a person types and sees.

    transcript.py BINARY FILE..

A transcript runs in an empty directory with a state directory of its own. Its lines:

    # comment
    @ NAME           makes a file of that name; the lines that start with "| " are its content
    $ COMMAND        runs in sh; "hallmark" is the binary, $SOURCE the source tree, $MAKE_STATE
                     the program of tests/evidence that makes a state directory with built images
    > TEXT           expected on stdout
    ! TEXT           expected on stderr
    = CODE           expected exit code, 0 if absent

In expected text "*" stands for anything in the line (a plain star is "\\*"), and a line "..." for any
number of lines. A stream that has no expected lines must stay empty."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# A command that runs longer hangs; a sanitized binary on a busy machine asks for help a hundred times in a minute.
TIME_LIMIT = 240


class Step:
    def __init__(self, line: int, command: str):
        self.line, self.command = line, command
        self.out: list[str] = []
        self.err: list[str] = []
        self.code = 0


def parse(text: str, origin: str):
    """Yields ("file", name, content) and ("step", Step)."""
    items = []
    for number, line in enumerate(text.splitlines(), 1):
        mark, rest = line[:1], line[2:]
        if mark in ("", "#"):
            continue
        if mark == "@":
            items.append(["file", rest.strip(), ""])
        elif mark == "|":
            items[-1][2] += rest + "\n"
        elif mark == "$":
            items.append(["step", Step(number, rest)])
        elif mark == ">":
            items[-1][1].out.append(rest)
        elif mark == "!":
            items[-1][1].err.append(rest)
        elif mark == "=":
            items[-1][1].code = int(rest)
        else:
            raise SystemExit(f"{origin}:{number}: what is \"{mark}\"?")
    return items


def pattern(lines: list[str]) -> re.Pattern:
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
            continue
        pieces = re.split(r"(\\\*|\*)", line)
        text = "".join("[^\n]*" if p == "*" else r"\*" if p == r"\*" else re.escape(p) for p in pieces)
        parts.append(text + r"\n")
    return re.compile("".join(parts))


def check(name: str, expected: list[str], got: str) -> str:
    if got and not got.endswith("\n"):
        got += "\n"
    if pattern(expected).fullmatch(got):
        return ""
    want = "".join(f"    {line}\n" for line in expected) or "    (nothing)\n"
    have = "".join(f"    {line}\n" for line in got.splitlines()) or "    (nothing)\n"
    return f"  {name} should be:\n{want}  and is:\n{have}"


def run(binary: pathlib.Path, transcript: pathlib.Path) -> int:
    failures = 0
    items = parse(transcript.read_text(encoding="utf-8"), str(transcript))
    with tempfile.TemporaryDirectory() as directory:
        home = pathlib.Path(directory)
        (home / "bin").mkdir()
        (home / "bin" / "hallmark").symlink_to(binary)
        (home / "work").mkdir()
        environment = {
            "PATH": f"{home / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(home), "USER": "tester", "LC_ALL": "C.UTF-8", "SOURCE": str(SOURCE),
            "HALLMARK_STATE": str(home / "state"),
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "MAKE_STATE"):
            if name in os.environ:
                environment[name] = os.environ[name]
        for item in items:
            if item[0] == "file":
                (home / "work" / item[1]).write_text(item[2], encoding="utf-8")
                continue
            step = item[1]
            done = subprocess.run(["/bin/sh", "-c", step.command], cwd=home / "work", text=True,
                                  env=environment, stdin=subprocess.DEVNULL, timeout=TIME_LIMIT,
                                  capture_output=True, errors="replace")
            problems = check("stdout", step.out, done.stdout) + check("stderr", step.err, done.stderr)
            if done.returncode != step.code:
                problems += f"  exit code should be {step.code} and is {done.returncode}\n"
            if problems:
                failures += 1
                print(f"{transcript}:{step.line}: $ {step.command}\n{problems}")
    return failures


def main() -> int:
    binary = pathlib.Path(sys.argv[1]).resolve()
    failures = sum(run(binary, pathlib.Path(name).resolve()) for name in sys.argv[2:])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
