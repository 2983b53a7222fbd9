#pragma once
/// What systemd's own units mount, beside fstab.

#include <vector>

#include "fs/fstab.h"
#include "fs/volumes.h"

namespace hallmark::fs {

/// The *.mount units of /etc/systemd/system and /usr/lib/systemd/system that mount something of a
/// disk and that another unit wants, by themselves or when they are looked into (*.automount). What
/// cannot be read is a gap.
std::vector<Mount> mount_units(FileSystem& root, std::vector<Gap>& gaps);

}  // namespace hallmark::fs
