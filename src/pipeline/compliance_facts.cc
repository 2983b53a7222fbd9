#include "pipeline/compliance_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

/// Images that are made from images that are made from images: nobody goes this far, and each
/// generation is a call.
constexpr int kMaxGenerations = 16;

/// What AWS tags machines with, and Hallmark.
constexpr const char* kGroupTag = "aws:autoscaling:groupName";
constexpr const char* kTemplateTag = "aws:ec2launchtemplate:id";
constexpr const char* kTemplateVersionTag = "aws:ec2launchtemplate:version";

std::string launched_by(const cloud::Tags& tags) {
  auto value = [&](const char* key) -> const std::string& {
    static const std::string kNone;
    auto tag = tags.find(key);
    return tag == tags.end() ? kNone : tag->second;
  };
  if (!value(kGroupTag).empty()) return "auto scaling group " + value(kGroupTag);
  if (!value(kTemplateTag).empty()) {
    const std::string& version = value(kTemplateVersionTag);
    return "launch template " + value(kTemplateTag) +
           (version.empty() ? "" : " version " + version);
  }
  if (!value(kRunTag).empty()) return "run " + value(kRunTag);
  return {};
}

Resource resource_from(cloud::Machine machine) {
  Resource resource;
  resource.id = std::move(machine.machine_id);
  resource.name = std::move(machine.name);
  resource.image_id = std::move(machine.image_id);
  resource.state = cloud::to_string(machine.state);
  resource.launched_by = launched_by(machine.tags);
  resource.tags = std::move(machine.tags);
  if (machine.launched_at != TimePoint{}) resource.launched_at = machine.launched_at;
  return resource;
}

/// A watermark of ours goes on to whatever is made from its image, also where the way back cannot
/// be followed. One of a version that is golden no more says nothing here: the nearest counts.
std::optional<std::string> golden_by_watermark(const OwnImages& own_images,
                                               const std::string& home_account,
                                               const cloud::Image& image) {
  std::optional<std::string> golden;
  for (const std::string& mark : image.watermarks) {
    if (!mark.starts_with(home_account + ":")) continue;
    const std::string key = mark.substr(home_account.size() + 1);
    const auto own = std::find_if(own_images.begin(), own_images.end(),
                                  [&](const auto& each) { return each.second.image_key == key; });
    if (own == own_images.end()) continue;
    const GoldenState state = own->second.state;
    if (state != GoldenState::active && state != GoldenState::deprecated) return std::nullopt;
    golden = own->first;
  }
  return golden;
}

/// Follows one image's ancestors up to the nearest that is golden.
Descent descent_of(cloud::Cloud& cloud, const OwnImages& own_images, const PlaceFacts& facts,
                   const std::string& home_account, const std::string& image_id) {
  std::unordered_set<std::string> seen = {image_id};
  std::string id = image_id;
  std::string region = facts.place.region;
  for (int generation = 0; generation < kMaxGenerations; ++generation) {
    auto image = cloud.find_image({facts.place.account_id, region}, id);
    // What is shared with the account no more can still be ours.
    if (!image && home_account != facts.place.account_id) {
      image = cloud.find_image({home_account, region}, id);
    }
    if (!image) return {};
    if (auto marked = golden_by_watermark(own_images, home_account, *image)) return {*marked, ""};
    if (image->source_image_id.empty()) return {};
    id = image->source_image_id;
    if (!image->source_region.empty()) region = image->source_region;
    if (!seen.insert(id).second) return {};
    if (auto own = own_images.find(id); own != own_images.end()) {
      const GoldenState state = own->second.state;
      const bool is_golden = state == GoldenState::active || state == GoldenState::deprecated;
      return {is_golden ? id : "", ""};
    }
    if (region == facts.place.region && facts.golden.contains(id)) return {id, ""};
  }
  return {"", fmt::format("it has more than {} generations", kMaxGenerations)};
}

}  // namespace

