#include "pipeline/placement.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "pipeline/channel_store.h"
#include "pipeline/fast_launch.h"
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
  if (place == image.home) return home_image_id(context, image);
  const auto target = find_target(context.database, image.run_id, place);
  return target && target->state != TargetState::removed ? target->image_id : "";
}

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
  Look(const Context& context, const GoldenImage& image, PlaceCheck& check)
      : context_(context), image_(image), check_(check) {}

  void run(const OwnedImage* shared) {
    if (check_.delivery == kShareDelivery) {
      look_for_share(shared ? *shared : look_at_shared(context_, image_, check_.place.region));
    } else {
      const OwnedImage owned = look_at_owned(context_, image_, check_.place);
      take(owned);
      is_something_there_ |= owned.exists;
    }
    look_for_version();
    look_for_latest();
    look_for_channels();
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
    }
    if (check_.image_id.empty()) return;
    const std::string& account = check_.place.account_id;
    for (const KeyUse& key : shared.keys) {
      if (!key.can_be_shared) {
        problem("image " + check_.image_id + " is encrypted with " + key.key_id +
                ", which nobody else can use");
      } else if (!std::binary_search(key.grants.begin(), key.grants.end(), account)) {
        problem("it may not use the key " + key.key_id + " of image " + check_.image_id);
      }
    }
    if (std::binary_search(shared.shares.begin(), shared.shares.end(), check_.place.account_id)) {
      is_something_there_ = true;
    } else {
      problem("image " + check_.image_id + " is not shared with it");
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

  void problem(std::string text) { check_.problems.push_back(std::move(text)); }

  const Context& context_;
  const GoldenImage& image_;
  PlaceCheck& check_;
  std::string expected_;
  bool is_something_there_ = false;
};

/// Calls `fn(0)` to `fn(count - 1)`, kPlacesAtOnce at a time. Throws what the first one threw.
void at_once(std::size_t count, const std::function<void(std::size_t)>& fn) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  {
    std::vector<std::jthread> workers;
    const std::size_t width = std::min<std::size_t>(count, kPlacesAtOnce);
    for (std::size_t i = 0; i < width; ++i) {
      workers.emplace_back([&] {
        for (std::size_t k = next++; k < count; k = next++) {
          try {
            fn(k);
          } catch (...) {
            std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
            next = count;
          }
        }
      });
    }
  }
  if (failure) std::rethrow_exception(failure);
}

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

std::string copy_in_the_way(const Context& context, const GoldenImage& image,
                            const cloud::Place& place) {
  const auto recorded = find_target(context.database, image.run_id, place);
  const bool is_copy =
      recorded && recorded->delivery == "copy" && recorded->state != TargetState::removed;
  return is_copy ? recorded->image_id : "";
}

PlaceCheck check_place(const Context& context, const GoldenImage& image, const cloud::Place& place,
                       const std::string& delivery, const OwnedImage* shared) {
  PlaceCheck check{.place = place, .delivery = delivery};
  Look(context, image, check).run(shared);
  return check;
}

std::vector<PlaceCheck> check_placements(const Context& context, const GoldenImage& image,
                                         const Placements& wanted) {
  Placements all = elsewhere(context, image, wanted);
  all.insert(wanted.begin(), wanted.end());
  std::vector<PlaceCheck> checks;
  std::map<std::string, std::optional<OwnedImage>> shared;
  for (const auto& [place, delivery] : all) {
    checks.push_back({.place = place, .delivery = delivery});
    if (delivery == kShareDelivery) shared[place.region] = std::nullopt;
  }
  std::vector<std::pair<const std::string, std::optional<OwnedImage>>*> regions;
  for (auto& region : shared) regions.push_back(&region);
  at_once(regions.size(), [&](std::size_t i) {
    try {
      regions[i]->second = look_at_shared(context, image, regions[i]->first);
    } catch (const Error& e) {
      // Each place looks for itself then, and says what it saw.
      if (e.kind() == ErrorKind::cancelled) throw;
    }
  });
  at_once(checks.size(), [&](std::size_t i) {
    PlaceCheck& check = checks[i];
    const auto region = shared.find(check.place.region);
    const bool is_known = region != shared.end() && region->second;
    try {
      check = check_place(context, image, check.place, check.delivery,
                          is_known ? &*region->second : nullptr);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      check.problems = {e.message()};
    }
  });
  std::erase_if(checks, [&](PlaceCheck& check) {
    if (wanted.contains(check.place)) return false;
    if (check.presence != Presence::unknown && check.presence != Presence::missing) {
      check.presence = Presence::extra;
      check.problems = {"it is no target any more"};
    }
    return check.presence == Presence::missing;
  });
  return checks;
}

std::vector<ImageTarget> extra_targets(const Context& context, const GoldenImage& image,
                                       const std::vector<model::Target>& wanted) {
  std::vector<ImageTarget> targets;
  for (const PlaceCheck& check : check_placements(context, image, placements(image, wanted))) {
    if (check.presence != Presence::extra) continue;
    std::string image_id = check.image_id;
    // Of an image that cannot be used any more what was published is still there, and of one that
    // was never recorded the image itself.
    if (image_id.empty()) image_id = recorded_id(context, image, check.place);
    if (image_id.empty()) image_id = check.expected_id;
    targets.push_back(
        {.place = check.place, .image_id = std::move(image_id), .delivery = check.delivery});
  }
  return targets;
}

void to_json(Json& json, const PlaceCheck& value) {
  json = {{"account_id", value.place.account_id}, {"region", value.place.region},
          {"delivery", value.delivery},           {"presence", to_string(value.presence)},
          {"image_id", value.image_id},           {"problems", value.problems}};
}

}  // namespace hallmark::pipeline
