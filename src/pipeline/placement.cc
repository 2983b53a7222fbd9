#include "pipeline/placement.h"

#include <algorithm>

#include "base/error.h"
#include "pipeline/at_once.h"
#include "pipeline/channel_store.h"
#include "pipeline/fast_launch.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/launch_templates.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

constexpr const char* kHomeDelivery = "home";
constexpr const char* kRegionalDelivery = "regional";
constexpr const char* kShareDelivery = "share";

/// As it was recorded when it was brought there.
std::string recorded_id(const Context& context, const GoldenImage& image,
                        const cloud::Place& place) {
  if (place == image.home) return home_image_id(context, image);
  const auto target = find_target(context.database, image.run_id, place);
  return target && target->state != TargetState::removed ? target->image_id : "";
}

constexpr const char* kOwnKeyHint =
    "name a key of your own under image.kms_keys in golden.yaml, or as the region's kms_key in "
    "config.yaml, and build a new version";

/// A copy that was made and never recorded, or whose record is lost.
std::string owned_id(const Context& context, const GoldenImage& image, const cloud::Place& place) {
  auto owned = context.cloud.list_images(place, {.tags = {{kImageKeyTag, image.image_key}}});
  return owned.empty() ? "" : owned.front().image_id;
}

/// What golden.yaml wants of the image services.
void look_at_services(const Context& context, const GoldenImage& image, const cloud::Image& found,
                      std::vector<std::string>& problems) {
  const auto settings = image.pipeline.get<model::Pipeline>().image;
  if (auto problem = fast_launch_problem(context, settings, found)) problems.push_back(*problem);
  if (settings.watermark && lacks_watermark(context, image, found)) {
    problems.push_back("image " + found.image_id + " has no watermark");
  }
}

OwnedImage look_at_owned(const Context& context, const GoldenImage& image,
                         const cloud::Place& owner) {
  OwnedImage seen;
  auto problem = [&](std::string text) { seen.problems.push_back(std::move(text)); };
  seen.expected_id = recorded_id(context, image, owner);
  if (seen.expected_id.empty()) seen.expected_id = owned_id(context, image, owner);
  const std::string& id = seen.expected_id;
  const auto found = id.empty() ? std::nullopt : context.cloud.find_image(owner, id);
  seen.exists = found.has_value();
  if (!found) {
    problem(id.empty() ? "there is no image" : "image " + id + " is gone");
  } else if (found->state != cloud::ImageState::available) {
    problem(fmt::format("image {} is {}", id, cloud::to_string(found->state)));
  } else if (found->owner_id != owner.account_id) {
    problem(fmt::format("image {} belongs to {}", id, found->owner_id));
  } else {
    seen.image_id = id;
    for (std::string& text : missing_settings(image, *found).problems) problem(std::move(text));
    look_at_services(context, image, *found, seen.problems);
  }
  return seen;
}

/// What is seen at one place.
class Look {
 public:
  Look(const Context& context, const GoldenImage& image, const Placement& wanted, PlaceCheck& check)
      : context_(context), image_(image), wanted_(wanted), check_(check) {}

  void run(const OwnedImage* shared) {
    if (check_.delivery == kShareDelivery) {
      look_for_share(shared ? *shared : look_at_shared(context_, image_, check_.place.region));
    } else {
      const OwnedImage owned = look_at_owned(context_, image_, check_.place);
      take(owned);
      is_something_there_ |= owned.exists;
      check_.has_ours |= owned.exists;
    }
    look_for_version();
    look_for_latest();
    look_for_channels();
    look_for_templates();
    if (check_.problems.empty()) {
      check_.presence = Presence::correct;
    } else {
      check_.presence = is_something_there_ ? Presence::incorrect : Presence::missing;
    }
  }

 private:
  void take(const OwnedImage& seen) {
    expected_ = seen.expected_id;
    check_.image_id = seen.image_id;
    check_.expected_id = seen.expected_id;
    check_.problems = seen.problems;
  }

  void look_for_share(const OwnedImage& shared) {
    take(shared);
    if (const std::string copy = copy_in_the_way(context_, image_, check_.place); !copy.empty()) {
      problem("it has a copy of its own, " + copy);
      is_something_there_ = true;
      check_.has_ours = true;
    }
    if (check_.image_id.empty()) return;
    const std::string& account = check_.place.account_id;
    const std::string& unit = wanted_.unit;
    for (const KeyUse& key : shared.keys) {
      // The key of a unit's image is open to the unit as a whole, or it is not shared with it.
      if (!unit.empty()) break;
      if (!key.can_be_shared) {
        problem("image " + check_.image_id + " is encrypted with " + key.key_id +
                ", which nobody else can use");
      } else if (!std::binary_search(key.grants.begin(), key.grants.end(), account)) {
        problem("it may not use the key " + key.key_id + " of image " + check_.image_id);
      }
    }
    const bool by_itself = std::binary_search(shared.shares.begin(), shared.shares.end(), account);
    const bool by_unit =
        !unit.empty() && std::binary_search(shared.shares.begin(), shared.shares.end(), unit);
    if (by_itself || by_unit) {
      is_something_there_ = true;
      check_.has_ours |= by_itself;
    } else {
      problem("image " + check_.image_id + " is not shared with it");
    }
  }

