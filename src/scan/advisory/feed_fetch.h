#pragma once
/// A feed's bytes, from wherever they lie to a file, checked as far as the source lets us.

#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "scan/advisory/store.h"

namespace hallmark::scan {

/// What is kept beside a feed's file.
struct KeptFeed {
  FeedSource source;
  std::string digest;  ///< SHA-256 of the file
  std::string fetched_at;
  std::string etag, last_modified;
};

/// Puts the feed's file at `to` and says what it is; nothing if it did not change since `kept`.
/// Throws what net::http_get throws, `not_found`, and `corrupt` if a digest or signature does not
/// hold.
std::optional<KeptFeed> fetch_feed(const FeedSource& source, const std::string& mirror,
                                   const std::optional<KeptFeed>& kept, const Path& to,
                                   Clock& clock, std::stop_token stop);

/// Of the whole file, without holding it.
std::string sha256_of_file(const Path& file);

}  // namespace hallmark::scan
