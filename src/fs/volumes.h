#pragma once
/// What a disk is divided into: partitions and logical volumes, and the file systems in them.

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "disk/block_reader.h"
#include "fs/file_system.h"

namespace hallmark::fs {

/// Something that should have been read and was not.
struct Gap {
  std::string what;    ///< "partition 2"
  std::string reason;  ///< "it holds luks, which is not read here"
};

/// Failing to read the disk itself ends the look; everything else is a gap.
template <typename Function>
void gap_on_error(std::vector<Gap>& gaps, const std::string& what, Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal) throw;
    gaps.push_back({what, replace_all(error.full_text(), "\n", ";")});
  }
}

/// A part of a disk with a file system that can be read.
struct Volume {
  std::string where;  ///< "partition 2", "disk", "logical volume golden/root"
  // Of partitions; else empty or 0.
  int number = 0;
  bool is_automatic = true;  ///< may be mounted by its type
  std::string partition_type, partition_name, partition_id;
  // Of logical volumes; else empty.
  std::string group, name;
  std::string uuid, label;  ///< of the file system
  std::unique_ptr<disk::BlockReader> content;
  std::unique_ptr<FileSystem> files;
};

struct Volumes {
  /// Physical volumes, which logical ones read from.
  std::vector<std::unique_ptr<disk::BlockReader>> physical;
  std::vector<Volume> volumes;
};

/// Adds what cannot be read to `gaps`, but for what holds no software by its nature, such as swap.
/// `disk` must outlive the result.
Volumes find_volumes(disk::BlockReader& disk, std::vector<Gap>& gaps);

}  // namespace hallmark::fs
