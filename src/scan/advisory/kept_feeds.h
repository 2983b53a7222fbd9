#pragma once
/// The feeds that are kept on this machine: each as its file came, with a head beside it.

#include <optional>
#include <string>
#include <vector>

#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/store.h"

namespace hallmark::scan {

/// What is kept beside a feed's file.
struct KeptFeed {
  FeedSource source;
  std::string digest;  ///< SHA-256 of the file
  std::string fetched_at;
  std::string etag, last_modified;
  std::string damage;  ///< why the head cannot be read
};

bool is_feed_name(std::string_view name);
Path feeds_directory(const Path& directory);
/// The feed's file, and its head.
Path bytes_of(const Path& directory, const std::string& name);
Path head_of(const Path& directory, const std::string& name);
void write_head(const Path& directory, const KeptFeed& kept);

/// What is kept of that source; nothing if there is none, if it is from elsewhere or read as
/// something else, or if its head makes no sense or its file has another digest than the head says:
/// then it is fetched anew.
std::optional<KeptFeed> kept_feed(const Path& directory, const FeedSource& source);

/// A distribution's own word first; else in the order of names.
std::vector<KeptFeed> all_kept(const Path& directory);

/// Of the whole file, without holding it.
std::string sha256_of_file(const Path& file);

/// Reads `bytes` as that feed into the builder. Throws what read_feed throws.
void read_into(AdvisoryBuilder& builder, const KeptFeed& kept, const Path& bytes);

}  // namespace hallmark::scan
