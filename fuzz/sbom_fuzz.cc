#include <cstdint>

#include "fuzz/only_errors.h"
#include "scan/advisory/sbom.h"
#include "scan/advisory/vex.h"

namespace scan = hallmark::scan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hallmark::only_errors([&] { scan::read_sbom(text, "fuzz"); });
  hallmark::only_errors([&] { scan::read_vex(text, "fuzz"); });
  return 0;
}
