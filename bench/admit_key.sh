#!/usr/bin/env bash
# Makes a copy of a source image that lets root in with an SSH key: Packer works through SSH, and
# the source lets nobody in. Runs in a mount namespace of its own.
#
#   unshare --mount admit_key.sh SOURCE TARGET WORK PUBLIC_KEY
set -euo pipefail
. "$(dirname "$0")/on_disk.sh"

source=$1 target=$2 work=$3 key=$4
disk=$work/disk.raw root=$work/root

qemu-img convert -m 16 -W -f qcow2 -O raw "$source" "$disk"
mount_root "$disk" "$root"
install -d -m 0700 "$root/root/.ssh"
install -m 0600 "$key" "$root/root/.ssh/authorized_keys"
umount "$root"
qemu-img convert -c -m 16 -W -f raw -O qcow2 -o compression_type=zstd,cluster_size=65536 \
  "$disk" "$target"
rm "$disk"
