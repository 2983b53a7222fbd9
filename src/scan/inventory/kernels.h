#pragma once
/// Which kernels are installed, and which one the boot loader starts.

#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

/// Fills `kernels` and, if a boot loader's files say it, `default_kernel`.
void read_kernels(model::Inventory& inventory, fs::FileSystem& files);

/// What grub.cfg starts by default: the version of the kernel in the first entry, or in the one
/// that `saved` (grubenv's saved_entry) names. Empty if it cannot be told.
std::string grub_default(std::string_view config, std::string_view saved);

/// "key=value" of grubenv; empty if it has none.
std::string grubenv_value(std::string_view text, std::string_view key);

}  // namespace hallmark::scan
