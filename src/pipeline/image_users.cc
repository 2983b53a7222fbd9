#include "pipeline/image_users.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/catalog.h"
#include "pipeline/channel.h"
#include "pipeline/leave.h"
#include "pipeline/units.h"

namespace hallmark::pipeline {

namespace {

void find_users_at(const Context& context, const GoldenImage& image, const ImageTarget& target,
                   std::vector<ImageUser>& users) {
  try {
    for (const cloud::Machine& machine :
         context.cloud.list_machines(target.place, {.reachability = false})) {
      if (machine.image_id != target.image_id) continue;
      users.push_back({kMachineUser, machine.machine_id, target.place, machine.name});
    }
    for (const cloud::ImageUse& use : context.cloud.list_image_uses(target.place)) {
      if (use.image_id != target.image_id) continue;
      // Ours: they go back to what they launched before as the image goes.
      const auto& ours = target.launch_templates;
      if (use.kind == "launch template" &&
          std::find(ours.begin(), ours.end(), use.name) != ours.end()) {
        continue;
      }
      users.push_back({use.kind, use.id, target.place,
                       use.version.empty() ? use.name : use.name + " version " + use.version});
    }
  } catch (const Error& e) {
    if (is_beyond_reach(context, image, target, e, {})) return;
    users.push_back({kUnknownUser, "", target.place, with_standing(context, target.place, e, {})});
  }
}

/// So many are named; a fleet of thousands fills no screen.
constexpr std::size_t kUsersNamed = 20;

}  // namespace

std::vector<ImageUser> find_users(const Context& context, const GoldenImage& image,
                                  const std::vector<ImageTarget>& targets) {
  std::vector<ImageUser> users;
  for (const ImageTarget& target : targets) {
    if (target.image_id.empty() || target.state == TargetState::removed) continue;
    find_users_at(context, image, target, users);
  }
  return users;
}

std::vector<ImageUser> find_children(const Context& context, const GoldenImage& image,
                                     const std::vector<ImageTarget>& targets) {
  std::set<std::string> ids = {image.image_id};
  for (const ImageTarget& target : targets) ids.insert(target.image_id);
  std::vector<ImageUser> children;
  for (const GoldenImage& child :
       list_golden_images(context.database, {GoldenState::building, GoldenState::awaiting_approval,
                                             GoldenState::active, GoldenState::deprecated})) {
    if (child.source_image_id.empty() || !ids.contains(child.source_image_id)) continue;
    children.push_back({kChildUser, child.image_key, child.home, "built on it"});
  }
  return children;
}

std::vector<ImageUser> find_all_users(const Context& context, const GoldenImage& image) {
  const std::vector<ImageTarget> targets = present_targets(context, image);
  std::vector<ImageUser> users = find_users(context, image, targets);
  for (ImageUser& child : find_children(context, image, targets)) {
    users.push_back(std::move(child));
  }
  for (ImageUser& user : find_catalog_users(context, image, targets)) {
    users.push_back(std::move(user));
  }
  for (const Channel& channel : channels_of(context.database, image.run_id)) {
    users.push_back(
        {kChannelUser, to_string(channel), image.home, "promote another version to it first"});
  }
  return users;
}

void refuse_if_used(const std::vector<ImageUser>& users, const std::string& image_key,
                    const char* way_out) {
  if (users.empty()) return;
  std::vector<std::string> names;
  for (const ImageUser& user : users) {
    if (names.size() == kUsersNamed) break;
    names.push_back(to_string(user));
  }
  if (users.size() > kUsersNamed) {
    names.push_back(fmt::format("{} more", users.size() - kUsersNamed));
  }
  throw Error(ErrorKind::conflict, "{} is in use by {}", image_key, join(names, ", "))
      .hint(way_out);
}

std::string to_string(const ImageUser& user) {
  const std::string where = " in " + cloud::to_string(user.place);
  if (user.kind == kUnknownUser) return "unknown" + where + ": " + user.detail;
  return user.kind + " " + user.id + where;
}

void to_json(Json& json, const ImageUser& value) {
  json = {{"kind", value.kind},
          {"id", value.id},
          {"account_id", value.place.account_id},
          {"region", value.place.region},
          {"detail", value.detail}};
}

}  // namespace hallmark::pipeline
