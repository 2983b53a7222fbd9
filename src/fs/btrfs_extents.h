#pragma once
/// btrfs: the content of files.

#include <cstdint>
#include <string>

#include "fs/btrfs_trees.h"

namespace hallmark::fs::btrfs {

/// The first `size_bytes` bytes of the inode; holes are zeros. Throws `corrupt`; `usage` if it is
/// encrypted or compressed in an unknown way.
std::string read_content(Trees& trees, const TreeRoot& tree, std::uint64_t inode,
                         std::uint64_t size_bytes);

}  // namespace hallmark::fs::btrfs
