#pragma once

#include <stop_token>
#include <string>

#include "disk/block_reader.h"

namespace hallmark::disk {

/// SHA-256 of all bytes of the disk as the guest sees it: of a qcow2 file the same as of the raw
/// disk it stands for. Holes are not read where the reader knows them, but counted. Throws
/// `cancelled` if `stop` is requested, and what reading throws.
std::string disk_sha256(BlockReader& disk, std::stop_token stop);

}  // namespace hallmark::disk