  void look_for_version() {
    const std::string name = version_parameter(image_.product, image_.os, image_.version);
    const auto parameter = context_.cloud.get_parameter(check_.place, name);
    is_something_there_ |= parameter.has_value();
    check_.has_ours |= parameter && !expected_.empty() && parameter->value == expected_;
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
    check_.has_ours |= has_it;
    if (!has_it) problem(std::string(kLatestParameter) + " does not list it");
  }

  void look_for_channels() {
    for (const Channel& channel : held_channels(context_.database, image_)) {
      const std::string name = channel_parameter(channel.product, channel.os, channel.name);
      const auto parameter = context_.cloud.get_parameter(check_.place, name);
      if (!parameter) {
        problem("there is no parameter " + name);
      } else if (parameter->value != check_.image_id) {
        problem(fmt::format("parameter {} says {}", name, parameter->value));
      }
    }
  }

  void look_for_templates() {
    for (const model::TemplateUse& use : wanted_.launch_templates) {
      for (std::string& text :
           template_problems(context_, image_, check_.place, check_.image_id, use)) {
        problem(std::move(text));
      }
    }
    const auto recorded = find_target(context_.database, image_.run_id, check_.place);
    if (!recorded) return;
    const std::vector<std::string> names = names_of(wanted_.launch_templates);
    for (const std::string& name : recorded->launch_templates) {
      if (std::binary_search(names.begin(), names.end(), name)) continue;
      check_.has_ours = true;
      problem("launch template " + name + " is named no more");
    }
  }

  void problem(std::string text) { check_.problems.push_back(std::move(text)); }

  const Context& context_;
  const GoldenImage& image_;
  const Placement& wanted_;
  PlaceCheck& check_;
  std::string expected_;
  bool is_something_there_ = false;
};

/// Where the image may be although nobody asks for it.
Placements elsewhere(const Context& context, const GoldenImage& image, const Placements& wanted) {
  Placements places;
  for (const std::string& region : context.cloud.properties().regions) {
    places[{image.home.account_id, region}] = {kRegionalDelivery};
  }
  for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
    if (target.state == TargetState::removed) continue;
    places[target.place] = {.delivery = target.delivery, .unit = target.unit};
  }
  for (const auto& [place, placement] : wanted) places.erase(place);
  return places;
}

}  // namespace

namespace {

/// The active accounts that a target means.
std::vector<std::string> accounts_of(const model::Target& target, const Membership& membership) {
  if (target.unit.empty()) return {target.account_id};
  std::vector<std::string> accounts;
  const auto members = membership.members.find(target.unit);
  if (members == membership.members.end()) return accounts;
  for (const cloud::MemberAccount& member : members->second) {
    if (member.state == cloud::AccountState::active) accounts.push_back(member.account_id);
  }
  return accounts;
}

}  // namespace

Placements placements(const GoldenImage& image, const std::vector<model::Target>& targets,
                      const Membership& membership) {
  const std::string& home = image.home.account_id;
  Placements places = {{image.home, {kHomeDelivery}}};
  for (const model::Target& target : targets) {
    for (const std::string& region : target.regions) {
      places.try_emplace({home, region}, Placement{kRegionalDelivery});
      for (const std::string& account : accounts_of(target, membership)) {
        if (account == home) {
          if (target.unit.empty()) {
            places[{home, region}].launch_templates = target.launch_templates;
          }
          continue;
        }
        const auto known = places.find({account, region});
        // What is named itself counts, then the first unit that has it.
        if (!target.unit.empty() && known != places.end()) continue;
        places[{account, region}] = {.delivery = std::string(model::to_string(target.delivery)),
                                     .unit = target.unit,
                                     .launch_templates = target.launch_templates};
      }
    }
  }
  return places;
}

