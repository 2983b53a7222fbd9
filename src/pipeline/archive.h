#pragma once
/// Golden images that are kept in buckets too: what is stored where, and the workflows that store
/// an image and bring it back. docs/archives.md.

#include <string>
#include <vector>

#include "pipeline/image_store.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

/// An image of ours in a bucket of a region of our own account.
struct Archive {
  std::string region;
  std::string bucket;
  std::string object;
  std::string image_id;  ///< that was stored
  std::string archived_by;
  std::string archived_at;
};

/// Newest first.
std::vector<Archive> list_archives(db::Database& database, const std::string& run_id);

/// Stores the image of an active or deprecated version in a bucket of `region`, empty: where it was
/// built. Throws `usage` if the cloud has no archives, `conflict` for any other version,
/// `not_found` if we own no image of it there.
std::string start_archive(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          const std::string& region, const std::string& bucket,
                          const std::string& requested_by);

/// Makes an image in `region` again out of what is stored there, and brings the version up to date
/// as distributing does. `object` empty: the newest of ours in that bucket. What comes back must be
/// the disk that was approved. Throws `usage`, `conflict` if the version is not active or has an
/// image there, `not_found` if nothing of it is stored there.
std::string start_unarchive(workflow::Engine& engine, Context& context, const GoldenImage& image,
                            const std::string& region, const std::string& bucket,
                            const std::string& object);

/// Removes all that is stored of a version; a line for each that could not be.
std::vector<std::string> remove_archives(Context& context, const GoldenImage& image,
                                         workflow::Run& run);
/// A line for each archive that is there, or is recorded.
std::vector<std::string> find_archives_left(Context& context, const GoldenImage& image);

void to_json(Json& json, const Archive& value);
void from_json(const Json& json, Archive& value);

// The workflow functions.
Json archive(Context& context, workflow::Run& run);
Json unarchive(Context& context, workflow::Run& run);

}  // namespace hallmark::pipeline
