#pragma once
/// The plain BlockReaders: a file as it lies, bytes in memory, and a part of another reader.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "disk/block_reader.h"

namespace hallmark::disk {

/// The file's bytes without looking at what they are. Regular files and block devices only;
/// anything else (a directory, a pipe) throws `usage`. Throws `not_found`, `denied`, `unavailable`.
std::unique_ptr<BlockReader> open_raw(const Path& file);

/// A disk that holds `bytes`.
std::unique_ptr<BlockReader> memory_disk(std::vector<std::byte> bytes);
std::unique_ptr<BlockReader> memory_disk(const std::string& bytes);

/// The `size_bytes` bytes of `disk` from `offset`, such as one partition. `disk` must outlive the
/// result, whose fetched_bytes() is that of `disk`. Throws `corrupt` if the range leaves `disk`.
std::unique_ptr<BlockReader> sub_range(BlockReader& disk, std::uint64_t offset,
                                       std::uint64_t size_bytes);

/// Throws `corrupt` unless `length` bytes from `offset` lie within `size_bytes`. `what` names the
/// thing for the message: "the disk".
void check_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size_bytes,
                 const char* what);

std::uint16_t little16(std::span<const std::byte> bytes, std::size_t offset);
std::uint32_t little32(std::span<const std::byte> bytes, std::size_t offset);
std::uint64_t little64(std::span<const std::byte> bytes, std::size_t offset);
std::uint32_t big32(std::span<const std::byte> bytes, std::size_t offset);
std::uint64_t big64(std::span<const std::byte> bytes, std::size_t offset);

}  // namespace hallmark::disk
