#pragma once
/// Who still uses an image: what must be nobody before it is disabled or decommissioned.

#include <string>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

inline constexpr const char* kMachineUser = "machine";
inline constexpr const char* kChildUser = "golden image";
inline constexpr const char* kChannelUser = "channel";
inline constexpr const char* kProvisionedUser = "provisioned product";
inline constexpr const char* kUnknownUser = "unknown";  ///< the place could not be looked at

struct ImageUser {
  std::string kind;    ///< one of these, or a cloud::ImageUse's
  std::string id;      ///< a golden image's key, a channel
  cloud::Place place;  ///< of an image or a channel: where the image was built
  std::string detail;  ///< its name; why a place could not be looked at
};

/// Everything at `targets` that runs from their image or would launch from it. A place that cannot
/// be looked at proves nothing, so it is a user, but a closed account has none. Launch templates
/// that got their version from us are none: withdrawing takes it out.
std::vector<ImageUser> find_users(const Context& context, const GoldenImage& image,
                                  const std::vector<ImageTarget>& targets);
/// The golden images that were built on it and are not retired themselves.
std::vector<ImageUser> find_children(const Context& context, const GoldenImage& image,
                                     const std::vector<ImageTarget>& targets);

/// Both, wherever the image is, and the channels that hold it.
std::vector<ImageUser> find_all_users(const Context& context, const GoldenImage& image);

/// Throws `conflict` that names them, if there are any.
void refuse_if_used(const std::vector<ImageUser>& users, const std::string& image_key,
                    const char* way_out);

/// "machine i-0123 in 111122223333/us-east-1".
std::string to_string(const ImageUser& user);
void to_json(Json& json, const ImageUser& value);

}  // namespace hallmark::pipeline
