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

/// An installed version against one that an advisory names. Python's "1.0+cu118" is 1.0 unless the
/// limit has a local part, too.
int compare_to_limit(VersionOrder order, std::string_view installed, std::string_view limit);

/// Refines compare_versions to one that can be sorted by: an rpm version without a release comes
/// before those with one.
int compare_for_sorting(VersionOrder order, std::string_view a, std::string_view b);

/// Whether of three versions the newest is newer than the oldest, whatever they are: not so where
/// digits are fractions (apk).
bool is_total(VersionOrder order);

}  // namespace hallmark::scan
