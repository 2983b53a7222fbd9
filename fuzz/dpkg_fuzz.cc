#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apt/deb822.h"
#include "scan/dpkg.h"
#include "scan/os_release.h"
#include "scan/suite.h"

namespace scan = hallmark::scan;

// None of these may throw.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t last_line = 0;
  apt::read_paragraphs(text, [&](const apt::Paragraph& paragraph) {
    if (paragraph.line <= last_line) __builtin_trap();
    last_line = paragraph.line;
    for (const auto& field : paragraph.fields) {
      bool inside = field.value.empty() ||
                    (field.value.data() >= text.data() &&
                     field.value.data() + field.value.size() <= text.data() + text.size());
      if (!inside || field.name.empty()) __builtin_trap();
    }
  });
  for (const auto& package : scan::parse_dpkg_status(text, "input").packages) {
    if (package.name.empty() || package.version.empty()) __builtin_trap();
  }
  scan::parse_os_release(text);
  scan::SecuritySuite suite;
  scan::read_packages_index(suite, text);
  scan::SecuritySuite back = scan::unpack_suite(scan::pack_suite(suite));
  if (back.packages.size() != suite.packages.size()) __builtin_trap();
  return 0;
}
