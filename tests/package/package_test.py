#!/usr/bin/env python3
"""The Debian package: what is in it, and that it can be installed, run, upgraded, removed and purged.

All of that happens in a mount namespace, on an overlay of this machine's root, so dpkg checks dependencies against
what is really installed and maintainer scripts run as they would, and nothing of it is left. Needs root."""

import gzip
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["BUILD"])
STATE = pathlib.Path("/var/lib/hallmark")
NEEDED = """./usr/bin/hallmark ./usr/share/man/man1/hallmark.1.gz ./usr/share/man/man1/hallmark-image.1.gz
./usr/share/bash-completion/completions/hallmark ./usr/share/zsh/vendor-completions/_hallmark
./usr/share/fish/vendor_completions.d/hallmark.fish ./lib/systemd/system/hallmark.service
./usr/lib/sysusers.d/hallmark.conf ./usr/lib/tmpfiles.d/hallmark.conf ./etc/hallmark/config.yaml
./etc/hallmark/server.env ./usr/share/doc/hallmark/copyright ./usr/share/doc/hallmark/install.md
./usr/share/doc/hallmark/examples/golden.yaml ./usr/share/doc/hallmark/examples/build-here.conf""".split()
failures: list[str] = []


def expect(truth, what: str) -> None:
    if not truth:
        failures.append(what)
        print(f"not so: {what}")


def run(*words, **more) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, timeout=120, **more)
    if done.returncode != 0:
        print(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def make_package(directory: pathlib.Path) -> pathlib.Path:
    # Speed counts here, not size. To look up which packages the libraries are in takes as long as all the rest, and is
    # dpkg's business; that it is asked for is ours.
    config = (BUILD / "CPackConfig.cmake").read_text(encoding="utf-8")
    expect('set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS "ON")' in config, "libraries become dependencies")
    done = run(os.environ["CPACK"], "--config", BUILD / "CPackConfig.cmake", "-B", directory,
               "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=zstd", "-D", "CPACK_DEBIAN_PACKAGE_SHLIBDEPS=OFF")
    packages = list(directory.glob("*.deb"))
    if "error" in done.stderr.lower():
        print(done.stderr)
    if done.returncode != 0 or len(packages) != 1:
        sys.exit("no package was made")
    return packages[0]


def check_content(package: pathlib.Path) -> None:
    listing = run("dpkg-deb", "--contents", package).stdout
    names = {line.split()[5]: line.split() for line in listing.splitlines()}
    for name in NEEDED:
        expect(name in names, f"{name} is in the package")
    for name, words in names.items():
        expect(words[1] == "root/root", f"{name} is root's")
        expect(words[0][5] == "-" and words[0][8] == "-", f"{name} can be written by root only")
        expect(not re.match(r"\./(tmp|work|home|root)/", name), f"{name} has no business in a package")
    fields = run("dpkg-deb", "--field", package).stdout
    depends = re.search(r"^Depends: (.*)$", fields, re.M).group(1)
    for other in ("gpgv", "tzdata", "ca-certificates"):
        expect(other in depends, f"it depends on {other}")
    expect("libvirt" not in depends, "libvirt is loaded late, so nothing depends on it")
    recommends = re.search(r"^Recommends: (.*)$", fields, re.M).group(1)
    for other in ("libvirt0", "qemu-system-x86", "mmdebstrap"):
        expect(other in recommends, f"it recommends {other}")


def check_container(package: pathlib.Path) -> None:
    """What the Dockerfile installs beside the package must be what the package asks for."""
    text = (SOURCE / "packaging/docker/Dockerfile").read_text(encoding="utf-8")
    depends = run("dpkg-deb", "--field", package, "Depends").stdout
    tools = re.findall(r"systemd-standalone-\w+", text)
    expect(len(tools) == 2 and all(tool in depends for tool in tools), "the container has the tools of postinst")
    expect("scripts/setup build\n" in text and "apt-get install" in text, "it builds with scripts/packages.txt")


def enter_copy(directory: pathlib.Path, package: pathlib.Path) -> pathlib.Path:
    """This process goes on in a copy of the machine; gives the package's path there."""
    for name in ("upper", "work", "root"):
        (directory / name).mkdir()
    root = directory / "root"
    mounted = run("mount", "-t", "overlay", "overlay", "-o",
                  f"lowerdir=/,upperdir={directory / 'upper'},workdir={directory / 'work'}", root)
    if mounted.returncode != 0:
        print("an overlay cannot be mounted here")
        sys.exit(77)
    run("mount", "--rbind", "/proc", root / "proc")
    run("mount", "--rbind", "/dev", root / "dev")
    run("cp", package, root / "tmp/hallmark.deb")
    os.chroot(root)
    os.chdir("/")
    return pathlib.Path("/tmp/hallmark.deb")


def check_pages() -> None:
    pages = sorted(pathlib.Path("/usr/share/man/man1").glob("hallmark*.1.gz"))
    expect(len(pages) > 20, "there is a page for each noun")
    text = "".join(gzip.decompress(page.read_bytes()).decode() for page in pages)
    done = run("groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", input=text)
    expect(done.stderr == "", f"the pages are good roff: {done.stderr}")
    done = run("bash", "-c", "source /usr/share/bash-completion/completions/hallmark; COMP_WORDS=(hallmark im); "
               "COMP_CWORD=1; _hallmark; echo ${COMPREPLY[*]}")
    expect(done.stdout == "image\n", "bash completes a noun")


def start_server() -> None:
    """The unit's own line, by the unit's user, with the unit's environment."""
    unit = pathlib.Path("/lib/systemd/system/hallmark.service").read_text(encoding="utf-8")
    line = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1)
    user = re.search(r"^User=(.*)$", unit, re.M).group(1)
    reading, writing = os.pipe()
    journal = os.fstat(writing)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(STATE), "JOURNAL_STREAM": f"{journal.st_dev}:{journal.st_ino}",
                   "HALLMARK_SERVER_OPTIONS": "--listen 127.0.0.1:0"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    server = subprocess.Popen(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs",
                               "sh", "-c", f"umask 077; exec {line}"], env=environment, stderr=writing)
    os.close(writing)
    stderr = open(reading, encoding="utf-8", errors="replace")
    said, limit = "", time.monotonic() + 60
    try:
        while "listening on" not in said and time.monotonic() < limit and server.poll() is None:
            if select.select([stderr], [], [], 1)[0]:
                said += stderr.readline()
        url = re.search(r"http://\S+:\d+", said)
        expect(url, f"the server listens: {said}")
        if url:
            with urllib.request.urlopen(url.group() + "/readyz", timeout=20) as answer:
                expect(answer.status == 200, "it is ready")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
        said += stderr.read()
    expect(server.returncode == 0, f"it ends cleanly: {said}")
    expect("hmk_" not in said and "token create" in said, "the journal gets no token")


