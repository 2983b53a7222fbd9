#pragma once
/// The system that lies on a disk, in a directory or in an archive, as one tree of files.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// Something that should have been read and was not.
struct Gap {
  std::string what;    ///< "partition 2"
  std::string reason;  ///< "it holds luks, which is not read here"
};

struct System {
  /// What `files` reads from.
  std::vector<std::unique_ptr<disk::BlockReader>> storage;
  /// The root file system; null if there is none, which then is among the gaps.
  std::unique_ptr<FileSystem> files;
  std::vector<Gap> gaps;
};

/// Finds the root file system: of those with an os-release the one whose partition type or label
/// says so comes first. What cannot be read, or is a second system that nobody looks at, is a gap.
/// `disk` must outlive the result. Throws only what reading the disk itself throws: `unavailable`.
System open_system(disk::BlockReader& disk);

}  // namespace hallmark::fs
