#pragma once
/// A disk of which the input is only a part: the rest reads as zeros, so that a few KiB can be a
/// file system of many MiB. fuzz/pieces makes such inputs: a count, as many places of two bytes,
/// and what lies there, each 4 KiB.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "disk/block_reader.h"
#include "disk/readers.h"

namespace hallmark {

class SparseDisk final : public disk::BlockReader {
 public:
  /// `input` must outlive the disk, which has 64 MiB.
  explicit SparseDisk(std::span<const std::byte> input) {
    if (input.empty()) return;
    std::size_t count = std::to_integer<std::size_t>(input[0]), content = 1 + 2 * count;
    for (std::size_t i = 0; i < count && content < input.size(); ++i, content += kPiece) {
      std::uint64_t place = disk::little16(input, 1 + 2 * i);
      parts_.emplace_back(place % (size_bytes_ / kPiece) * kPiece,
                          input.subspan(content, std::min(kPiece, input.size() - content)));
    }
  }

  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::uint64_t fetched_bytes() const override { return 0; }
  void read(std::uint64_t offset, std::span<std::byte> out) override {
    disk::check_range(offset, out.size(), size_bytes_, "the disk");
    std::fill(out.begin(), out.end(), std::byte{0});
    for (const auto& [at, bytes] : parts_) {
      std::uint64_t from = std::max(at, offset);
      std::uint64_t to = std::min(at + bytes.size(), offset + out.size());
      if (from < to) std::memcpy(&out[from - offset], &bytes[from - at], to - from);
    }
  }

 private:
  static constexpr std::size_t kPiece = 4096;
  static constexpr std::uint64_t size_bytes_ = 64 << 20;
  std::vector<std::pair<std::uint64_t, std::span<const std::byte>>> parts_;
};

}  // namespace hallmark
