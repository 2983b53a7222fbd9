#pragma once
/// Which of two versions is newer, by the rules of whoever packs them.

#include <cstdint>
#include <string_view>

namespace hallmark::scan {

enum class VersionOrder : std::uint8_t {
  dpkg,
  rpm,
  apk,
  semver,  ///< npm, Go, crates.io
  pep440,  ///< PyPI
  maven,
  gem,
};
inline constexpr int kVersionOrders = 7;

/// Whether the text is a version of that kind, so that comparing it means something.
bool is_comparable(VersionOrder order, std::string_view version);

/// Negative if `a` is older than `b`, positive if newer, 0 if they are equal. Both must be
/// comparable. An rpm version is [epoch:]version[-release]; a missing epoch is 0, and releases
/// count only if both have one.
int compare_versions(VersionOrder order, std::string_view a, std::string_view b);

}  // namespace hallmark::scan
