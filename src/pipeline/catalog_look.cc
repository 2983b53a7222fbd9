/// Looks at catalogs; changes nothing.

#include <algorithm>
#include <iterator>
#include <set>

#include "base/error.h"
#include "pipeline/at_once.h"
#include "pipeline/catalog.h"
#include "pipeline/catalog_wish.h"
#include "pipeline/portfolios.h"
#include "pipeline/units.h"

namespace hallmark::pipeline {

namespace {

constexpr const char* kCatalogDelivery = "catalog";

/// What is seen of one version in one place's catalog.
class CatalogLook {
 public:
  CatalogLook(const Context& context, const std::vector<ProductWish>& wishes,
              const ProductWish& wish, const GoldenImage& image, PlaceCheck& check)
      : catalog_(context.catalog), wishes_(wishes), wish_(wish), image_(image), check_(check) {}

  void run() {
    const RegionWish& region = wish_.regions.at(check_.place.region);
    const auto wanted =
        std::find_if(region.versions.begin(), region.versions.end(),
                     [&](const VersionWish& version) { return version.run_id == image_.run_id; });
    const cloud::Place home{wish_.home_account, check_.place.region};
    const auto product = catalog_.find_product(home, wish_.key);
    const auto version = product ? version_in(home, product->product_id) : std::nullopt;
    if (wanted == region.versions.end()) {
      check_.presence = version ? Presence::extra : Presence::correct;
      if (version) problem("version " + version->name + " is offered still");
      return;
    }
    if (!version) {
      check_.presence = Presence::missing;
      problem(product ? "the product has no version " + wanted->name
                      : "there is no product " + cloud::product_name(wish_.key));
      return;
    }
    if (version->state != wanted->state) {
      problem(fmt::format("version {} is {}, not {}", version->name,
                          cloud::to_string(version->state), cloud::to_string(wanted->state)));
    }
    look_at_portfolio(product->product_id);
    check_.presence = check_.problems.empty() ? Presence::correct : Presence::incorrect;
  }

 private:
  std::optional<cloud::ProductVersion> version_in(const cloud::Place& home,
                                                  const std::string& product_id) {
    for (cloud::ProductVersion& version : catalog_.list_versions(home, product_id)) {
      if (version.name == image_.version) return std::move(version);
    }
    return std::nullopt;
  }

  void look_at_portfolio(const std::string& product_id) {
    const PortfolioWish wanted = portfolio_wish(wishes_, wish_.offer.portfolio, check_.place);
    const auto portfolio = made_portfolio(catalog_, check_.place, wanted.name);
    if (!portfolio) return problem("there is no portfolio " + wanted.name);
    const std::string& id = portfolio->portfolio_id;
    const auto products = catalog_.list_portfolio_products(check_.place, id);
    if (std::find(products.begin(), products.end(), product_id) == products.end()) {
      problem("portfolio " + wanted.name + " does not have the product");
    } else if (catalog_.launch_role(check_.place, id, product_id) != wish_.offer.launch_role) {
      problem("launches do not act as " + (wish_.offer.launch_role.empty()
                                               ? std::string("who launches")
                                               : "role " + wish_.offer.launch_role));
    }
    compare("principal", principals_at(check_.place, wanted.principals),
            catalog_.list_grants(check_.place, id));
    if (check_.place.account_id != wish_.home_account) return;
    const std::vector<std::string> shares = catalog_.list_portfolio_shares(check_.place, id);
    for (const bool units : {false, true}) {
      auto part = [&](const auto& recipients) {
        std::vector<std::string> found;
        std::copy_if(recipients.begin(), recipients.end(), std::back_inserter(found),
                     [&](const auto& each) { return cloud::is_unit_id(each) == units; });
        return found;
      };
      compare(units ? "unit" : "account", part(wanted.recipients), part(shares));
    }
  }

  /// Both sorted.
  void compare(const std::string& what, const std::vector<std::string>& wanted,
               const std::vector<std::string>& present) {
    std::vector<std::string> missing;
    std::vector<std::string> extra;
    std::set_difference(wanted.begin(), wanted.end(), present.begin(), present.end(),
                        std::back_inserter(missing));
    std::set_difference(present.begin(), present.end(), wanted.begin(), wanted.end(),
                        std::back_inserter(extra));
    for (const std::string& each : missing) problem(what + " " + each + " lacks the portfolio");
    for (const std::string& each : extra) problem(what + " " + each + " should not have it");
  }

  void problem(std::string text) { check_.problems.push_back(std::move(text)); }

  cloud::Catalog& catalog_;
  const std::vector<ProductWish>& wishes_;
  const ProductWish& wish_;
  const GoldenImage& image_;
  PlaceCheck& check_;
};

void find_provisioned_at(const Context& context, const GoldenImage& image,
                         const cloud::Place& place, std::vector<ImageUser>& users) {
  const auto product = context.catalog.find_product({image.home.account_id, place.region},
                                                    {.product = image.product, .os = image.os});
  if (!product) return;
  for (const auto& version :
       context.catalog.list_versions({image.home.account_id, place.region}, product->product_id)) {
    if (version.name != image.version) continue;
    const cloud::VersionId id{product->product_id, version.version_id};
    for (const cloud::ProvisionedProduct& each : context.catalog.list_provisioned(place)) {
      if (each.version != id) continue;
      users.push_back({kProvisionedUser, each.name, place, "launched through the catalog"});
    }
  }
}

}  // namespace

std::vector<PlaceCheck> check_catalog(const Context& context, const GoldenImage& image) {
  if (!offer_of(image)) return {};
  const std::vector<ProductWish> wishes = catalog_wishes(context.database);
  const ProductWish* found = product_wish(wishes, image);
  if (found == nullptr) return {};
  const ProductWish& wish = *found;
  const std::vector<std::string> known = context.cloud.properties().regions;
  std::vector<cloud::Place> all;
  std::set<std::string> regions;  // that have this version
  for (const auto& [name, region] : wish.regions) {
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    if (region.versions.empty() && !is_known) continue;
    const bool here = std::any_of(region.versions.begin(), region.versions.end(),
                                  [&](const auto& v) { return v.run_id == image.run_id; });
    all.push_back({wish.home_account, name});
    if (!here) continue;
    regions.insert(name);
    for (const auto& [account, recipient] : region.accounts) all.push_back({account, name});
  }
  std::vector<PlaceCheck> checks(all.size());
  at_once(all.size(), kCatalogsAtOnce, [&](std::size_t i) {
    PlaceCheck& check = checks[i];
    check = {.place = all[i], .delivery = kCatalogDelivery};
    try {
      CatalogLook(context, wishes, wish, image, check).run();
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      check.presence = Presence::unknown;
      check.problems = {with_standing(context, check.place, e, {})};
    }
  });
  std::erase_if(checks, [&](const PlaceCheck& check) {
    return !regions.contains(check.place.region) && check.presence == Presence::correct;
  });
  return checks;
}

std::vector<ImageUser> find_catalog_users(const Context& context, const GoldenImage& image,
                                          const std::vector<ImageTarget>& targets) {
  std::vector<ImageUser> users;
  if (!offer_of(image)) return users;
  for (const ImageTarget& target : targets) {
    try {
      find_provisioned_at(context, image, target.place, users);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      if (is_beyond_reach(context, image, target, e, {})) continue;
      users.push_back({kUnknownUser, "", target.place, e.message()});
    }
  }
  return users;
}

}  // namespace hallmark::pipeline
