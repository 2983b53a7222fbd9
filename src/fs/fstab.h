#pragma once
/// What a system mounts where: /etc/fstab, and the types of partitions.

#include <string>
#include <vector>

#include "fs/volumes.h"

namespace hallmark::fs {

struct Mount {
  std::string source;  ///< "UUID=..", "/dev/mapper/vg-lv"
  std::string place;   ///< "/var"
  std::string type;    ///< "ext4", "auto"
  std::vector<std::string> options;

  bool has_option(const std::string& option) const;
  /// "@var" of "subvol=@var"; empty if there is none.
  std::string value_of(const std::string& option) const;
};

/// Lines with fewer than two fields are left out, as mount(8) does. Octal escapes are undone.
std::vector<Mount> parse_fstab(const std::string& text);

/// Whether it brings software of this disk's into the tree: no swap, no network, no kernel's own
/// file system, no boot loader's, no bind mount, not the root itself.
bool is_wanted(const Mount& mount);

/// Whether `source` means this volume. Names such as /dev/sda2 mean the first disk's partition.
bool is_source(const std::string& source, const Volume& volume);

/// Where the Discoverable Partitions Specification mounts a partition of this type; empty if
/// nowhere.
std::string place_of_type(const std::string& partition_type);

}  // namespace hallmark::fs
