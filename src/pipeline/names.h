#pragma once
/// Names, paths and tags that teams consuming golden images rely on. They are those of the original
/// golden AMI pipelines, so that what reads a golden AMI today goes on unchanged.

#include <string>

#include "cloud/cloud.h"
#include "model/pipeline.h"

namespace hallmark::pipeline {

/// Comma-separated ids of all active golden images in a place, no spaces.
inline constexpr const char* kLatestParameter = "/GoldenAMI/latest";
/// Everything golden below this path.
inline constexpr const char* kParameterRoot = "/GoldenAMI/";
/// "/GoldenAMI/{os}/{product}/{version}": the image id in that place.
std::string version_parameter(const std::string& product, const std::string& os,
                              const std::string& version);
/// "/GoldenAMI/{os}/{product}/channel/{name}": the id of the version that the channel holds.
std::string channel_parameter(const std::string& product, const std::string& os,
                              const std::string& name);
/// "/GoldenAMI/ids/{image id}": the image's key, for every id in kLatestParameter. Unlike that list
/// it has no limit.
std::string id_parameter(const std::string& image_id);

inline constexpr const char* kTypeTag = "AMI-Type";
inline constexpr const char* kGoldenType = "Golden";
/// Until approval. The originals tagged an image golden before anybody had looked at it.
inline constexpr const char* kCandidateType = "Candidate";
/// On copies: "{owner}/{image}".
inline constexpr const char* kCopiedFromTag = "Copied_From:(owner-id/ami-id)";

/// Owner tags: on everything a run makes, until it becomes a product. With these alone a reaper
/// knows what to remove, even if the database is lost.
inline constexpr const char* kRunTag = "hallmark:run-id";
inline constexpr const char* kTokenTag = "hallmark:token";        ///< of the step that made it
inline constexpr const char* kDeadlineTag = "hallmark:deadline";  ///< RFC 3339
/// On golden images and their copies: "product/os/version".
inline constexpr const char* kImageKeyTag = "hallmark:image-key";

/// ProductName, ProductOSAndVersion, version, AMI-Type, hallmark:image-key and the pipeline's own.
cloud::Tags image_tags(const model::Pipeline& pipeline, const char* type);
cloud::Tags owner_tags(const std::string& run_id, const std::string& token, TimePoint deadline);

}  // namespace hallmark::pipeline
