# Mounts a raw disk's root file system; to be sourced by scripts that have a mount namespace of
# their own, so that their mounts end with them.

# mount_root DISK DIRECTORY
mount_root() {
  local sector
  sector=$(sfdisk --json "$1" | jq -er '[.partitiontable.partitions[]
    | select(.type | ascii_upcase | test("^(4F68BCE3|0FC63DAF|83$)"))] | max_by(.size) | .start')
  mkdir -p "$2"
  # The options Hallmark mounts with, so that only its own work makes the difference.
  mount -t ext4 -o "loop,offset=$((sector * 512)),noatime,nodev,barrier=0,discard" "$1" "$2"
}
