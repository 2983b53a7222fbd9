#pragma once
/// Where a golden image should be, what is there, and how the two differ. Reads only.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "pipeline/units.h"

namespace hallmark::pipeline {

/// Places worked on at once. What limits them is AWS's rate for each account and region, kept by
/// the limiter below us. Sharing takes most: 5 a second in each region, and a place takes about a
/// second of calls in turn, so that this many keep a dozen regions busy. Each costs a thread.
inline constexpr int kPlacesAtOnce = 64;

/// How the image comes to a place.
struct Placement {
  /// "home" where it was built, "regional" for our own copy in another region, "share" or "copy" in
  /// another account.
  std::string delivery;
  std::string unit = {};  ///< through which the account has it; empty: it is named itself
  std::vector<model::TemplateUse> launch_templates = {};
};
using Placements = std::map<cloud::Place, Placement>;

/// Where `targets` want the image, with the regional copies that this takes, and its home. Of units
/// the active members; what is named itself is as it says.
Placements placements(const GoldenImage& image, const std::vector<model::Target>& targets,
                      const Membership& membership = {});

/// The shares with whole units that `targets` want: places whose account is the unit.
std::set<cloud::Place> unit_shares(const std::vector<model::Target>& targets);
inline constexpr const char* kUnitDelivery = "unit";

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
  bool has_ours = false;              ///< something of the image is there, not only of its names
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
  std::vector<std::string> shares;    ///< accounts and units, sorted
  std::vector<KeyUse> keys;           ///< that it is encrypted with; empty: it is not
};
/// Asks for the last two.
void look_at_shares(const Context& context, const cloud::Place& owner, OwnedImage& image);

/// Throws unless all accounts of the unit may use the key of an image of ours at `owner`.
void check_unit_key(const Context& context, const cloud::Place& owner, const KeyUse& key,
                    const std::string& unit, std::stop_token stop);

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
                       const Placement& wanted, const OwnedImage* shared = nullptr);

/// The shares with units in each region, `wanted` or not, as checks of kUnitDelivery. A unit cannot
/// use a key that its policy does not open to it.
std::vector<PlaceCheck> check_unit_shares(const Context& context, const GoldenImage& image,
                                          const std::set<cloud::Place>& wanted,
                                          std::stop_token stop);

/// Every place that `wanted` has, or that the image was once brought to, or where we own one of its
/// copies; kPlacesAtOnce at a time, sorted. A place that cannot be looked at is `unknown` and says
/// why.
std::vector<PlaceCheck> check_placements(const Context& context, const GoldenImage& image,
                                         const Placements& wanted);

/// The account's own copy at a place that is to share ours now; empty: there is none. It would be
/// left behind.
std::string copy_in_the_way(const Context& context, const GoldenImage& image,
                            const cloud::Place& place);

/// The extra ones, as they can be left; without an id where only a parameter is there. Not those of
/// units' accounts that nobody can say anything of.
std::vector<ImageTarget> extra_targets(const Context& context, const GoldenImage& image,
                                       const std::vector<model::Target>& wanted,
                                       const Membership& membership = {});

void to_json(Json& json, const PlaceCheck& value);

}  // namespace hallmark::pipeline
