"""Root file systems of distributions, made here by the distributions' own tools, and disks of them."""

import os
import pathlib
import subprocess


def run(*command, **options):
    made = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if made.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\nexit code {made.returncode}\n{made.stdout}")
    return made.stdout


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def os_release(root, **fields):
    write(root / "etc/os-release", "".join(f'{name}="{value}"\n' for name, value in fields.items()))


def build_rpms(directory, sources):
    """Packages for no architecture. Each source: name, version, release, and its packages: dicts of name, epoch,
    version, release, and module where it is part of one; `files` is how many each package has."""
    specs = []
    for source in sources:
        text = [f"Name: {source['name']}", f"Version: {source['version']}", f"Release: {source['release']}",
                "Summary: s", "License: MIT", "BuildArch: noarch"]
        if source.get("module"):
            text.append(f"ModularityLabel: {source['module']}")
        text += ["%description", "d"]
        for package in source["packages"]:
            text += [f"%package -n {package['name']}", f"Version: {package['version']}",
                     f"Release: {package['release']}", "Summary: s"]
            if package["epoch"]:
                text.append(f"Epoch: {package['epoch']}")
            text += [f"%description -n {package['name']}", "d", f"%files -n {package['name']}"]
            if source.get("files"):
                text.append(f"/usr/share/{package['name']}")
        if source.get("files"):
            text += ["%install", f"for package in {' '.join(p['name'] for p in source['packages'])}; do",
                     "mkdir -p %{buildroot}/usr/share/$package", "cd %{buildroot}/usr/share/$package",
                     f"for file in $(seq {source['files']}); do echo $file >part$file; done", "done"]
        specs.append(directory / f"{source['name']}.spec")
        write(specs[-1], "\n".join(text) + "\n")
    run("rpmbuild", "-bb", "--quiet", "-D", f"_topdir {directory}/build", "-D", f"_rpmdir {directory}/rpms", *specs)
    return sorted((directory / "rpms").rglob("*.rpm"))


class RpmRoot:
    """A root directory whose packages rpm itself knows."""

    def __init__(self, directory, database):
        self.root = directory / "root"
        self.root.mkdir()
        self.macros = ["-D", f"_dbpath {database}"]
        self.home = directory / "home"
        write(self.home / ".rpmmacros", f"%_dbpath {database}\n")
        self.directory = directory

    def install_by_dnf(self, rpms):
        run("createrepo_c", "-q", "--simple-md-filenames", rpms[0].parent)
        run("dnf", "-q", "-y", "--installroot", self.root, "--releasever", "2023", "--setopt=reposdir=/dev/null",
            f"--repofrompath=made,file://{rpms[0].parent}", "--setopt=made.gpgcheck=0", "--setopt=tsflags=nodocs",
            f"--setopt=cachedir={self.directory}/cache", "install", "*", env=os.environ | {"HOME": str(self.home)})

    def install_by_rpm(self, rpms):
        run("rpm", "--root", self.root, *self.macros, "-U", "--nodeps", *rpms)

    def installed(self):
        """What rpm says: name, (epoch, version, release), the source's (name, version, release), module."""
        text = run("rpm", "--root", self.root, *self.macros, "-qa", "--qf",
                   "%{NAME} %{EPOCHNUM} %{VERSION} %{RELEASE} %{SOURCERPM} %{MODULARITYLABEL}\\n")
        found = []
        for line in text.splitlines():
            name, epoch, version, release, source, module = line.split(" ")
            source_parts = source.removesuffix(".src.rpm").rsplit("-", 2)
            module = ":".join(module.split(":")[:2]) if module != "(none)" else ""
            found.append((name, (epoch, version, release), tuple(source_parts), module))
        return found


def xfs_prototype(directory):
    """What mkfs.xfs is to put in: one line for each file below the directory."""
    lines = ["d--755 0 0"]

    def add(path):
        for entry in sorted(path.iterdir()):
            if entry.is_symlink():
                lines.append(f"{entry.name} l--777 0 0 {os.readlink(entry)}")
            elif entry.is_dir():
                lines.append(f"{entry.name} d--755 0 0")
                add(entry)
            elif entry.is_file():
                lines.append(f"{entry.name} ---644 0 0 {entry}")
        lines.append("$")

    add(directory)
    return "/\n0 0\n" + "\n".join(lines) + "\n"


PARTITION_START = 1 << 20


def xfs_disk(root, disk):
    """GPT, and the root in its first partition, as Amazon Linux has it."""
    prototype = disk.with_suffix(".prototype")
    write(prototype, xfs_prototype(root))
    volume = disk.with_suffix(".volume")
    run("mkfs.xfs", "-q", "-L", "/", "-p", prototype, "-d", f"file,name={volume},size=384m")
    with open(disk, "wb") as file:
        file.truncate(PARTITION_START + (384 << 20) + PARTITION_START)
    run("sfdisk", "-q", disk, input="label: gpt\nstart=2048, size=786432, type=linux\n")
    run("dd", f"if={volume}", f"of={disk}", "bs=1M", "seek=1", "conv=sparse,notrunc", "status=none")
    volume.unlink()


def ext4_disk(root, disk):
    """No table of partitions; a compressed qcow2."""
    volume = disk.with_suffix(".volume")
    run("mke2fs", "-q", "-t", "ext4", "-d", root, volume, "96m")
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", volume, disk)
    volume.unlink()


def missing(*tools):
    """Those that are not there: a directory of programs of the system's own may not be on the path."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [tool for tool in tools if not any((pathlib.Path(place) / tool).exists() for place in path.split(":"))]
