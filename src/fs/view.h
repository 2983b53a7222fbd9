#pragma once
/// Several file systems as one tree, as a running system would see them.

#include <memory>
#include <string>
#include <vector>

#include "fs/file_system.h"

namespace hallmark::fs {

struct Mounted {
  std::string place;  ///< "/var"; may lead over symlinks
  std::unique_ptr<FileSystem> files;
};

/// `root` with the others in their places, mounted in this order; what was at a place is covered.
/// Symlinks lead from one file system into another, and never outside. type(), label() and uuid()
/// are those of `root`; warnings() those of all, and what could not be mounted: over the root, into
/// a directory that is missing or cannot be read.
std::unique_ptr<FileSystem> join_file_systems(std::unique_ptr<FileSystem> root,
                                              std::vector<Mounted> mounted);

}  // namespace hallmark::fs
