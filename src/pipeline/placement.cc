#include "pipeline/placement.h"

#include <algorithm>

#include "base/error.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

constexpr const char* kHomeDelivery = "home";
constexpr const char* kRegionalDelivery = "regional";
constexpr const char* kShareDelivery = "share";

/// As it was recorded when it was brought there.
std::string recorded_id(const Context& context, const GoldenImage& image,
                        const cloud::Place& place) {
  if (place == image.home) return image.image_id;
  const auto target = find_target(context.database, image.run_id, place);
  return target && target->state != TargetState::removed ? target->image_id : "";
}

/// A copy that was made and never recorded, or whose record is lost.
std::string owned_id(const Context& context, const GoldenImage& image, const cloud::Place& place) {
  auto owned = context.cloud.list_images(place, {.tags = {{kImageKeyTag, image.image_key}}});
  return owned.empty() ? "" : owned.front().image_id;
}

/// What is seen at one place.
class Look {
 public:
  Look(const Context& context, const GoldenImage& image, PlaceCheck& check)
      : context_(context), image_(image), check_(check) {}

  void run() {
    look_for_image();
    if (check_.delivery == kShareDelivery) look_for_share();
    look_for_version();
    look_for_latest();
    if (check_.problems.empty()) {
      check_.presence = Presence::correct;
    } else {
      check_.presence = is_something_there_ ? Presence::incorrect : Presence::missing;
    }
  }

 private:
  void look_for_image() {
    const cloud::Place owner{
        check_.delivery == kShareDelivery ? image_.home.account_id : check_.place.account_id,
        check_.place.region};
    expected_ = recorded_id(context_, image_, owner);
    if (expected_.empty()) expected_ = owned_id(context_, image_, owner);
    auto found = expected_.empty() ? std::nullopt : context_.cloud.find_image(owner, expected_);
    if (!found) {
      problem(expected_.empty() ? "there is no image" : "image " + expected_ + " is gone");
      return;
    }
    is_something_there_ |= check_.delivery != kShareDelivery;
    if (found->state != cloud::ImageState::available) {
      problem(fmt::format("image {} is {}", expected_, cloud::to_string(found->state)));
      return;
    }
    if (found->owner_id != owner.account_id) {
      problem(fmt::format("image {} belongs to {}", expected_, found->owner_id));
      return;
    }
    check_.image_id = expected_;
  }

  void look_for_share() {
    const cloud::Place owner{image_.home.account_id, check_.place.region};
    if (check_.image_id.empty()) return;
    const auto shares = context_.cloud.list_shares(owner, check_.image_id);
    if (std::find(shares.begin(), shares.end(), check_.place.account_id) == shares.end()) {
      problem("image " + check_.image_id + " is not shared with it");
    } else {
      is_something_there_ = true;
    }
  }

  void look_for_version() {
    const std::string name = version_parameter(image_.product, image_.os, image_.version);
    const auto parameter = context_.cloud.get_parameter(check_.place, name);
    is_something_there_ |= parameter.has_value();
    if (!parameter) {
      problem("there is no parameter " + name);
    } else if (parameter->value != check_.image_id) {
      problem(fmt::format("parameter {} says {}", name, parameter->value));
    }
  }

  void look_for_latest() {
    const auto latest = read_latest(context_.cloud, check_.place);
    const bool has_it =
        !expected_.empty() && std::find(latest.begin(), latest.end(), expected_) != latest.end();
    is_something_there_ |= has_it;
    if (!has_it) problem(std::string(kLatestParameter) + " does not list it");
  }

  void problem(std::string text) { check_.problems.push_back(std::move(text)); }

  const Context& context_;
  const GoldenImage& image_;
  PlaceCheck& check_;
  std::string expected_;
  bool is_something_there_ = false;
};

/// Where the image may be although nobody asks for it.
Placements elsewhere(const Context& context, const GoldenImage& image, const Placements& wanted) {
  Placements places;
  for (const std::string& region : context.cloud.properties().regions) {
    places[{image.home.account_id, region}] = kRegionalDelivery;
  }
  for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
    if (target.state != TargetState::removed) places[target.place] = target.delivery;
  }
  for (const auto& [place, delivery] : wanted) places.erase(place);
  return places;
}

}  // namespace

Placements placements(const GoldenImage& image, const std::vector<model::Target>& targets) {
  Placements places = {{image.home, kHomeDelivery}};
  for (const model::Target& target : targets) {
    for (const std::string& region : target.regions) {
      places.try_emplace({image.home.account_id, region}, kRegionalDelivery);
      if (target.account_id != image.home.account_id) {
        places[{target.account_id, region}] = model::to_string(target.delivery);
      }
    }
  }
  return places;
}

std::string_view to_string(Presence presence) {
  switch (presence) {
    case Presence::correct:
      return "correct";
    case Presence::incorrect:
      return "incorrect";
    case Presence::missing:
      return "missing";
    case Presence::extra:
      return "extra";
    case Presence::unknown:
      break;
  }
  return "unknown";
}

PlaceCheck check_place(const Context& context, const GoldenImage& image, const cloud::Place& place,
                       const std::string& delivery) {
  PlaceCheck check{.place = place, .delivery = delivery};
  Look(context, image, check).run();
  return check;
}

std::vector<PlaceCheck> check_placements(const Context& context, const GoldenImage& image,
                                         const Placements& wanted) {
  std::vector<PlaceCheck> checks;
  auto look = [&](const cloud::Place& place, const std::string& delivery) {
    try {
      return check_place(context, image, place, delivery);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      return PlaceCheck{.place = place, .delivery = delivery, .problems = {e.message()}};
    }
  };
  for (const auto& [place, delivery] : wanted) checks.push_back(look(place, delivery));
  for (const auto& [place, delivery] : elsewhere(context, image, wanted)) {
    PlaceCheck check = look(place, delivery);
    if (check.presence == Presence::missing) continue;
    if (check.presence != Presence::unknown) {
      check.presence = Presence::extra;
      check.problems = {"it is no target any more"};
    }
    checks.push_back(std::move(check));
  }
  std::stable_sort(checks.begin(), checks.end(),
                   [](const PlaceCheck& a, const PlaceCheck& b) { return a.place < b.place; });
  return checks;
}

std::vector<ImageTarget> extra_targets(const Context& context, const GoldenImage& image,
                                       const std::vector<model::Target>& wanted) {
  std::vector<ImageTarget> targets;
  for (const PlaceCheck& check : check_placements(context, image, placements(image, wanted))) {
    if (check.presence != Presence::extra) continue;
    // Of an image that cannot be used any more what was published is still there.
    targets.push_back({.place = check.place,
                       .image_id = check.image_id.empty() ? recorded_id(context, image, check.place)
                                                          : check.image_id,
                       .delivery = check.delivery});
  }
  return targets;
}

void to_json(Json& json, const PlaceCheck& value) {
  json = {{"account_id", value.place.account_id}, {"region", value.place.region},
          {"delivery", value.delivery},           {"presence", to_string(value.presence)},
          {"image_id", value.image_id},           {"problems", value.problems}};
}

}  // namespace hallmark::pipeline
