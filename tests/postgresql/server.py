#!/usr/bin/env python3
"""A PostgreSQL server for tests: server.py start|stop|restart|crash|down|up DIR

In DIR lie its data, its log and, once it accepts connections, `url`. It listens on a unix socket only and keeps
nothing through a power cut. `start` leaves a watcher behind that stops the server when the process that asked for it
(ctest) has ended, however it ended. `restart` ends it cleanly before, `crash` does not; `down` and `up` are the halves of a crash. PostgreSQL does not run as
root; for root it is the user that Debian's package makes."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

SETTINGS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "max_connections": "200",
    "shared_buffers": "32MB", "log_min_messages": "fatal", "max_wal_size": "128MB",
}
SKIPPED = 77
RAM = pathlib.Path("/dev/shm")
ENOUGH = 2 << 30
LONGEST_NAME = 80  # a socket's name has at most 107 bytes


def binaries() -> pathlib.Path | None:
    """Debian keeps what initdb needs out of PATH, by version."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    return found[-1].parent if found else None


def as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def run(*command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*as_user(), *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", **options)


def home_of(directory: pathlib.Path) -> pathlib.Path:
    """Where data and socket are: in RAM if there is enough of it, else in DIR, unless that user may not go there or the
    socket's name would be too long."""
    mark = directory / "home"
    if mark.exists():
        return pathlib.Path(mark.read_text())
    for parent in (RAM, directory, pathlib.Path(tempfile.gettempdir())):
        if parent == RAM and (not parent.is_dir() or shutil.disk_usage(parent).free < ENOUGH):
            continue
        home = pathlib.Path(tempfile.mkdtemp(prefix="hallmark-postgresql-", dir=parent))
        if os.geteuid() == 0:
            os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
        if len(str(home)) < LONGEST_NAME and run("test", "-w", str(home)).returncode == 0:
            break
        home.rmdir()
    mark.write_text(str(home))
    return home


def control(directory: pathlib.Path, *words: str) -> None:
    home = home_of(directory)
    run(str(binaries() / "pg_ctl"), "-D", str(home / "data"), "-l", str(home / "log"), "-w", "-s", *words, check=True)


def watch(directory: pathlib.Path, asker: int) -> None:
    started = pathlib.Path(f"/proc/{asker}/stat").read_text().rsplit(")", 1)[1].split()[19]
    if os.fork() != 0:
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    while (directory / "url").exists():
        try:
            stat = pathlib.Path(f"/proc/{asker}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            stat = []
        if not stat or stat[19] != started or stat[0] == "Z":
            stop(directory)
            break
        time.sleep(1)
    os._exit(0)


def start(directory: pathlib.Path) -> None:
    if binaries() is None:
        print("PostgreSQL is not installed")
        sys.exit(SKIPPED)
    if directory.exists():
        stop(directory)
    directory.mkdir(parents=True)
    home = home_of(directory)
    run(str(binaries() / "initdb"), "-D", str(home / "data"), "-U", "hallmark", "-A", "trust", "-E", "UTF8",
        "--locale=C.UTF-8", "--no-sync", check=True)
    settings = {**SETTINGS, "unix_socket_directories": str(home)}
    with open(home / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    control(directory, "start")
    (directory / "url").write_text(f"postgresql://hallmark@/postgres?host={home}\n")
    watch(directory, os.getppid())


def stop(directory: pathlib.Path) -> None:
    if (directory / "home").exists():
        home = home_of(directory)
        if (home / "data" / "postmaster.pid").exists():
            try:
                control(directory, "stop", "-m", "immediate")
            except subprocess.CalledProcessError:
                pass  # It has ended by itself.
        shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    verb, directory = sys.argv[1], pathlib.Path(sys.argv[2]).absolute()
    if verb == "start":
        start(directory)
    elif verb == "stop":
        stop(directory)
    elif verb in ("restart", "crash"):
        control(directory, "stop", "-m", "fast" if verb == "restart" else "immediate")
        control(directory, "start")
    elif verb == "down":
        control(directory, "stop", "-m", "immediate")
    elif verb == "up":
        control(directory, "start")
    else:
        sys.exit(__doc__)


main()
