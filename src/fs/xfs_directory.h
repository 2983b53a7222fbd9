#pragma once
/// XFS: directories.

#include <cstdint>
#include <map>
#include <string>

#include "fs/xfs_format.h"

namespace hallmark::fs::xfs {

/// Inode numbers by name.
using Directory = std::map<std::string, std::uint64_t>;

/// Throws `corrupt`. The trees of hashes that lead to names are not needed and not read.
Directory read_directory(Metered& storage, const Super& super, const Inode& inode);

}  // namespace hallmark::fs::xfs
