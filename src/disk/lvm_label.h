#pragma once
/// What stands at the start of a physical volume of LVM2.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "disk/block_reader.h"

namespace hallmark::disk {

struct PhysicalVolume {
  BlockReader* storage = nullptr;
  std::string id;  ///< as the metadata writes it, with hyphens
  /// The newest metadata on it: an object with its group's section; null if it has none.
  Json metadata;
  std::string problem;  ///< what is wrong with its metadata
};

/// The sector of the label, if there is one.
std::optional<std::uint64_t> find_lvm_label(BlockReader& storage);

/// `storage` has a label. Throws `corrupt` if that is broken; broken metadata is a `problem`, as is
/// one that is longer than what is left of `text_budget`, which it reduces.
PhysicalVolume read_physical_volume(BlockReader& storage, std::uint64_t& text_budget);

}  // namespace hallmark::disk
