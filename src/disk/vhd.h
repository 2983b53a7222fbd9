#pragma once
/// Microsoft's VHD, as Azure takes it, read only: fixed and dynamic.
/// Format: https://learn.microsoft.com/windows/win32/vstor/about-vhd (Virtual Hard Disk Image
/// Format) Refused with a message: differencing disks.

#include <memory>
#include <string>

#include "disk/block_reader.h"

namespace hallmark::disk {

/// Whether the footer that ends every VHD is there, and whole.
bool is_vhd(BlockReader& storage);

/// `storage` holds the file; `name` is for messages. Throws `corrupt` if the headers or the table
/// are broken, `usage` if the image uses what is refused.
std::unique_ptr<BlockReader> open_vhd(std::unique_ptr<BlockReader> storage, std::string name);

}  // namespace hallmark::disk
