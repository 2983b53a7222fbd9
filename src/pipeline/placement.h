#pragma once
/// Where a golden image should be, what is there, and how the two differ. Reads only.

#include <map>
#include <string>
#include <vector>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

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
  std::vector<std::string> problems;  ///< one sentence each
};

/// The image, its share, the version parameter and /GoldenAMI/latest at one place. Throws what the
/// cloud throws.
PlaceCheck check_place(const Context& context, const GoldenImage& image, const cloud::Place& place,
                       const std::string& delivery);

/// Every place that `wanted` has, or that the image was once brought to, or where we own one of its
/// copies. A place that cannot be looked at is `unknown` and says why.
std::vector<PlaceCheck> check_placements(const Context& context, const GoldenImage& image,
                                         const Placements& wanted);

/// The extra ones, as they can be left.
std::vector<ImageTarget> extra_targets(const Context& context, const GoldenImage& image,
                                       const std::vector<model::Target>& wanted);

void to_json(Json& json, const PlaceCheck& value);

}  // namespace hallmark::pipeline
