#pragma once
/// A feed's bytes, from wherever they lie to a file, checked as far as the source lets us.

#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "scan/advisory/kept_feeds.h"

namespace hallmark::scan {

/// Puts the feed's file at `to` and says what it is; nothing if it did not change since `kept`,
/// whose file is `kept_file` and holds the digest and signature that are asked for now. Throws what
/// net::http_get throws, `not_found`, and `corrupt` if a digest or signature does not hold.
std::optional<KeptFeed> fetch_feed(const FeedSource& source, const std::string& mirror,
                                   const std::optional<KeptFeed>& kept, const Path& kept_file,
                                   const Path& to, Clock& clock, std::stop_token stop);

}  // namespace hallmark::scan
