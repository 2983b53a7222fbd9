#pragma once
/// ext2, ext3 and ext4 through libext2fs. No other file knows that library.

#include <memory>

#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// As open_file_system, for a partition that is known to be ext.
std::unique_ptr<FileSystem> open_ext(disk::BlockReader& partition);

}  // namespace hallmark::fs
