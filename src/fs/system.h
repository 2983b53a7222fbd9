#pragma once
/// The system that lies on a disk, in a directory or in an archive, as one tree of files.

#include <memory>
#include <vector>

#include "base/files.h"
#include "disk/block_reader.h"
#include "fs/file_system.h"
#include "fs/volumes.h"

namespace hallmark::fs {

struct System {
  /// What `files` reads from, the disk first if it is ours.
  std::vector<std::unique_ptr<disk::BlockReader>> storage;
  disk::BlockReader* disk = nullptr;  ///< null if there is none
  /// The root with all that is mounted into it; null if there is no root, which then is among the
  /// gaps.
  std::unique_ptr<FileSystem> files;
  std::vector<Gap> gaps;
};

/// Finds the root file system (of those with an os-release the one whose partition type or label
/// says so comes first) and puts into it what its fstab and the types of partitions mount. What
/// cannot be read, is mounted but not on the disk, or is a second system that nobody looks at, is a
/// gap. `disk` must outlive the result. Throws only what reading the disk itself throws:
/// `unavailable`.
System open_system(disk::BlockReader& disk);

/// A disk file of any format, a directory, or a tar archive. Throws what opening it throws.
System open_system(const Path& source, disk::BackingFiles backing = disk::BackingFiles::beside);

}  // namespace hallmark::fs
