#pragma once
/// Numbers in bytes of outside origin: a place beyond the end is an error, not a crash.

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace hallmark::scan {

class Bytes {
 public:
  Bytes(std::string_view data, bool big_endian) : data_(data), big_endian_(big_endian) {}

  std::uint64_t size() const { return data_.size(); }
  std::string_view data() const { return data_; }

  /// Throws `corrupt` if it leaves the data.
  std::string_view part(std::uint64_t offset, std::uint64_t length) const {
    if (offset > data_.size() || length > data_.size() - offset) {
      throw Error(ErrorKind::corrupt, "{} bytes at {} lie outside its {} bytes", length, offset,
                  data_.size());
    }
    return data_.substr(offset, length);
  }
  std::uint8_t u8(std::uint64_t offset) const {
    return static_cast<std::uint8_t>(part(offset, 1)[0]);
  }
  std::uint16_t u16(std::uint64_t offset) const {
    return static_cast<std::uint16_t>(number(offset, 2));
  }
  std::uint32_t u32(std::uint64_t offset) const {
    return static_cast<std::uint32_t>(number(offset, 4));
  }
  std::uint64_t u64(std::uint64_t offset) const { return number(offset, 8); }

 private:
  std::uint64_t number(std::uint64_t offset, unsigned length) const {
    const std::string_view bytes = part(offset, length);
    std::uint64_t value = 0;
    for (unsigned i = 0; i < length; ++i) {
      value = value << 8 | static_cast<std::uint8_t>(bytes[big_endian_ ? i : length - 1 - i]);
    }
    return value;
  }

  std::string_view data_;
  bool big_endian_;
};

}  // namespace hallmark::scan
