#include "pipeline/catalog_wish.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "pipeline/units.h"

namespace hallmark::pipeline {

namespace {

/// How a version is offered whose image is in this state, unless it is the newest active one.
std::optional<cloud::VersionState> offered_as(GoldenState state) {
  switch (state) {
    case GoldenState::active:
    case GoldenState::deprecated:
      return cloud::VersionState::deprecated;
    case GoldenState::disabled:
      return cloud::VersionState::inactive;
    default:
      return std::nullopt;
  }
}

/// Also where something failed lately: what was brought there before is there.
bool is_there(const ImageTarget& target) {
  return !target.image_id.empty() && target.state != TargetState::removed;
}

/// Where the image is or was, its home too if nothing was recorded about that.
std::vector<ImageTarget> targets_of(db::Database& database, const GoldenImage& image) {
  std::vector<ImageTarget> targets = list_targets(database, image.run_id);
  const bool has_home = std::any_of(targets.begin(), targets.end(), [&](const ImageTarget& target) {
    return target.place == image.home;
  });
  if (!has_home) {
    targets.push_back({.place = image.home,
                       .image_id = image.image_id,
                       .delivery = "home",
                       .state = TargetState::available,
                       .detail = "",
                       .updated_at = ""});
  }
  return targets;
}

/// The versions are added newest first.
void add_version(ProductWish& wish, db::Database& database, const GoldenImage& image) {
  const auto state = offered_as(image.state);
  for (const ImageTarget& target : targets_of(database, image)) {
    // Nothing of it was ever there; there may not even be such a place.
    if (target.image_id.empty()) continue;
    const bool here = state && is_there(target);
    RegionWish& region = wish.regions[target.place.region];
    if (target.place.account_id != wish.home_account) {
      const std::string& account = target.place.account_id;
      const std::string recipient = target.unit.empty() ? account : cloud::unit_id(target.unit);
      if (here) region.accounts.try_emplace(account, recipient);
      // Nobody can leave a closed account's catalog.
      if ((!state || target.state == TargetState::removed) && !was_let_go(target)) {
        region.left.try_emplace(account, recipient);
      }
      continue;
    }
    if (here) {
      VersionWish version{.run_id = image.run_id, .name = image.version, .state = *state};
      const bool newest = std::none_of(
          region.versions.begin(), region.versions.end(),
          [](const VersionWish& other) { return other.state == cloud::VersionState::active; });
      if (image.state == GoldenState::active && newest) {
        version.state = cloud::VersionState::active;
      }
      region.versions.push_back(std::move(version));
    } else if (!state || target.state == TargetState::removed) {
      region.gone.insert(image.version);
    }
  }
}

bool was_golden(GoldenState state) {
  return offered_as(state) || state == GoldenState::decommissioning ||
         state == GoldenState::decommissioned;
}

/// Changes with every change of what wishes are made of.
std::string records_stamp(db::Database& database) {
  std::string stamp;
  database.read([&](db::Connection& connection) {
    stamp.clear();
    for (const char* table : {"golden_images", "image_targets"}) {
      const db::Row row =
          connection
              .query(
                  fmt::format("select count(*) as n, max(updated_at) as newest, "
                              "cast(coalesce(sum(length(state)), 0) as bigint) as states, "
                              "cast(coalesce(sum(length(image_id)), 0) as bigint) as ids from {}",
                              table),
                  {})
              .at(0);
      stamp +=
          fmt::format("{} {} {} {};", row.integer("n"), row.optional_text("newest").value_or(""),
                      row.integer("states"), row.integer("ids"));
    }
  });
  return stamp;
}

struct PartitionOf {
  std::string_view region_start;
  std::string_view partition;
};
// AWS General Reference, "Amazon Resource Names": partitions, and where their regions' names begin.
constexpr std::array<PartitionOf, 3> kPartitions = {
    {{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"}}};

std::string_view partition_of(const std::string& region) {
  for (const PartitionOf& known : kPartitions) {
    if (region.starts_with(known.region_start)) return known.partition;
  }
  return "aws";
}

}  // namespace

std::optional<model::CatalogOffer> offer_of(const GoldenImage& image) {
  if (!image.pipeline.contains("catalog")) return std::nullopt;
  return image.pipeline.at("catalog").get<model::CatalogOffer>();
}

std::vector<ProductWish> catalog_wishes(db::Database& database) {
  std::map<cloud::ProductKey, ProductWish> wishes;
  std::set<cloud::ProductKey> offered;
  for (const GoldenImage& image : list_golden_images(database, {})) {
    if (!was_golden(image.state)) continue;
    const auto offer = offer_of(image);
    if (!offer) continue;
    const cloud::ProductKey key{.product = image.product, .os = image.os};
    auto [found, is_new] = wishes.try_emplace(key);
    ProductWish& wish = found->second;
    if (is_new) {
      wish.key = key;
      wish.home_account = image.home.account_id;
      wish.offer = *offer;
    }
    // What a version asked for goes with it.
    if (offered_as(image.state) && !offered.contains(key)) {
      wish.offer = *offer;
      offered.insert(key);
    }
    add_version(wish, database, image);
  }
  std::vector<ProductWish> all;
  for (auto& [key, wish] : wishes) {
    for (auto& [name, region] : wish.regions) {
      std::reverse(region.versions.begin(), region.versions.end());
      // An account cannot launch what is in no catalog of the region.
      if (region.versions.empty()) region.left.merge(region.accounts);
      if (region.versions.empty()) region.accounts.clear();
      for (const auto& [account, recipient] : region.accounts) region.left.erase(account);
      for (const VersionWish& version : region.versions) region.gone.erase(version.name);
    }
    all.push_back(std::move(wish));
  }
  return all;
}

std::shared_ptr<const std::vector<ProductWish>> WishReader::read() {
  const std::string stamp = records_stamp(database_);
  const std::lock_guard lock(mutex_);
  if (!wishes_ || stamp != stamp_) {
    wishes_ = std::make_shared<const std::vector<ProductWish>>(catalog_wishes(database_));
    stamp_ = stamp;
  }
  return wishes_;
}

const ProductWish* product_wish(const std::vector<ProductWish>& wishes, const GoldenImage& image) {
  for (const ProductWish& wish : wishes) {
    if (wish.key.product == image.product && wish.key.os == image.os) return &wish;
  }
  return nullptr;
}

PortfolioWish portfolio_wish(const std::vector<ProductWish>& wishes, const std::string& name,
                             const cloud::Place& place) {
  PortfolioWish portfolio{.name = name};
  for (const ProductWish& wish : wishes) {
    auto found = wish.regions.find(place.region);
    if (wish.offer.portfolio != name || found == wish.regions.end()) continue;
    if (found->second.versions.empty()) continue;
    const bool is_home = place.account_id == wish.home_account;
    if (!is_home && !found->second.accounts.contains(place.account_id)) continue;
    portfolio.home_account = wish.home_account;
    portfolio.provider = wish.offer.provider;
    portfolio.tags.insert(wish.offer.tags.begin(), wish.offer.tags.end());
    portfolio.tag_options.insert(wish.offer.tag_options.begin(), wish.offer.tag_options.end());
    portfolio.principals.insert(wish.offer.principals.begin(), wish.offer.principals.end());
    for (const auto& [account, recipient] : found->second.accounts) {
      portfolio.recipients.insert(recipient);
    }
  }
  return portfolio;
}

std::vector<std::string> principals_at(const cloud::Place& place,
                                       const std::set<std::string>& principals) {
  std::set<std::string> arns;
  for (const std::string& principal : principals) {
    if (!principal.starts_with("arn:")) {
      arns.insert(fmt::format("arn:{}:iam::{}:{}", partition_of(place.region), place.account_id,
                              principal));
    } else if (principal.find("::" + place.account_id + ":") != principal.npos) {
      arns.insert(principal);
    }
  }
  return {arns.begin(), arns.end()};
}

}  // namespace hallmark::pipeline
