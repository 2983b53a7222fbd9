// Addresses of requests, as anybody can send them to a server.
#include "base/error.h"
#include "server/target.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    hallmark::server::parse_target({reinterpret_cast<const char*>(data), size});
  } catch (const hallmark::Error&) {
    // Refused, as it should be.
  }
  return 0;
}