std::set<cloud::Place> unit_shares(const std::vector<model::Target>& targets) {
  std::set<cloud::Place> shares;
  for (const model::Target& target : targets) {
    // A copy is made from what is shared with the account itself: storage is not shared with units.
    if (target.unit.empty() || target.delivery != model::Delivery::share) continue;
    for (const std::string& region : target.regions) shares.insert({target.unit, region});
  }
  return shares;
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

OwnedImage look_at_shared(const Context& context, const GoldenImage& image,
                          const std::string& region) {
  const cloud::Place owner{image.home.account_id, region};
  OwnedImage seen = look_at_owned(context, image, owner);
  if (!seen.image_id.empty()) look_at_shares(context, owner, seen);
  return seen;
}

void look_at_shares(const Context& context, const cloud::Place& owner, OwnedImage& image) {
  image.shares = context.cloud.list_shares(owner, image.image_id);
  image.keys.clear();
  for (const cloud::ImageKey& key : context.cloud.find_image_keys(owner, image.image_id)) {
    KeyUse use{.key_id = key.key_id, .can_be_shared = key.can_be_shared, .grants = {}};
    if (key.can_be_shared) {
      use.grants = context.cloud.list_key_grants(owner, key.key_id, image.image_id);
    }
    image.keys.push_back(std::move(use));
  }
}

MissingSettings missing_settings(const GoldenImage& image, const cloud::Image& found) {
  const auto settings = image.pipeline.get<model::Pipeline>().image;
  MissingSettings missing;
  auto problem = [&](const char* text) {
    missing.problems.push_back("image " + found.image_id + " " + text);
  };
  missing.imds_v2_only = settings.imds_v2_only && !found.imds_v2_only;
  if (missing.imds_v2_only) problem("lets machines answer IMDSv1");
  missing.is_protected = settings.is_protected && !found.is_protected;
  if (missing.is_protected) problem("is not protected from being removed");
  if (settings.deprecate_after && !found.deprecated_at) {
    missing.deprecated_at = from_rfc3339(image.created_at) + *settings.deprecate_after;
    if (!image.kept_until.empty()) {
      missing.deprecated_at = std::max(*missing.deprecated_at, from_rfc3339(image.kept_until));
    }
    problem("has no date of deprecation");
  }
  return missing;
}

std::string home_image_id(const Context& context, const GoldenImage& image) {
  const auto target = find_target(context.database, image.run_id, image.home);
  const bool is_recorded =
      target && !target->image_id.empty() && target->state != TargetState::removed;
  return is_recorded ? target->image_id : image.image_id;
}

bool lacks_watermark(const Context& context, const GoldenImage& image, const cloud::Image& found) {
  if (!context.image_services.abilities().watermarks) return false;
  const std::string mark = image.home.account_id + ":" + image.image_key;
  return std::find(found.watermarks.begin(), found.watermarks.end(), mark) ==
         found.watermarks.end();
}

void check_unit_key(const Context& context, const cloud::Place& owner, const KeyUse& key,
                    const std::string& unit, std::stop_token stop) {
  if (!key.can_be_shared) {
    throw Error(ErrorKind::usage,
                "it is encrypted with {}, which the cloud manages and nobody else can use",
                key.key_id)
        .hint(kOwnKeyHint);
  }
  if (context.organizations != nullptr) {
    context.organizations->check_key(owner, key.key_id, unit, stop);
  }
}

std::vector<PlaceCheck> check_unit_shares(const Context& context, const GoldenImage& image,
                                          const std::set<cloud::Place>& wanted,
                                          std::stop_token stop) {
  std::vector<PlaceCheck> checks;
  std::map<std::string, std::set<std::string>> regions;  // units wanted there
  for (const cloud::Place& share : wanted) regions[share.region].insert(share.account_id);
  for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
    const bool is_ours = target.place.account_id == image.home.account_id;
    if (is_ours && target.state != TargetState::removed) regions[target.place.region];
  }
  for (const auto& [region, units] : regions) {
    std::vector<PlaceCheck> here;
    for (const std::string& unit : units) {
      here.push_back({.place = {unit, region}, .delivery = kUnitDelivery});
    }
    try {
      const OwnedImage owned = look_at_shared(context, image, region);
      for (PlaceCheck& check : here) {
        const auto& unit = check.place.account_id;
        check.image_id = owned.image_id;
        check.presence = Presence::correct;
        if (!std::binary_search(owned.shares.begin(), owned.shares.end(), unit)) {
          check.presence = Presence::missing;
          check.problems = {owned.image_id.empty()
                                ? "there is no image to share"
                                : "image " + owned.image_id + " is not shared with it"};
        }
        for (const KeyUse& key : owned.keys) {
          try {
            check_unit_key(context, {image.home.account_id, region}, key, unit, stop);
          } catch (const Error& e) {
            if (e.kind() == ErrorKind::cancelled) throw;
            if (check.presence == Presence::correct) check.presence = Presence::incorrect;
            check.problems.push_back(e.message());
          }
        }
      }
      for (const std::string& unit : owned.shares) {
        if (!cloud::is_unit(unit) || units.contains(unit)) continue;
        here.push_back({.place = {unit, region},
                        .delivery = kUnitDelivery,
                        .presence = Presence::extra,
                        .image_id = owned.image_id,
                        .expected_id = "",
                        .problems = {"it is no target any more"}});
      }
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      for (PlaceCheck& check : here) {
        check.presence = Presence::unknown;
        check.problems = {e.message()};
      }
    }
    for (PlaceCheck& check : here) checks.push_back(std::move(check));
  }
  return checks;
}

