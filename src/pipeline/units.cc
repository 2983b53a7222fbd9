#include "pipeline/units.h"

#include <algorithm>

#include "base/error.h"
#include "pipeline/accounts_let_go.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {

namespace {

constexpr const char* kLetGo = "let go: ";

const model::Target* target_of(const std::vector<model::Target>& targets, const std::string& unit,
                               const std::string& region) {
  for (const model::Target& target : targets) {
    const auto& regions = target.regions;
    if (target.unit != unit) continue;
    if (std::find(regions.begin(), regions.end(), region) != regions.end()) return &target;
  }
  return nullptr;
}

const cloud::MemberAccount* member_in(const std::vector<cloud::MemberAccount>& members,
                                      const std::string& account_id) {
  for (const cloud::MemberAccount& member : members) {
    if (member.account_id == account_id) return &member;
  }
  return nullptr;
}

bool is_named(const std::vector<model::Target>& targets, const cloud::Place& place) {
  return std::any_of(targets.begin(), targets.end(), [&](const model::Target& target) {
    return target.account_id == place.account_id &&
           std::find(target.regions.begin(), target.regions.end(), place.region) !=
               target.regions.end();
  });
}

}  // namespace

Membership look_at_units(const Context& context, const std::vector<model::Target>& targets,
                         std::stop_token stop) {
  Membership membership;
  for (const model::Target& target : targets) {
    if (target.unit.empty()) continue;
    try {
      require_means(context, {target});
      membership.members[target.unit] = context.organizations->list_members(target.unit, stop);
    } catch (const Error& e) {
      // `unavailable` and `throttled` pass by themselves: the step is tried again.
      if (e.kind() == ErrorKind::cancelled || traits(e.kind()).retry) throw;
      membership.unread[target.unit] = e.message() + (e.hint().empty() ? "" : "; " + e.hint());
    }
  }
  return membership;
}

void require_means(const Context& context, const std::vector<model::Target>& targets) {
  const std::string name = context.cloud.properties().name;
  for (const model::Target& target : targets) {
    if (!target.unit.empty() && context.organizations == nullptr) {
      throw Error(ErrorKind::usage, "the {} cloud knows no organization, so {} cannot be a target",
                  name, target.unit)
          .hint("name accounts, or say which the unit has: cloud.units in config.yaml");
    }
    if (!target.launch_templates.empty() && context.launch_templates == nullptr) {
      throw Error(ErrorKind::usage, "the {} cloud has no launch templates, so {} cannot name any",
                  name, model::recipient_of(target))
          .hint("take launch_templates out of targets; machines find the image by its parameters");
    }
  }
}

std::vector<LeftOut> left_out(const Membership& membership) {
  std::vector<LeftOut> out;
  for (const auto& [unit, why] : membership.unread) out.push_back({"", unit, why});
  for (const auto& [unit, members] : membership.members) {
    for (const cloud::MemberAccount& member : members) {
      if (member.state == cloud::AccountState::active) continue;
      out.push_back({member.account_id, unit, "is " + std::string(cloud::to_string(member.state))});
    }
  }
  return out;
}

UnitPlaces unit_places(const Context& context, const GoldenImage& image,
                       const std::vector<model::Target>& targets, const Membership& membership) {
  UnitPlaces places;
  for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
    if (target.unit.empty() || target.state == TargetState::removed) continue;
    if (is_named(targets, target.place)) continue;
    if (target_of(targets, target.unit, target.place.region) == nullptr) continue;
    const auto members = membership.members.find(target.unit);
    if (members == membership.members.end()) {
      places.kept.insert(target.place);
      continue;
    }
    const auto* member = member_in(members->second, target.place.account_id);
    if (member == nullptr || member->state == cloud::AccountState::closed) {
      // Another of the units may have it now.
      const bool elsewhere =
          std::any_of(targets.begin(), targets.end(), [&](const model::Target& other) {
            const auto of = membership.members.find(other.unit);
            if (of == membership.members.end()) return false;
            const auto* there = member_in(of->second, target.place.account_id);
            return there && there->state != cloud::AccountState::closed &&
                   target_of(targets, other.unit, target.place.region) != nullptr;
          });
      if (!elsewhere) places.left.push_back(target);
    } else if (member->state != cloud::AccountState::active) {
      places.kept.insert(target.place);
    }
  }
  return places;
}

