#pragma once
/// VMware's VMDK in one file, read only: monolithicSparse and streamOptimized.
/// Format: https://www.vmware.com/app/vmdk/?src=vmdk (Virtual Disk Format 5.0)
/// Refused with a message: deltas of another disk, descriptors that name other files.

#include <memory>
#include <string>

#include "disk/block_reader.h"

namespace hallmark::disk {

bool is_vmdk(BlockReader& storage);

/// `storage` holds the file; `name` is for messages. Throws `corrupt` if the header or directory is
/// broken, `usage` if the image uses what is refused. Tables and grains are checked when they are
/// read.
std::unique_ptr<BlockReader> open_vmdk(std::unique_ptr<BlockReader> storage, std::string name);

}  // namespace hallmark::disk
