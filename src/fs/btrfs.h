#pragma once
/// btrfs on one device, read only, ours.
/// Format: https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html
/// Read: subvolumes, inline and regular extents, holes, zlib, lzo and zstd. Checksums of metadata
/// are checked where they are CRC-32C; those of content are not. Refused with a message: what is
/// spread over several devices, encryption, unknown features.

#include <memory>
#include <string>

#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// `subvolume` is a path from the top ("@", "a/b"); empty: the default one. Other subvolumes are
/// directories where they lie in it. As open_file_system else; `not_found` without that subvolume.
std::unique_ptr<FileSystem> open_btrfs(disk::BlockReader& partition,
                                       const std::string& subvolume = "");

}  // namespace hallmark::fs
