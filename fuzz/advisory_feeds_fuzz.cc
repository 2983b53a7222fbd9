#include <cstdint>

#include "fuzz/only_errors.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/advisory_file.h"
#include "scan/advisory/feeds.h"

namespace scan = hallmark::scan;

/// What any reader takes can be compiled, and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [choice, text] = hallmark::chosen(data, size);
  const auto& kinds = scan::feed_kinds();
  hallmark::only_errors([&, choice = choice, text = text] {
    scan::AdvisoryBuilder builder;
    builder.begin_feed({.name = "fuzz", .kind = "fuzz"});
    scan::FeedFile file(text, "fuzz");
    scan::read_feed(kinds[choice % kinds.size()], file, choice % 2 == 0 ? "debian:12" : "",
                    builder);
    scan::AdvisoryFile(builder.finish()).verify();
  });
  return 0;
}
