#pragma once
/// LVM2: logical volumes that lie on partitions or whole disks, read without device-mapper.

#include <memory>
#include <string>
#include <vector>

#include "disk/block_reader.h"

namespace hallmark::disk {

struct LogicalVolume {
  std::string group, name;
  std::string id;  ///< as LVM2 writes it
  /// Null if it cannot be read; then `problem` says why.
  std::unique_ptr<BlockReader> content;
  std::string problem;
};

struct VolumeGroups {
  std::vector<LogicalVolume> volumes;  ///< those that a person sees, by group and name
  /// Physical volumes without readable metadata, or in no group.
  std::vector<std::string> problems;
};

/// Whether LVM2's label is there.
bool is_physical_volume(BlockReader& storage);

/// Puts the volumes of all groups together. Linear and striped ones are read; of others (thin,
/// raid, snapshot, cache..), and of those with a missing physical volume, `problem` names what is
/// missing. The newest readable metadata of a group counts. The physical volumes must outlive the
/// result. Throws only what reading them throws.
VolumeGroups read_volume_groups(const std::vector<BlockReader*>& physical_volumes);

}  // namespace hallmark::disk
