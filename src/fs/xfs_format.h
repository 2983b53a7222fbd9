#pragma once
/// XFS: the superblock, inodes, and where the blocks of a file lie.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fs/fields.h"
#include "fs/metered.h"

namespace hallmark::fs::xfs {

struct Super {
  std::uint32_t block_bytes = 0, sector_bytes = 0, inode_bytes = 0;
  std::uint64_t blocks = 0, root_inode = 0;
  std::uint64_t log_start = 0;  ///< file system block; 0 if the log is on another device
  std::uint32_t log_blocks = 0;
  std::uint32_t group_blocks = 0, groups = 0;
  unsigned block_log = 0, inodes_per_block_log = 0, group_blocks_log = 0;
  unsigned directory_block_log = 0;  ///< blocks in a directory's block
  bool version5 = false, has_file_types = false, needs_repair = false;
  std::string uuid, label;

  std::uint32_t directory_block_bytes() const { return block_bytes << directory_block_log; }
};

/// Throws `corrupt`; `usage` if it uses features that are not known.
Super read_super(Metered& storage);

/// A run of blocks of a file.
struct Extent {
  std::uint64_t first = 0;  ///< block of the file
  std::uint64_t block = 0;  ///< where it lies, as the file system counts
  std::uint64_t count = 0;
  bool written = true;  ///< else it reads as zeros
};

enum class Form { device = 0, local = 1, extents = 2, tree = 3 };

struct Inode {
  std::uint64_t number = 0;
  std::uint16_t mode = 0;
  std::uint32_t uid = 0, gid = 0;
  std::int64_t modified_at = 0;
  std::uint64_t size_bytes = 0, extent_count = 0;
  Form form = Form::device;
  bool realtime = false;
  Bytes fork;  ///< of data, as it lies in the inode
};

/// Throws `corrupt` with the inode's number.
Inode read_inode(Metered& storage, const Super& super, std::uint64_t number);

/// In the order of the file, without overlaps. `inode` has the form extents or tree. Throws
/// `corrupt` if the tree is broken.
std::vector<Extent> extents_of(Metered& storage, const Super& super, const Inode& inode);

/// The place in the partition of `count` blocks from `block`. Throws `corrupt` if they leave it.
std::uint64_t place_of(const Super& super, std::uint64_t block, std::uint64_t count);

/// Throws `corrupt` unless the CRC-32C at `at` is that of `bytes`. `what` names them.
void check_sum(std::span<const std::byte> bytes, std::size_t at, const std::string& what);

}  // namespace hallmark::fs::xfs
