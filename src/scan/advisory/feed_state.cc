#include "scan/advisory/feed_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace hallmark::scan {

bool speaks_of(const std::vector<std::string>& ecosystems, const std::string& name) {
  return std::binary_search(ecosystems.begin(), ecosystems.end(), name);
}

bool is_covered(const AdvisoryFile& file, const std::string& ecosystem) {
  return !ecosystem.empty() &&
         std::any_of(file.feeds().begin(), file.feeds().end(), [&](const FeedInfo& feed) {
           return feed.damage.empty() && speaks_of(feed.ecosystems, ecosystem);
         });
}

std::string why_not_covered(const AdvisoryFile& file, const std::string& ecosystem) {
  const bool some =
      std::any_of(file.feeds().begin(), file.feeds().end(), [&](const FeedInfo& feed) {
        return feed.damage.empty() && speaks_of(feed.in_passing, ecosystem);
      });
  return some ? "feeds of advisories say too little of" : "no feed of advisories speaks of";
}

std::string unreadable_text(std::uint64_t count) {
  return fmt::format("{} {} cannot be read", count, count == 1 ? "record" : "records");
}

std::vector<model::CoverageGap> gaps_of(const FeedInfo& feed, TimePoint now) {
  std::vector<model::CoverageGap> gaps;
  const std::string what = "advisories " + feed.name;
  if (!feed.damage.empty()) {
    gaps.push_back({what, "they are left out: " + model::safe_text(feed.damage, 500)});
    return gaps;
  }
  if (feed.unreadable != 0) gaps.push_back({what, unreadable_text(feed.unreadable)});
  if (!feed.good_until.empty() && from_rfc3339(feed.good_until) < now) {
    gaps.push_back(
        {what, fmt::format("they are too old since {}: newer ones are missing", feed.good_until)});
  }
  return gaps;
}

}  // namespace hallmark::scan
