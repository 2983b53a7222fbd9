#pragma once
/// Which file system a partition holds, and opening it.

#include <memory>
#include <string>

#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// What the bytes look like: "ext", "xfs", "btrfs", "squashfs", or something we cannot read as
/// files but can name: "luks", "lvm", "swap", "vfat", "ntfs", "exfat", "iso9660", "f2fs", "erofs",
/// "raid", "zeros"; empty if nothing is recognised. Throws only what reading throws.
std::string recognise(disk::BlockReader& partition);

/// ext2, ext3, ext4, XFS, btrfs and squashfs. Nothing if the partition holds something else (ask
/// `recognise` what). Throws `corrupt` if it is one and broken, `usage` if it needs features that
/// are not known. `partition` must outlive the result; both belong to one thread at a time.
std::unique_ptr<FileSystem> open_file_system(disk::BlockReader& partition);

}  // namespace hallmark::fs
