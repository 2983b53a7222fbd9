#pragma once
/// Numbers of a structure on disk, never read behind its end.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hallmark::fs {

using Bytes = std::vector<std::byte>;

enum class Order { little, big };

template <Order kOrder>
class Fields {
 public:
  // NOLINTNEXTLINE: bytes are taken for fields wherever one reads them.
  Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> bytes() const { return bytes_; }

  std::uint8_t u8(std::size_t at) const { return number<std::uint8_t>(at); }
  std::uint16_t u16(std::size_t at) const { return number<std::uint16_t>(at); }
  std::uint32_t u32(std::size_t at) const { return number<std::uint32_t>(at); }
  std::uint64_t u64(std::size_t at) const { return number<std::uint64_t>(at); }

  Fields part(std::size_t at, std::size_t length) const {
    check(at, length);
    return bytes_.subspan(at, length);
  }
  Fields from(std::size_t at) const {
    check(at, 0);
    return bytes_.subspan(at);
  }
  std::string_view text(std::size_t at, std::size_t length) const {
    check(at, length);
    return {reinterpret_cast<const char*>(bytes_.data()) + at, length};
  }
  /// A field of fixed length that ends early with a NUL.
  std::string name(std::size_t at, std::size_t length) const {
    std::string_view field = text(at, length);
    return std::string(field.substr(0, field.find('\0')));
  }

 private:
  void check(std::size_t at, std::size_t length) const {
    if (length > bytes_.size() || at > bytes_.size() - length) {
      throw Error(ErrorKind::corrupt, "a structure of {} bytes ends before its field at {}",
                  bytes_.size(), at);
    }
  }
  template <typename Integer>
  Integer number(std::size_t at) const {
    check(at, sizeof(Integer));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      std::size_t byte = kOrder == Order::big ? i : sizeof(Integer) - 1 - i;
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[at + byte]);
    }
    return static_cast<Integer>(value);
  }

  std::span<const std::byte> bytes_;
};

using BigFields = Fields<Order::big>;
using LittleFields = Fields<Order::little>;

/// "01234567-89ab-..." of the 16 bytes of a file system's UUID.
std::string uuid_text(std::span<const std::byte> bytes);

/// Whether a directory may hold this name: no slash, no NUL, not empty, neither "." nor "..".
/// Others would make a path lead somewhere else.
bool is_plain_name(std::string_view name);

/// Whether `said` is `sum`. Fuzz targets are built to take every checksum for right.
inline bool is_right_sum(std::uint32_t sum, std::uint32_t said) {
#ifdef HALLMARK_TRUSTS_CHECKSUMS
  return sum == said || true;
#else
  return sum == said;
#endif
}

/// CRC-32C (Castagnoli) as XFS and btrfs use it; pass the result on to continue.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace hallmark::fs
