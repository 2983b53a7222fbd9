#include "pipeline/prevention.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/sync.h"
#include "base/text.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

/// As for compliance: each place has limits of its own.
constexpr std::size_t kPreventionWidth = 8;
/// Amazon EC2 API Reference, ImageCriterionRequest, ImageProviders.
constexpr std::string_view kOwnerWords[] = {"amazon", "aws-marketplace", "aws-backup-vault"};

void check_owner(const std::string& owner) {
  if (std::find(std::begin(kOwnerWords), std::end(kOwnerWords), owner) != std::end(kOwnerWords)) {
    return;
  }
  const bool is_account =
      owner.size() == 12 && owner.find_first_not_of("0123456789") == std::string::npos;
  if (is_account) return;
  throw Error(ErrorKind::usage, "\"{}\" owns no images", owner)
      .hint("write an account id, amazon, aws-marketplace or aws-backup-vault");
}

/// Images by where they stand at home; the same are listed at many places.
class Names {
 public:
  explicit Names(Context& context) : cloud_(context.cloud), home_(cloud_.properties().account_id) {}

  /// The owner looks first: whoever it is shared with may be kept from seeing it by the very rules
  /// that are to be changed.
  std::optional<AllowedImage> find(const cloud::Place& place, const std::string& image_id) {
    {
      auto known = known_.lock();
      auto found = known->find({place.region, image_id});
      if (found != known->end()) return found->second;
    }
    std::optional<cloud::Image> image = cloud_.find_image({home_, place.region}, image_id);
    if (!image && place.account_id != home_) image = cloud_.find_image(place, image_id);
    if (!image) return std::nullopt;
    AllowedImage allowed{image->owner_id, image->name, {}};
    // Those that others have put on it allow what we know nothing of.
    for (const std::string& mark : image->watermarks) {
      if (mark.starts_with(home_ + ":")) allowed.watermarks.push_back(mark);
    }
    known_.lock()->emplace(std::pair(place.region, image_id), allowed);
    return allowed;
  }

 private:
  cloud::Cloud& cloud_;
  std::string home_;
  Sync<std::map<std::pair<std::string, std::string>, AllowedImage>> known_;
};

/// The rules that the place's list comes to.
std::vector<cloud::LaunchRule> rules_of(Context& context, Names& names, PlacePrevention& one,
                                        const PreventionRequest& request) {
  std::vector<AllowedImage> images;
  for (const std::string& id : read_latest(context.cloud, one.place)) {
    auto image = names.find(one.place, id);
    if (!image) {
      one.warnings.push_back(
          fmt::format("{} is in {}, but there is no such image", id, kLatestParameter));
    } else if (image->owner_id != one.place.account_id) {
      images.push_back(*image);
    }
  }
  return launch_rules(images, request.also, request.derived);
}

void plan_place(Context& context, cloud::Enforcement& enforcement, Names& names,
                const PreventionRequest& request, PlacePrevention& one, std::stop_token stop) {
  one.now = enforcement.launch_settings(one.place, stop);
  one.then = one.now;
  one.then.mode = request.mode.value_or(one.now.mode);
  // Where nothing is refused nobody needs rules, and somebody else's may wait there.
  if (one.then.mode != cloud::LaunchMode::disabled) {
    one.then.rules = rules_of(context, names, one, request);
  }
  if (!one.changes() || request.by_policy) return;
  if (one.now.is_managed) {
    one.problem = "a policy of the organization decides here; see: --policy";
  } else if (one.now.mode == cloud::LaunchMode::disabled &&
             one.then.mode == cloud::LaunchMode::enabled && !request.skip_audit) {
    one.problem = "it was never in mode audit; begin with: --mode audit";
  }
}

template <typename Work>
void for_each_place(std::vector<PlacePrevention>& places, std::stop_token stop, const Work& work) {
  std::atomic<std::size_t> next = 0;
  auto run = [&] {
    for (std::size_t i = next++; i < places.size() && !stop.stop_requested(); i = next++) {
      try {
        work(places[i]);
      } catch (const Error& error) {
        places[i].problem = error.full_text();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(kPreventionWidth, places.size()); ++i)
      workers.emplace_back(run);
  }
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped between two places");
}

std::string policy_word(cloud::LaunchMode mode) {
  return mode == cloud::LaunchMode::audit ? "audit_mode" : std::string(to_string(mode));
}

Json assigned(Json value) { return {{"@@assign", std::move(value)}}; }

}  // namespace