MembershipChange membership_change(const Context& context, const GoldenImage& image,
                                   const std::vector<model::Target>& targets,
                                   const Membership& membership) {
  MembershipChange change;
  for (const auto& [place, placement] : placements(image, targets, membership)) {
    if (placement.unit.empty()) continue;
    const auto recorded = find_target(context.database, image.run_id, place);
    if (!recorded || recorded->state == TargetState::removed) {
      change.joined.push_back(cloud::to_string(place));
    }
  }
  for (const ImageTarget& target : unit_places(context, image, targets, membership).left) {
    change.left.push_back(cloud::to_string(target.place));
  }
  return change;
}

Standing standing_of(const Context& context, const std::string& account_id, std::stop_token stop) {
  const std::string account = "account " + account_id;
  if (const auto gone = find_account_let_go(context.database, account_id)) {
    return {.text = account + " was let go by " + gone->let_go_by + ": " + gone->reason,
            .closed = true,
            .left = false};
  }
  if (context.organizations == nullptr) return {};
  try {
    const auto member = context.organizations->find_account(account_id, stop);
    if (!member) {
      return {.text = account +
                      " is no member of our organization: it left, was never one, or was closed "
                      "long ago",
              .closed = false,
              .left = true};
    }
    if (member->state == cloud::AccountState::active) {
      return {
          .text = account +
                  " is active, so it has no role for us, lets it do less, or has not opted in to "
                  "the region",
          .closed = false,
          .left = false};
    }
    return {.text = account + " is " + std::string(cloud::to_string(member->state)),
            .closed = member->state == cloud::AccountState::closed,
            .left = false};
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    return {.text = "whether " + account + " is closed or left is unknown: " + e.message(),
            .closed = false,
            .left = false};
  }
}

std::string with_standing(const Context& context, const cloud::Place& place, const Error& error,
                          std::stop_token stop) {
  std::string text = error.message() + (error.hint().empty() ? "" : "; " + error.hint());
  const bool is_ours = place.account_id == context.cloud.properties().account_id;
  if (error.kind() != ErrorKind::denied || is_ours || cloud::is_unit(place.account_id)) return text;
  const Standing standing = standing_of(context, place.account_id, stop);
  return standing.text.empty() ? text : text + "; " + standing.text;
}

bool is_beyond_reach(const Context& context, const GoldenImage& image, const ImageTarget& target,
                     const Error& error, std::stop_token stop) {
  if (error.kind() != ErrorKind::denied) return false;
  if (target.place.account_id == image.home.account_id) return false;
  const Standing standing = standing_of(context, target.place.account_id, stop);
  return standing.closed || (standing.left && !target.unit.empty());
}

void let_go(const Context& context, const GoldenImage& image, const ImageTarget& target,
            const std::string& why, const std::string& token) {
  ImageTarget gone = target;
  gone.state = TargetState::removed;
  gone.detail = kLetGo + why;
  context.audit.append({.token = token,
                        .actor = "hallmark",
                        .action = "image.place_let_go",
                        .subject = image.image_key,
                        .detail = {{"account_id", target.place.account_id},
                                   {"region", target.place.region},
                                   {"image_id", target.image_id},
                                   {"delivery", target.delivery},
                                   {"why", why}}});
  record_target(context.database, image.run_id, gone, context.clock.now());
}

bool was_let_go(const ImageTarget& target) {
  return target.state == TargetState::removed && target.detail.starts_with(kLetGo);
}

void to_json(Json& json, const Membership& value) {
  Json members = Json::object();
  for (const auto& [unit, accounts] : value.members) {
    members[unit] = Json::array();
    for (const cloud::MemberAccount& account : accounts) {
      members[unit].push_back({account.account_id, account.name, static_cast<int>(account.state)});
    }
  }
  json = {{"members", members}, {"unread", value.unread}};
}

void from_json(const Json& json, Membership& value) {
  const Json by_unit = member<Json>(json, "members");
  for (const auto& [unit, accounts] : by_unit.items()) {
    auto& members = value.members[unit];
    for (const Json& account : accounts) {
      members.push_back({account.at(0), account.at(1),
                         static_cast<cloud::AccountState>(account.at(2).get<int>())});
    }
  }
  value.unread = member<std::map<std::string, std::string>>(json, "unread");
}

void to_json(Json& json, const LeftOut& value) {
  json = {{"account_id", value.account_id}, {"unit", value.unit}, {"why", value.why}};
}

}  // namespace hallmark::pipeline
