#pragma once
/// Every file of an image once.

#include <functional>
#include <string>

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

/// A path of the root file system and what it is; links are not followed.
using Visit = std::function<void(const std::string& path, const fs::FileInfo& info)>;

/// Goes through all directories but those that a running system fills anew (/dev, /proc, /run,
/// /sys). A directory that cannot be read is a gap, as is a tree that does not end.
void walk(model::Inventory& inventory, fs::FileSystem& files, const Visit& visit);

}  // namespace hallmark::scan
