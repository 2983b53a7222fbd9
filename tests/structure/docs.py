#!/usr/bin/env python3
"""Checks that each `hallmark` command that the documents quote is one: its noun, verb and options exist, an option that
takes a value has one, and in a block of commands no argument is missing or too many. What commands there are is read
from docs/cli.md, which another test compares with the program. The same of what starts the server in packages. Also
that links between documents lead somewhere.
Prints each breach as file:line: what; exits 1 if there is one."""

import json
import pathlib
import re
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENDS = ("|", "||", "&&", ";", ">", ">>", "2>", "<", "&")
GLOBALS = {"--state": True, "--server": True, "--db": True, "--json": False, "--verbose": False, "-v": False,
           "--help": False, "-h": False, "--version": False}
# What must be noticed, or this check has gone blind.
WRONG = ("hallmark image bild golden.yaml", "hallmark imag list", "hallmark image list --onyl failed",
         "hallmark image build", "hallmark image build a.yaml b.yaml", "hallmark run show ID --state",
         "sudo -u hallmark hallmark --state /x token create --roles admin ada | cat", "hallmark server start --listen")


class Command:
    def __init__(self, section: str):
        self.options = dict(GLOBALS)
        usage = re.search(r"^Usage: (.*)$", section, re.M).group(1)
        words = [word for word in usage.split()[1:] if word != "[options]"]
        self.arguments = [word for word in words if not re.fullmatch(r"[a-z-]+", word)]
        self.required = sum(not word.startswith("[") for word in self.arguments)
        options = re.search(r"^Options:\n((?:  .*\n)*)", section, re.M)
        for name, value in re.findall(r"^  (-[\w-]+)( \S+)?(?:  |$)", options.group(1) if options else "", re.M):
            self.options[name] = bool(value)


def commands() -> dict[tuple, Command]:
    text = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    return {tuple(title.split()): Command(section)
            for title, section in re.findall(r"^## hallmark ([^\n]*)\n\n```text\n(.*?)^```", text, re.M | re.S)}


def quoted(text: str):
    """Yields (line number, command, whether it is whole) of all code in a document."""
    lines = text.splitlines()
    fence = None
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        index += 1
        if match := re.match(r"\s*```(\w*)", line):
            fence = match.group(1) or "text" if fence is None else None
            continue
        if fence is None and not line.startswith("    "):
            for code in re.findall(r"`([^`]+)`", line):
                if re.match(r"(?:sudo (?:-\S+ \S+ )*)?hallmark\s+[a-z-]", code):
                    yield number, code, False
            continue
        while line.endswith("\\") and index < len(lines):
            line = line[:-1] + " " + lines[index].strip()
            index += 1
        if match := re.match(r"\s*(?:\$ )?((?:[A-Z_]+=\S* |sudo (?:-\S+ \S+ )*|source <\()*hallmark\s.*)", line):
            yield number, match.group(1), fence != "text"


def started():
    """Yields (file, command) of what starts a server: the unit and the container."""
    unit = ROOT / "packaging/systemd/hallmark.service"
    line = re.search(r"^ExecStart=/usr/bin/(.*)$", unit.read_text(encoding="utf-8"), re.M).group(1)
    for options in re.findall(r"HALLMARK_SERVER_OPTIONS=(.*)", (ROOT / "packaging/etc/server.env").read_text("utf-8")):
        yield unit, line.replace("$HALLMARK_SERVER_OPTIONS", options)
    container = ROOT / "packaging/docker/Dockerfile"
    words = json.loads(re.search(r"^CMD (.*)$", container.read_text(encoding="utf-8"), re.M).group(1))
    yield container, "hallmark " + shlex.join(words)


def words_of(text: str) -> list[str]:
    """The words after `hallmark`, up to where the shell ends the command."""
    command = re.sub(r"^(?:[A-Z_]+=\S* |sudo (?:-\S+ \S+ )*|source <\()*hallmark", "", text)
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for word in lexer:
        if word in ENDS or word == ")":
            break
        words.append(word)
    return words


def problem(text: str, whole: bool, known: dict[tuple, Command]) -> str:
    try:
        words = words_of(text)
    except ValueError as error:
        return str(error)
    if not words or words[0].startswith(("NOUN", "..", ":")):
        return ""
    while words and words[0] in GLOBALS:
        words = words[2 if GLOBALS[words[0]] else 1:]
    if not words or words[0] == "internal" or words[0].startswith(".."):
        return ""
    command = known.get(tuple(words[:1]))
    rest = words[1:]
    if command is None:
        if len(words) == 1 or not re.match(r"[a-z]", words[1]):
            return "" if any(key[0] == words[0] for key in known) else f'no noun "{words[0]}"'
        command = known.get(tuple(words[:2]))
        rest = words[2:]
    if command is None:
        return f'no command "{" ".join(words[:2])}"'
    arguments = 0
    while rest:
        word = rest.pop(0)
        if word.startswith(("..", "…")) or word == "[options]":
            whole = False
        elif re.match(r"-[\w-]", word):
            name, _, value = word.partition("=")
            if name not in command.options:
                return f"no option {name}"
            if command.options[name] and not value:
                if not rest and whole:
                    return f"{name} has no value"
                rest = rest[1:]
        else:
            arguments += 1
    if whole and not command.required <= arguments <= len(command.arguments) and "--help" not in words:
        return f"{arguments} arguments instead of {command.required} to {len(command.arguments)}"
    return ""


def broken_links(path: pathlib.Path, text: str):
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)", line):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                yield number, f"{target} does not exist"


def main() -> int:
    known = commands()
    breaches, count = [], 0
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for path in documents:
        name, text = path.relative_to(ROOT), path.read_text(encoding="utf-8")
        breaches += [f"{name}:{number}: {what}" for number, what in broken_links(path, text)]
        if path.name == "cli.md":
            continue
        for number, command, whole in quoted(text):
            count += 1
            if what := problem(command, whole, known):
                breaches.append(f"{name}:{number}: {what}: {command}")
    breaches += [f"{path.relative_to(ROOT)}:1: {what}: {command}" for path, command in started()
                 if (what := problem(command, True, known))]
    breaches += [f"docs.py:1: not noticed: {command}" for command in WRONG if not problem(command, True, known)]
    if count < 100:
        breaches.append(f"docs:1: only {count} commands were found; this check has gone blind")
    print("\n".join(breaches) if breaches else f"{count} commands in {len(documents)} documents are as they should be")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
