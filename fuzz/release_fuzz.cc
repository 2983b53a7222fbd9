#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "scan/suite.h"

namespace scan = hallmark::scan;

namespace {

template <typename Function>
void attempt(Function function) {
  try {
    function();
  } catch (const hallmark::Error& error) {
    if (error.kind() == hallmark::ErrorKind::internal) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { scan::parse_release(text); });
  attempt([&] { scan::parse_release_date(text); });
  attempt([&] { scan::unpack_suite(text); });
  attempt([&] { scan::unpack_xz(text, 1 << 20); });
  return 0;
}
