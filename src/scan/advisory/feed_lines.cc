#include "scan/advisory/feed_lines.h"

#include "base/files.h"

namespace hallmark::scan {

Lines read_text(std::string_view kind, std::string_view text, std::string_view ecosystem) {
  Lines lines;
  FeedFile file(text, "test");
  read_feed(kind, file, ecosystem, lines);
  return lines;
}

Lines read_sample(std::string_view kind, const std::string& name, std::string_view ecosystem) {
  Lines lines;
  FeedFile file(Path(HALLMARK_ADVISORY_TESTDATA) / name);
  read_feed(kind, file, ecosystem, lines);
  return lines;
}

}  // namespace hallmark::scan
