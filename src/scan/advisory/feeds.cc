#include "scan/advisory/feeds.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "scan/advisory/feed_state.h"

namespace hallmark::scan {

const std::vector<std::string>& feed_kinds() {
  static const std::vector<std::string> kinds = {"debian-tracker", "secdb", "updateinfo",
                                                 "csaf",           "oval",  "osv"};
  return kinds;
}

bool is_own_word(std::string_view kind) { return kind != "osv"; }

void read_feed(std::string_view kind, FeedFile& file, std::string_view ecosystem,
               AdvisorySink& sink) {
  const std::uint64_t before = sink.feed().records;
  if (kind == "osv") {
    read_osv(file, sink);
  } else if (kind == "debian-tracker") {
    read_debian_tracker(file, sink);
  } else if (kind == "secdb") {
    read_secdb(file, ecosystem, sink);
  } else if (kind == "csaf") {
    read_csaf(file, ecosystem, sink);
  } else if (kind == "updateinfo") {
    read_updateinfo(file, ecosystem, sink);
  } else if (kind == "oval") {
    read_oval(file, ecosystem, sink);
  } else {
    throw Error(ErrorKind::usage, "there is no kind of feed \"{}\"", kind)
        .hint("kinds are " + join(feed_kinds(), ", "));
  }
  const FeedInfo& feed = sink.feed();
  if (feed.records == before && feed.withdrawn == 0) {
    throw Error(ErrorKind::corrupt, "{} holds no advisory of kind {}{}", feed.name, kind,
                feed.unreadable == 0 ? "" : ": " + unreadable_text(feed.unreadable))
        .hint("is it the right file? kinds are " + join(feed_kinds(), ", "));
  }
}

}  // namespace hallmark::scan
