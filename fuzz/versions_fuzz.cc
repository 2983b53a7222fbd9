#include <cstddef>
#include <cstdint>
#include <string>

#include "scan/versions.h"

namespace scan = hallmark::scan;

namespace {
int sign(int value) { return (value > 0) - (value < 0); }
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::size_t end = text.find('\n');
  std::string a = text.substr(0, end);
  std::string b = end == text.npos ? "1" : text.substr(end + 1);
  if (!scan::is_valid_version(a) || !scan::is_valid_version(b)) return 0;
  if (scan::compare_versions(a, a) != 0) __builtin_trap();
  if (sign(scan::compare_versions(a, b)) != -sign(scan::compare_versions(b, a))) __builtin_trap();
  return 0;
}
