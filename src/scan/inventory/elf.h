#pragma once
/// What compilers leave in programs about the packages they are made of: Go's build information and
/// the list that cargo-auditable adds. Only the blocks that hold them are read.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {

/// Up to `length` bytes of a file from `offset`.
using ReadAt = std::function<std::string(std::uint64_t offset, std::uint64_t length)>;

/// The packages of an ELF program; none if it is no ELF program or has no such list. Throws
/// `corrupt` if a list is there and makes no sense. What is unpacked comes out of `budget`.
std::vector<model::Package> program_packages(const ReadAt& read, Budget& budget);

/// The modules of Go's build information. `toolchain` is "go1.21.5".
std::vector<model::Package> go_modules(std::string_view toolchain, std::string_view text);

/// The crates of a cargo-auditable list, JSON that is packed with zlib. Throws `corrupt`.
std::vector<model::Package> rust_crates(std::string_view packed, Budget& budget);

/// Unpacks zlib's format, or raw deflate. Throws `corrupt` if it is broken or gets longer than
/// `limit`.
std::string inflated(std::string_view packed, bool raw, std::size_t limit);

}  // namespace hallmark::scan
