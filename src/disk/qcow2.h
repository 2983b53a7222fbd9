#pragma once
/// QEMU's qcow2 format, versions 2 and 3, read only.
/// Format: https://www.qemu.org/docs/master/interop/qcow2.html
/// Supported: backing files, zero clusters, zlib and zstd compressed clusters, extended L2 entries;
/// internal snapshots are ignored (the active state is read). Refused with a message: encryption,
/// external data files, images marked corrupt, unknown incompatible features.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "disk/block_reader.h"

namespace hallmark::disk {

/// Opens the backing file that a header names. `format` is what the header says it is ("raw",
/// "qcow2") or empty if it says nothing.
using OpenBacking =
    std::function<std::unique_ptr<BlockReader>(const std::string& name, const std::string& format)>;

bool is_qcow2(BlockReader& storage);

/// `storage` holds the file; `name` is for messages. Throws `corrupt` if the header or the L1 table
/// is broken, `usage` if the image uses what is refused. Tables and clusters are checked when they
/// are read.
std::unique_ptr<BlockReader> open_qcow2(std::unique_ptr<BlockReader> storage, std::string name,
                                        const OpenBacking& open_backing);

}  // namespace hallmark::disk
