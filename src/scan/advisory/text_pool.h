#pragma once
/// The texts of a file that is being compiled.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "scan/advisory/file_layout.h"

namespace hallmark::scan {

inline constexpr std::size_t kMaxText = 4000;

/// Each text once.
class Texts {
 public:
  Texts() : bytes_(2, '\0'), places_(1 << 16, Hash{&bytes_}, Equal{&bytes_}) {}
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;

  TextRef keep(std::string_view text) {
    text = text.substr(0, kMaxText);
    if (text.empty()) return 0;
    if (const auto found = places_.find(text); found != places_.end()) return *found;
    const TextRef place = append(text);
    places_.insert(place);
    return place;
  }

  /// Without looking whether it is there already.
  TextRef append(std::string_view text) {
    if (text.empty()) return 0;
    if (bytes_.size() > UINT32_MAX - text.size() - 2) {
      throw Error(ErrorKind::usage, "the advisories hold more than 4 GiB of text")
          .hint("leave some feeds out");
    }
    const auto place = static_cast<TextRef>(bytes_.size());
    const auto length = static_cast<std::uint16_t>(text.size());
    bytes_.append(reinterpret_cast<const char*>(&length), sizeof length);
    bytes_.append(text);
    return place;
  }

  std::string_view get(TextRef place) const { return at(bytes_, place); }
  const std::string& bytes() const { return bytes_; }

 private:
  static std::string_view at(const std::string& bytes, TextRef place) {
    std::uint16_t length = 0;
    std::memcpy(&length, bytes.data() + place, sizeof length);
    return {bytes.data() + place + sizeof length, length};
  }
  struct Hash {
    using is_transparent = void;
    const std::string* bytes;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
    std::size_t operator()(TextRef place) const { return (*this)(at(*bytes, place)); }
  };
  struct Equal {
    using is_transparent = void;
    const std::string* bytes;
    bool operator()(TextRef a, TextRef b) const { return a == b; }
    bool operator()(std::string_view a, TextRef b) const { return a == at(*bytes, b); }
    bool operator()(TextRef a, std::string_view b) const { return b == at(*bytes, a); }
  };

  std::string bytes_;
  std::unordered_set<TextRef, Hash, Equal> places_;
};

}  // namespace hallmark::scan