def check_life(package: pathlib.Path) -> None:
    expect(run("dpkg", "--force-unsafe-io", "--install", package).returncode == 0, "it can be installed")
    expect(run("hallmark", "--version").stdout.startswith("hallmark "), "the program runs")
    expect(run("systemd-analyze", "verify", "--man=no", "hallmark.service").stderr == "", "the unit is good")
    check_pages()
    status = STATE.stat()
    expect(status.st_mode & 0o777 == 0o700 and STATE.owner() == "hallmark", "the state is hallmark's alone")
    expect((STATE / "config.yaml").resolve() == pathlib.Path("/etc/hallmark/config.yaml"), "its configuration is in /etc")
    config = pathlib.Path("/etc/hallmark/config.yaml")
    expect(config.parent.stat().st_mode & 0o777 == 0o750, "/etc/hallmark is not for everybody")
    start_server()
    expect((STATE / "hallmark.db").exists(), "the server keeps its state there")
    config.write_text("server: { url: https://images.example.com }\n", encoding="utf-8")
    expect(run("dpkg", "--force-unsafe-io", "--force-confold", "--install", package).returncode == 0, "it can be upgraded")
    expect("images.example.com" in config.read_text(encoding="utf-8"), "what somebody configured stays")
    expect((STATE / "hallmark.db").exists(), "the state stays")
    expect(run("dpkg", "--purge", "hallmark").returncode == 0, "it can be purged")
    expect(not config.exists() and not pathlib.Path("/usr/bin/hallmark").exists(), "nothing of it is left")
    expect((STATE / "hallmark.db").exists(), "but the state, which names what stands in clouds")


def main() -> int:
    if os.geteuid() != 0 or not hasattr(os, "chroot"):
        print("needs root")
        return 77
    if os.environ.get("HALLMARK_PACKAGE_INSIDE") != "yes":
        os.environ["HALLMARK_PACKAGE_INSIDE"] = "yes"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, __file__])
    # Of memory, so that what is in it is gone with this namespace; the empty directory stays, and is one for all times.
    directory = pathlib.Path(tempfile.gettempdir()) / "hallmark-package-test"
    directory.mkdir(exist_ok=True)
    expect(run("mount", "-t", "tmpfs", "tmpfs", directory).returncode == 0, "a tmpfs can be mounted")
    begun = time.monotonic()
    package = make_package(directory / "packed")
    print(f"{package.name}: {package.stat().st_size >> 20} MiB, made in {time.monotonic() - begun:.0f} s")
    check_content(package)
    check_container(package)
    print(f"its content: after {time.monotonic() - begun:.0f} s")
    check_life(enter_copy(directory, package))
    print(f"{len(failures)} things are not so, after {time.monotonic() - begun:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
