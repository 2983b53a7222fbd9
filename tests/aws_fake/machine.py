"""What runs behind an instance: scripts in a root directory of its own, in mount and process namespaces.

If the instance's root volume holds a Linux file system, that is the root, mounted from a file with the
volume's content, and what scripts change is in images that are made of it. Otherwise the root is an overlay over this
computer's own, so that every program is there and nothing of it can be changed. Needs root.
"""

import base64
import email
import errno
import json
import os
import shutil
import signal
import subprocess
import threading

_BLOCK = 512 << 10  # of EBS direct
# Where the power goes off, and what would reach for a running systemd.
_POWER = ("shutdown", "poweroff", "halt", "reboot")
_QUIET = ("systemctl", "service", "invoke-rc.d")
_TOOLS = "/run/aws-fake"

# Holds the namespaces: process 1 of its own, ended by closing its standard input.
_KEEPER = r"""
set -e
mount --make-rprivate /
root=$1 disk=$2 offset=$3 size=$4
if [ -n "$disk" ]; then
  mount -o "loop,offset=$offset,sizelimit=$size" "$disk" "$root"
else
  mkdir -p "$root.upper" "$root.work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$root.upper,workdir=$root.work" "$root"
fi
mount -t proc -o ro proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for node in null zero full random urandom tty; do
  : > "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/aws-fake"
# Names resolve as they do here. Where the image has a link, it leads to what systemd or resolvconf would write.
for file in systemd/resolve/stub-resolv.conf systemd/resolve/resolv.conf resolvconf/resolv.conf; do
  mkdir -p "$root/run/${file%/*}"
  cp /etc/resolv.conf "$root/run/$file"
done
made=
if [ -n "$disk" ] && [ -e /etc/resolv.conf ] && [ ! -L "$root/etc/resolv.conf" ]; then
  [ -e "$root/etc/resolv.conf" ] || { made=yes; : > "$root/etc/resolv.conf"; }
  mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
fi
# What a unit of the image does at its boot; there is no init here.
[ -z "$disk" ] || chroot "$root" /bin/sh -c '! command -v ssh-keygen || ssh-keygen -A' > /dev/null 2>&1 || :
echo ready
read -r _ || :
# Only in a process namespace of our own is this what it says: everything that still runs here.
[ "$$" != 1 ] || kill -KILL -1 2>/dev/null || :
sync
if [ -n "$disk" ]; then
  umount "$root/etc/resolv.conf" 2>/dev/null || :
  [ -z "$made" ] || rm -f "$root/etc/resolv.conf"
  umount "$root/run" "$root/proc" 2>/dev/null || :
  umount -R "$root/dev" 2>/dev/null || :
  umount "$root"
fi
"""


def possible():
    return os.geteuid() == 0


def of(world, place, instance):
    """The machine behind an instance, booted."""
    with world.lock:
        machine = world.machines.get(instance["InstanceId"])
        if machine is None:
            machine = world.machines[instance["InstanceId"]] = Machine(world, instance)
    machine.start(_root_volume(place, instance), instance["_user_data"])
    return machine


def went_off(world, place, instance):
    """Power is off: what was written is on the instance's root volume now."""
    machine = world.machines.get(instance["InstanceId"])
    if machine is not None:
        machine.stop(_root_volume(place, instance))


def ended(world, instance):
    machine = world.machines.pop(instance["InstanceId"], None)
    if machine is not None:
        machine.forget()


def switched_itself_off(world, instance):
    machine = world.machines.get(instance["InstanceId"])
    return machine is not None and machine.power() == "off"


def _root_volume(place, instance):
    for mapping in instance.get("BlockDeviceMappings", ()):
        if mapping["DeviceName"] == instance["RootDeviceName"]:
            return place["volumes"].get(mapping["Ebs"]["VolumeId"])
    return None


