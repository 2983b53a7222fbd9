#pragma once
/// Which kernels are installed, and which one the boot loader starts.

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

/// Fills `kernels` and, if a boot loader's files say it, `default_kernel`.
void read_kernels(model::Inventory& inventory, fs::FileSystem& files);

}  // namespace hallmark::scan