std::vector<cloud::LaunchRule> launch_rules(const std::vector<AllowedImage>& images,
                                            std::vector<std::string> also, bool derived) {
  std::sort(also.begin(), also.end());
  also.erase(std::unique(also.begin(), also.end()), also.end());
  std::map<std::string, std::set<std::string>> names;
  for (const AllowedImage& image : images) {
    if (std::find(also.begin(), also.end(), image.owner_id) != also.end()) continue;
    names[image.owner_id].insert(image.name);
  }
  std::vector<cloud::LaunchRule> rules;
  if (!also.empty()) rules.push_back({.owners = also});
  for (const auto& [owner, of_owner] : names) {
    std::vector<std::string> part;
    for (const std::string& name : of_owner) {
      if (part.size() == cloud::kMaxLaunchNames) {
        rules.push_back({.owners = {owner}, .names = std::exchange(part, {})});
      }
      part.push_back(name);
    }
    rules.push_back({.owners = {owner}, .names = std::move(part)});
  }
  std::set<std::string> marks;
  if (derived) {
    for (const AllowedImage& image : images) {
      marks.insert(image.watermarks.begin(), image.watermarks.end());
    }
  }
  std::vector<std::string> some;
  for (const std::string& mark : marks) {
    some.push_back(mark);
    if (some.size() < cloud::kMaxLaunchNames && mark != *marks.rbegin()) continue;
    rules.push_back({.watermarks = std::exchange(some, {})});
  }
  if (rules.size() > cloud::kMaxLaunchRules) {
    throw Error(ErrorKind::usage, "{} golden images need {} rules, and EC2 takes {} of {} names",
                images.size(), rules.size(), cloud::kMaxLaunchRules, cloud::kMaxLaunchNames)
        .hint(
            "decommission versions that are no longer needed, or allow all images of their owner "
            "with: --also ACCOUNT");
  }
  if (rules.empty()) rules.push_back({.owners = {cloud::kNoOwner}});
  std::sort(rules.begin(), rules.end());
  return rules;
}

std::vector<PlacePrevention> plan_prevention(Context& context, cloud::Enforcement& enforcement,
                                             const std::vector<cloud::Place>& places,
                                             const PreventionRequest& request,
                                             std::stop_token stop) {
  for (const std::string& owner : request.also) check_owner(owner);
  std::vector<PlacePrevention> plan(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) plan[i].place = places[i];
  Names names(context);
  for_each_place(plan, stop, [&](PlacePrevention& one) {
    plan_place(context, enforcement, names, request, one, stop);
  });
  return plan;
}

void apply_prevention(cloud::Enforcement& enforcement, std::vector<PlacePrevention>& plan,
                      std::stop_token stop) {
  for_each_place(plan, stop, [&](PlacePrevention& one) {
    if (!one.problem.empty() || !one.changes()) return;
    if (one.then.rules != one.now.rules) {
      enforcement.put_launch_rules(one.place, one.then.rules, stop);
    }
    if (one.then.mode != one.now.mode) enforcement.put_launch_mode(one.place, one.then.mode, stop);
    one.done = true;
  });
}

std::vector<std::string> allowed_lines(const std::vector<cloud::LaunchRule>& rules) {
  std::vector<std::string> lines;
  for (const cloud::LaunchRule& rule : rules) {
    const std::string owners = rule.owners.empty() ? "anybody" : join(rule.owners, ", ");
    const std::string more = rule.more.empty() ? "" : " if " + rule.more;
    for (const std::string& mark : rule.watermarks) {
      lines.push_back(owners + " * with the watermark " + mark + more);
    }
    if (rule.names.empty() && rule.watermarks.empty()) lines.push_back(owners + " *" + more);
    for (const std::string& name : rule.names) lines.push_back(owners + " " + name + more);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string declarative_policy(const std::string& document, cloud::LaunchMode mode,
                               const std::vector<cloud::LaunchRule>& rules) {
  Json policy = document.empty() ? Json::object() : parse_json(document, "the policy");
  if (!policy.is_object() || (!policy.empty() && !policy.contains("ec2_attributes"))) {
    throw Error(ErrorKind::corrupt, "the policy is no declarative policy of EC2");
  }
  Json criteria = Json::object();
  for (const cloud::LaunchRule& rule : rules) {
    Json criterion = Json::object();
    if (rule.owners == std::vector<std::string>{cloud::kNoOwner}) {
      throw Error(ErrorKind::usage,
                  "no image is golden, and a policy cannot say that none is allowed")
          .hint("distribute a golden image first");
    }
    std::vector<std::string> owners = rule.owners;
    // The same words as EC2's, spelled otherwise.
    for (std::string& owner : owners) owner = replace_all(owner, "-", "_");
    criterion["allowed_image_providers"] = assigned(owners);
    if (!rule.names.empty()) criterion["image_names"] = assigned(rule.names);
    criteria[fmt::format("criteria_{}", criteria.size() + 1)] = std::move(criterion);
  }
  policy["ec2_attributes"]["allowed_images_settings"] = {{"state", assigned(policy_word(mode))},
                                                         {"image_criteria", std::move(criteria)}};
  std::string text = compact(policy);
  if (text.size() > kMaxPolicyCharacters) {
    throw Error(ErrorKind::usage, "the policy would have {} characters; {} is the most",
                text.size(), kMaxPolicyCharacters)
        .hint("allow all images of their owner with: --also ACCOUNT");
  }
  return text;
}

void to_json(Json& json, const PlacePrevention& value) {
  const auto before = allowed_lines(value.now.rules);
  const auto after = allowed_lines(value.then.rules);
  std::vector<std::string> added, removed;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(added));
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(removed));
  json = {{"account_id", value.place.account_id},
          {"region", value.place.region},
          {"mode_now", to_string(value.now.mode)},
          {"mode", to_string(value.then.mode)},
          {"added", added},
          {"removed", removed},
          {"changes", value.changes()},
          {"done", value.done},
          {"warnings", value.warnings},
          {"problem", value.problem}};
}

}  // namespace hallmark::pipeline