OwnImages read_own_images(db::Database& database) {
  OwnImages images;
  struct Family {
    std::string newest;
    TimePoint newer_since;  ///< since when one is active that is newer than those to come
  };
  database.read([&](db::Connection& connection) {
    images.clear();
    std::map<std::pair<std::string, std::string>, Family> families;
    std::string run_id;
    OwnImage image;
    // In the order in which find_golden_image calls an active version the newest.
    for (const db::Row& row : connection.query(
             "select g.run_id, g.image_key, g.product, g.os, g.state, g.image_id, g.active_at,"
             " g.created_at, t.image_id as target_image_id from golden_images g"
             " left join image_targets t on t.image_run_id = g.run_id"
             " order by g.created_at desc, g.run_id",
             {})) {
      if (row.text("run_id") != run_id) {
        run_id = row.text("run_id");
        image = {row.text("image_key"), golden_state_from(row.text("state")), "", {}};
        const std::pair product_os(row.text("product"), row.text("os"));
        auto family = families.find(product_os);
        if (family != families.end()) {
          image.superseded_by = family->second.newest;
          image.superseded_at = family->second.newer_since;
        }
        if (image.state == GoldenState::active) {
          const std::string active_at = row.text("active_at");
          const TimePoint since =
              from_rfc3339(active_at.empty() ? row.text("created_at") : active_at);
          if (family == families.end()) {
            families.emplace(product_os, Family{image.image_key, since});
          } else {
            family->second.newer_since = std::min(family->second.newer_since, since);
          }
        }
      }
      for (const auto& id : {row.optional_text("image_id"), row.optional_text("target_image_id")}) {
        if (id && !id->empty()) images.try_emplace(*id, image);
      }
    }
  });
  return images;
}

PlaceReport look_at_place(cloud::Cloud& cloud, const OwnImages& own_images,
                          const cloud::Place& place) {
  PlaceReport report;
  PlaceFacts& facts = report.facts;
  facts.place = place;
  auto look = [&](const std::string& what, const std::function<void()>& at) {
    try {
      at();
    } catch (const std::exception& e) {
      report.problems.push_back(what + ": " + e.what());
    }
  };
  try {
    for (const std::string& id : read_latest(cloud, place)) facts.golden.insert(id);
  } catch (const std::exception& e) {
    facts.list_problem = e.what();
    report.problems.push_back(std::string(kLatestParameter) + ": " + e.what());
  }
  look("machines", [&] {
    for (cloud::Machine& machine : cloud.list_machines(place, {.reachability = false})) {
      facts.resources.push_back(resource_from(std::move(machine)));
    }
  });
  look("launch templates and auto scaling groups", [&] {
    for (cloud::ImageUse& use : cloud.list_image_uses(place)) {
      if (use.image_id.empty()) {
        ++report.without_image;
        continue;
      }
      Resource resource;
      resource.kind = use.kind == Resource::kAutoScalingGroup ? Resource::kAutoScalingGroup
                                                              : Resource::kLaunchTemplate;
      resource.id = std::move(use.id);
      resource.name = std::move(use.name);
      resource.version = std::move(use.version);
      resource.image_id = std::move(use.image_id);
      facts.resources.push_back(std::move(resource));
    }
  });
  // Where nothing is golden nothing can be made from what is.
  if (facts.golden.empty()) return report;
  const std::string home_account = cloud.properties().account_id;
  for (const Resource& resource : facts.resources) {
    const std::string& id = resource.image_id;
    if (!id.starts_with("ami-") || facts.golden.contains(id) || own_images.contains(id)) continue;
    auto [descent, is_new] = facts.descent.try_emplace(id);
    if (!is_new) continue;
    try {
      descent->second = descent_of(cloud, own_images, facts, home_account, id);
    } catch (const std::exception& e) {
      descent->second.problem = e.what();
    }
  }
  return report;
}

void leave_out_own(const Context& context, std::vector<PlaceReport>& places) {
  const std::string home_account = context.cloud.properties().account_id;
  // Tags can be set by anybody; ids are the cloud's.
  std::unordered_set<std::string> machines;
  context.database.read([&](db::Connection& connection) {
    machines.clear();
    for (const db::Row& row : connection.query("select external_id from ledger"
                                               " where kind = 'machine' and state = 'created'",
                                               {})) {
      machines.insert(row.text("external_id"));
    }
  });
  for (PlaceReport& place : places) {
    if (place.facts.place.account_id != home_account) continue;
    place.own_machines = std::erase_if(place.facts.resources, [&](const Resource& resource) {
      return machines.contains(resource.id);
    });
  }
}

}  // namespace hallmark::pipeline
