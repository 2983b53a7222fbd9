#pragma once
/// Software that comes with its own file system: snaps and flatpaks. That they are there is read;
/// what is in them is a gap for each.

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

void read_snaps(model::Inventory& inventory, fs::FileSystem& files);
void read_flatpaks(model::Inventory& inventory, fs::FileSystem& files);

}  // namespace hallmark::scan
