#pragma once
/// Where a golden image should be, what is there, and how the two differ. Reads only.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// Places worked on at once. What limits them is AWS's rate for each account and region, kept by
/// the limiter below us. Sharing takes most: 5 a second in each region, and a place takes about a
/// second of calls in turn, so that this many keep a dozen regions busy. Each costs a thread.
inline constexpr int kPlacesAtOnce = 64;

/// How the image comes to each place: "home" where it was built, "regional" for our own copy in
/// another region, "share" or "copy" in another account.
using Placements = std::map<cloud::Place, std::string>;

/// Where `targets` want the image, with the regional copies that this takes, and its home.
Placements placements(const GoldenImage& image, const std::vector<model::Target>& targets);

enum class Presence {
  correct,
  incorrect,  ///< something of it is there, but not all, or something else is
  missing,    ///< nothing of it is there
  extra,      ///< it is there and nobody asked for it
  unknown,    ///< the place could not be looked at
};
std::string_view to_string(Presence presence);

struct PlaceCheck {
  cloud::Place place;
  std::string delivery;
  Presence presence = Presence::unknown;
  std::string image_id;               ///< that can be used there; empty if there is none
  std::string expected_id;            ///< that should be there, usable or not; empty: none is known
  std::vector<std::string> problems;  ///< one sentence each
};

/// A key of an image of ours, and the accounts that may use it for that image.
struct KeyUse {
  std::string key_id;
  bool can_be_shared = true;
  std::vector<std::string> grants;  ///< sorted
};

/// An image of ours in a region as one look saw it, for all accounts that share it.
struct OwnedImage {
  std::string expected_id;            ///< that should be there; empty: none is known
  std::string image_id;               ///< that can be used; empty: none
  bool exists = false;                ///< usable or not
  std::vector<std::string> problems;  ///< one sentence each
  std::vector<std::string> shares;    ///< accounts, sorted
  std::vector<KeyUse> keys;           ///< that it is encrypted with; empty: it is not
};
/// Asks for the last two.
void look_at_shares(const Context& context, const cloud::Place& owner, OwnedImage& image);

/// What golden.yaml wants set on an image of ours that it is not.
struct MissingSettings {
  bool imds_v2_only = false;
  bool is_protected = false;
  std::optional<TimePoint> deprecated_at;
  std::vector<std::string> problems;  ///< one sentence each
};
MissingSettings missing_settings(const GoldenImage& image, const cloud::Image& found);

/// The image of ours where it was built: another one than the approved if that was lost, and came
/// back from an archive.
std::string home_image_id(const Context& context, const GoldenImage& image);

/// Whether it has not the version's watermark although the cloud has them.
bool lacks_watermark(const Context& context, const GoldenImage& image, const cloud::Image& found);

/// Throws what the cloud throws.
OwnedImage look_at_shared(const Context& context, const GoldenImage& image,
                          const std::string& region);

/// The image, its share, its parameters and those of the channels that hold it, at one place.
/// `shared`: what is shared from that region, if it was looked at already. Throws what the cloud
/// throws.
PlaceCheck check_place(const Context& context, const GoldenImage& image, const cloud::Place& place,
                       const std::string& delivery, const OwnedImage* shared = nullptr);

/// Every place that `wanted` has, or that the image was once brought to, or where we own one of its
/// copies; kPlacesAtOnce at a time, sorted. A place that cannot be looked at is `unknown` and says
/// why.
std::vector<PlaceCheck> check_placements(const Context& context, const GoldenImage& image,
                                         const Placements& wanted);

/// The account's own copy at a place that is to share ours now; empty: there is none. It would be
/// left behind.
std::string copy_in_the_way(const Context& context, const GoldenImage& image,
                            const cloud::Place& place);

/// The extra ones, as they can be left; without an id where only a parameter is there.
std::vector<ImageTarget> extra_targets(const Context& context, const GoldenImage& image,
                                       const std::vector<model::Target>& wanted);

void to_json(Json& json, const PlaceCheck& value);

}  // namespace hallmark::pipeline
