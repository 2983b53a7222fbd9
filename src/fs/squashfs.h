#pragma once
/// squashfs through libsquashfs. No other file knows that library.

#include <memory>

#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// As open_file_system, for a partition that is known to be squashfs.
std::unique_ptr<FileSystem> open_squashfs(disk::BlockReader& partition);

}  // namespace hallmark::fs
