#!/usr/bin/env python3
"""Packs the compliance rule for AWS Lambda: package.py BOOTSTRAP OUTPUT [--root DIR] [--strip PROGRAM]

OUTPUT is a zip with the program as `bootstrap`, the loader and every library that it needs in lib/, and the certificates
that it trusts as ca.pem. Libraries come from this system, or with --root from another one's files, of whatever processor
the program is for. The same inputs make the same bytes.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

# A zip knows no time before.
TIME = (1980, 1, 1, 0, 0, 0)


def dynamic(path):
    """What the file needs, and the processor it is for."""
    text = subprocess.run(["readelf", "--wide", "--file-header", "--dynamic", path], check=True,
                          capture_output=True, text=True).stdout
    return (re.findall(r"\(NEEDED\).*\[(.+)\]", text), re.search(r"Machine:\s+(.+)", text).group(1))


def find(name, machine, root, triplet):
    for directory in (f"lib/{triplet}", f"usr/lib/{triplet}", "lib64", "lib", "usr/lib"):
        path = root / directory / name
        if path.exists() and dynamic(path)[1] == machine:
            return path
    sys.exit(f"package.py: {name} is not below {root}")


def closure(program, root):
    """All libraries, by the names under which they are needed."""
    needed, machine = dynamic(program)
    triplet = "aarch64-linux-gnu" if "AArch64" in machine else "x86_64-linux-gnu"
    found, queue = {}, list(needed)
    while queue:
        name = queue.pop()
        if name not in found:
            found[name] = find(name, machine, root, triplet)
            queue += dynamic(found[name])[0]
    loader = "ld-linux-aarch64.so.1" if "AArch64" in machine else "ld-linux-x86-64.so.2"
    # The loader itself is one of them where something needs it; it knows its own name.
    found["ld.so"] = found.pop(loader, None) or find(loader, machine, root, triplet)
    return found


def add(archive, name, content, mode):
    info = zipfile.ZipInfo(name, TIME)
    info.external_attr = (0o100000 | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content, compresslevel=9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("/"))
    parser.add_argument("--strip", default="strip")
    given = parser.parse_args()
    libraries = closure(given.bootstrap, given.root)
    with tempfile.TemporaryDirectory() as directory:
        stripped = pathlib.Path(directory) / "bootstrap"
        subprocess.run([given.strip, "-o", stripped, given.bootstrap], check=True)
        program = stripped.read_bytes()
    partial = given.output.with_suffix(".part")
    with zipfile.ZipFile(partial, "w") as archive:
        add(archive, "bootstrap", program, 0o755)
        for name in sorted(libraries):
            add(archive, f"lib/{name}", libraries[name].read_bytes(), 0o755)
        add(archive, "ca.pem", pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_bytes(), 0o644)
    partial.rename(given.output)


if __name__ == "__main__":
    main()
