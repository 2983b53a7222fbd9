#include <cstdint>
#include <string_view>

#include "fuzz/only_errors.h"
#include "scan/advisory/version_order.h"

namespace scan = hallmark::scan;

namespace {

int sign(int value) { return (value > 0) - (value < 0); }

}  // namespace

/// Three versions, a line each: the order is one, whichever way it is asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [choice, text] = hallmark::chosen(data, size);
  const auto order = static_cast<scan::VersionOrder>(choice % scan::kVersionOrders);
  const std::size_t first = text.find('\n');
  if (first == text.npos) return 0;
  const std::size_t second = text.find('\n', first + 1);
  if (second == text.npos) return 0;
  const auto a = text.substr(0, first), b = text.substr(first + 1, second - first - 1),
             c = text.substr(second + 1);
  for (const auto& version : {a, b, c}) {
    if (!scan::is_comparable(order, version)) return 0;
    if (scan::compare_versions(order, version, version) != 0) __builtin_trap();
  }
  const int ab = sign(scan::compare_versions(order, a, b));
  const int bc = sign(scan::compare_versions(order, b, c));
  if (ab != -sign(scan::compare_versions(order, b, a))) __builtin_trap();
  // rpm's order is none where one of three has no release, nor apk's with digits as fractions.
  const bool transitive = order == scan::VersionOrder::semver ||
                          order == scan::VersionOrder::pep440 || order == scan::VersionOrder::gem;
  if (transitive && ab > 0 && bc > 0 && scan::compare_versions(order, a, c) <= 0) __builtin_trap();
  return 0;
}
