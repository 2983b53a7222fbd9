#pragma once
/// XFS, versions 4 and 5, read only, ours.
/// Format: https://mirrors.edge.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf
/// Read: short, block, leaf and node directories, extents and B+tree forks, inline and remote
/// symlinks, bigtime, 64-bit extent counts, shared extents, sparse inodes. The checksums of version
/// 5 are checked. Refused with a message: files on a real-time device, unknown features.

#include <memory>

#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// As open_file_system, for a partition that is known to be XFS.
std::unique_ptr<FileSystem> open_xfs(disk::BlockReader& partition);

}  // namespace hallmark::fs
