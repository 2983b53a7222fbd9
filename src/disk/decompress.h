#pragma once
/// Parts of disks and files that were compressed one by one.

#include <cstddef>
#include <optional>
#include <span>

namespace hallmark::disk {

enum class Compression {
  deflate,  ///< without a header
  zlib,
  zstd,
};

/// How many bytes of `out` were filled: all, or fewer if the data ends well before. Trailing bytes
/// of `packed` are ignored, since formats round sizes up to sectors. Nothing if the data is broken
/// or cut off. Throws `unavailable` without memory.
std::optional<std::size_t> decompress(Compression compression, std::span<const std::byte> packed,
                                      std::span<std::byte> out);

}  // namespace hallmark::disk