def _partition(path):
    """(offset, size) in bytes of the partition with the root file system; None if there is none."""
    answer = subprocess.run(["sfdisk", "--json", path], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return None
    table = json.loads(answer.stdout)["partitiontable"]
    sector = table.get("sectorsize", 512)
    parts = [(part["size"] * sector, part["start"] * sector) for part in table.get("partitions", ())]
    with open(path, "rb") as file:
        for size, start in sorted(parts, reverse=True):
            # The magic of ext2, ext3 and ext4 lies in their superblock.
            file.seek(start + 1024 + 56)
            if file.read(2) == b"\x53\xef":
                return start, size
    return None


class Machine:
    """One boot after the other of one instance."""

    def __init__(self, world, instance):
        self._world = world
        self.name = instance["InstanceId"]
        self._directory = os.path.join(world.scratch, self.name)
        self._root = os.path.join(self._directory, "root")
        self._disk = os.path.join(self._directory, "disk")
        self._lock = threading.RLock()
        self._keeper = None
        self._partition = None
        self._boots = 0
        self._background = []

    def start(self, volume, user_data):
        """Boots it, if it is off. `volume` is its root volume; None for none."""
        with self._lock:
            if self._keeper is not None:
                return
            os.makedirs(self._root, exist_ok=True)
            if volume is not None and not os.path.exists(self._disk):
                self._unpack(volume)
                self._partition = _partition(self._disk)
            offset, size = self._partition or (0, 0)
            disk = self._disk if self._partition else ""
            self._keeper = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _KEEPER, "keeper",
                 self._root, disk, str(offset), str(size)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                start_new_session=True)
            if self._keeper.stdout.readline() != "ready\n":
                words = self._keeper.stderr.read()
                self._keeper = None
                raise RuntimeError(f"{self.name} does not boot: {words}")
            self._pid = int(open(f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children",
                                 encoding="ascii").read().split()[0])
            self._write_tools()
            self._boots += 1
            first = self._boots == 1
        self._run_user_data(user_data, first)

    def stop(self, volume):
        """Powers it off; what it wrote is in `volume` from then on."""
        with self._lock:
            keeper, self._keeper = self._keeper, None
            if keeper is None:
                return
            for process in self._background:
                _kill(process)
            self._background = []
            try:
                keeper.communicate("\n", timeout=30)
            except subprocess.TimeoutExpired:
                _kill(keeper)
                keeper.wait()
            if volume is not None and self._partition:
                self._pack(volume)

    def forget(self):
        self.stop(None)
        shutil.rmtree(self._directory, ignore_errors=True)

    def popen(self, script, environment, **options):
        """Starts a script in it."""
        with self._lock:
            if self._keeper is None:
                raise OSError(errno.EHOSTDOWN, "the instance is off")
            path = f"/run/aws-fake/script-{os.urandom(6).hex()}"
            with open(f"/proc/{self._pid}/root{self._root}{path}", "w", encoding="utf-8") as file:
                file.write(script)
            os.chmod(f"/proc/{self._pid}/root{self._root}{path}", 0o755)
            arguments = [path] if script.startswith("#!") else ["/bin/sh", path]
            return subprocess.Popen(
                ["nsenter", "--target", str(self._pid), "--mount", "--pid", "chroot", self._root, *arguments],
                env=environment, stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def environment(self):
        endpoint = f"http://127.0.0.1:{self._world.port}"
        return {"PATH": f"{_TOOLS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/root", "LANG": "C.UTF-8", "AWS_ENDPOINT_URL_SSM": endpoint,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{endpoint}/_metadata/{self.name}"}

    def power(self):
        """What the guest asked for since it was last asked: "off", "reboot" or None."""
        try:
            path = f"/proc/{self._pid}/root{self._root}{_TOOLS}/power"
            with open(path, encoding="ascii", errors="replace") as file:
                words = file.read()
            os.unlink(path)
        except (OSError, AttributeError):
            return None
        return "reboot" if "reboot" in words or " -r" in words else "off"

    def _write_tools(self):
        base = f"/proc/{self._pid}/root{self._root}{_TOOLS}"
        for name in _POWER:
            _tool(base, name, f'echo {name} "$@" >> {_TOOLS}/power\n')
        for name in _QUIET:
            _tool(base, name, "exit 0\n")

    def _run_user_data(self, user_data, first):
        if not user_data:
            return
        message = email.message_from_bytes(base64.b64decode(user_data))
        parts = message.walk() if message.is_multipart() else [message]
        for part in parts:
            if part.is_multipart():
                continue
            text = part.get_payload(decode=True).decode("utf-8", "replace")
            hook = part.get_content_type() == "text/cloud-boothook" or text.startswith("#cloud-boothook")
            if hook:
                text = text.removeprefix("#cloud-boothook\n")
            elif not first or not text.startswith("#!"):
                continue
            elif "amazon-ssm-agent" in text:
                continue  # the agent is the stand-in itself
            try:
                self._background.append(self.popen(text, self.environment(), stdout=subprocess.DEVNULL,
                                                   stderr=subprocess.DEVNULL))
            except OSError:
                return

    def _unpack(self, volume):
        store = volume["_store"]
        with open(self._disk, "wb") as file:
            file.truncate(volume["Size"] << 30)
            for index in store.indexes():
                file.seek(index * _BLOCK)
                file.write(store.get(index))

    def _pack(self, volume):
        """Puts what differs from the volume into it."""
        old = volume["_store"]
        new = type(old)(self._world, old)
        known = set(old.indexes())
        with open(self._disk, "rb") as file:
            for index in sorted(known | _written(file)):
                file.seek(index * _BLOCK)
                data = file.read(_BLOCK).ljust(_BLOCK, b"\0")
                before = old.get(index) if index in known else None
                if data != (before or bytes(_BLOCK)):
                    new.put(index, data)
        volume["_store"] = new


def _written(file):
    """The blocks that are not holes."""
    found, at, end = set(), 0, os.fstat(file.fileno()).st_size
    while at < end:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:
            break
        hole = os.lseek(file.fileno(), at, os.SEEK_HOLE)
        found.update(range(at // _BLOCK, (hole + _BLOCK - 1) // _BLOCK))
        at = hole
    return found


def _tool(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def _kill(process):
    """Ends the script and everything that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