std::string copy_in_the_way(const Context& context, const GoldenImage& image,
                            const cloud::Place& place) {
  const auto recorded = find_target(context.database, image.run_id, place);
  const bool is_copy =
      recorded && recorded->delivery == "copy" && recorded->state != TargetState::removed;
  return is_copy ? recorded->image_id : "";
}

PlaceCheck check_place(const Context& context, const GoldenImage& image, const cloud::Place& place,
                       const Placement& wanted, const OwnedImage* shared) {
  PlaceCheck check{.place = place, .delivery = wanted.delivery};
  Look(context, image, wanted, check).run(shared);
  return check;
}

std::vector<PlaceCheck> check_placements(const Context& context, const GoldenImage& image,
                                         const Placements& wanted) {
  Placements all = elsewhere(context, image, wanted);
  all.insert(wanted.begin(), wanted.end());
  std::vector<PlaceCheck> checks;
  std::map<std::string, std::optional<OwnedImage>> shared;
  for (const auto& [place, placement] : all) {
    checks.push_back({.place = place, .delivery = placement.delivery});
    if (placement.delivery == kShareDelivery) shared[place.region] = std::nullopt;
  }
  std::vector<std::pair<const std::string, std::optional<OwnedImage>>*> regions;
  for (auto& region : shared) regions.push_back(&region);
  at_once(regions.size(), kPlacesAtOnce, [&](std::size_t i) {
    try {
      regions[i]->second = look_at_shared(context, image, regions[i]->first);
    } catch (const Error& e) {
      // Each place looks for itself then, and says what it saw.
      if (e.kind() == ErrorKind::cancelled) throw;
    }
  });
  at_once(checks.size(), kPlacesAtOnce, [&](std::size_t i) {
    PlaceCheck& check = checks[i];
    const auto region = shared.find(check.place.region);
    const bool is_known = region != shared.end() && region->second;
    try {
      check = check_place(context, image, check.place, all.at(check.place),
                          is_known ? &*region->second : nullptr);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      check.problems = {with_standing(context, check.place, e, {})};
    }
  });
  std::erase_if(checks, [&](PlaceCheck& check) {
    if (wanted.contains(check.place)) return false;
    // What somebody else wrote under its names is no version of ours, and not ours to prune.
    const bool is_foreign = check.presence == Presence::incorrect && !check.has_ours;
    if (is_foreign) check.presence = Presence::missing;
    if (check.presence != Presence::unknown && check.presence != Presence::missing) {
      check.presence = Presence::extra;
      check.problems = {"it is no target any more"};
    }
    return check.presence == Presence::missing;
  });
  return checks;
}

std::vector<ImageTarget> extra_targets(const Context& context, const GoldenImage& image,
                                       const std::vector<model::Target>& wanted,
                                       const Membership& membership) {
  std::vector<ImageTarget> targets;
  const UnitPlaces of_units = unit_places(context, image, wanted, membership);
  for (const PlaceCheck& check :
       check_placements(context, image, placements(image, wanted, membership))) {
    if (check.presence != Presence::extra || of_units.kept.contains(check.place)) continue;
    std::string image_id = check.image_id;
    // Of an image that cannot be used any more what was published is still there, and of one that
    // was never recorded the image itself.
    if (image_id.empty()) image_id = recorded_id(context, image, check.place);
    if (image_id.empty()) image_id = check.expected_id;
    ImageTarget target{.place = check.place,
                       .image_id = std::move(image_id),
                       .delivery = check.delivery,
                       .state = TargetState::pending,
                       .detail = "",
                       .updated_at = ""};
    if (const auto recorded = find_target(context.database, image.run_id, check.place)) {
      target.unit = recorded->unit;
      target.launch_templates = recorded->launch_templates;
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

void to_json(Json& json, const PlaceCheck& value) {
  json = {{"account_id", value.place.account_id}, {"region", value.place.region},
          {"delivery", value.delivery},           {"presence", to_string(value.presence)},
          {"image_id", value.image_id},           {"problems", value.problems}};
}

}  // namespace hallmark::pipeline
