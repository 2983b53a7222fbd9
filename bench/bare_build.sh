#!/usr/bin/env bash
# The least that makes a golden image: mount, chroot, the same commands, store. What Hallmark's
# offline build is measured by. Runs in mount and process namespaces of its own, so that whatever
# happens nothing stays mounted or running.
#
#   BANNER=... unshare --mount --pid --fork --kill-child --mount-proc bare_build.sh SOURCE TARGET WORK SCRIPT...
set -euo pipefail
. "$(dirname "$0")/on_disk.sh"

source=$1 target=$2 work=$3
shift 3
disk=$work/disk.raw root=$work/root

qemu-img convert -m 16 -W -f qcow2 -O raw "$source" "$disk"
mount_root "$disk" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
# The image's resolv.conf leads into /run, which is ours for now.
mkdir -p "$root/run/systemd/resolve"
tee "$root/run/systemd/resolve/resolv.conf" "$root/run/systemd/resolve/stub-resolv.conf" \
  </etc/resolv.conf >/dev/null
[ -L "$root/etc/resolv.conf" ] || cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"

for script in "$@"; do
  install -m 0755 "$script" "$root/run/script"
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C SYSTEMD_OFFLINE=1 \
    BANNER="$BANNER" HALLMARK_INCLUDE=all HALLMARK_EXCLUDE= chroot "$root" /run/script
done

rm "$root/usr/sbin/policy-rc.d"
umount -l "$root/dev"
umount "$root/tmp" "$root/run" "$root/sys" "$root/proc"
fstrim "$root"
umount "$root"
qemu-img convert -c -m 16 -W -f raw -O qcow2 -o compression_type=zstd,cluster_size=65536 \
  "$disk" "$target"
rm "$disk"
