#pragma once
/// Parts of disks and files that were compressed one by one.

#include <cstddef>
#include <span>

namespace hallmark::disk {

enum class Compression {
  deflate,  ///< without a header
  zlib,
  zstd,
};

/// Fills all of `out`; trailing bytes of `packed` are ignored, since formats round sizes up to
/// sectors. False if the data is broken or too short. Throws `unavailable` without memory.
bool decompress(Compression compression, std::span<const std::byte> packed,
                std::span<std::byte> out);

}  // namespace hallmark::disk
