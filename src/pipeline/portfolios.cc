#include "pipeline/portfolios.h"

#include <algorithm>

#include "base/error.h"

namespace hallmark::pipeline {

namespace {

bool contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

cloud::Portfolio portfolio_named(cloud::Catalog& catalog, const cloud::Place& place,
                                 const PortfolioWish& wish, const std::string& token) {
  if (auto found = made_portfolio(catalog, place, wish.name)) return *found;
  cloud::PortfolioSpec spec{.name = wish.name,
                            .provider = wish.provider,
                            .description = "Approved golden images.",
                            .tags = wish.tags};
  spec.tags[kPortfolioTag] = wish.name;
  // What the original pipelines' guide has on it.
  spec.tags["Generated-By"] = "Golden-AMI-Pipeline";
  const std::string made_id = catalog.create_portfolio(place, spec, token);
  const auto first = made_portfolio(catalog, place, wish.name);
  if (!first) {
    throw Error(ErrorKind::unavailable, "portfolio {} in {} is not to be seen yet", made_id,
                cloud::to_string(place));
  }
  if (first->portfolio_id != made_id) catalog.remove_portfolio(place, made_id);
  return *first;
}

}  // namespace

std::vector<cloud::Portfolio> made_portfolios(cloud::Catalog& catalog, const cloud::Place& place) {
  std::vector<cloud::Portfolio> portfolios = catalog.list_portfolios(place);
  std::erase_if(portfolios, [&](const cloud::Portfolio& portfolio) {
    return portfolio.owner_id != place.account_id || !portfolio.tags.contains(kPortfolioTag);
  });
  std::sort(portfolios.begin(), portfolios.end(),
            [](const auto& a, const auto& b) { return a.portfolio_id < b.portfolio_id; });
  return portfolios;
}

std::optional<cloud::Portfolio> made_portfolio(cloud::Catalog& catalog, const cloud::Place& place,
                                               const std::string& name) {
  for (cloud::Portfolio& portfolio : made_portfolios(catalog, place)) {
    if (portfolio.tags.at(kPortfolioTag) == name) return std::move(portfolio);
  }
  return std::nullopt;
}

void settle_portfolio(cloud::Catalog& catalog, const cloud::Place& place,
                      const cloud::Portfolio& portfolio, const PortfolioWish& wish) {
  const std::string& id = portfolio.portfolio_id;
  if (portfolio.tag_options != wish.tag_options) {
    catalog.set_tag_options(place, id, wish.tag_options);
  }
  const std::vector<std::string> wanted = principals_at(place, wish.principals);
  const std::vector<std::string> granted = catalog.list_grants(place, id);
  for (const std::string& principal : wanted) {
    if (!contains(granted, principal)) catalog.grant(place, id, principal);
  }
  for (const std::string& principal : granted) {
    if (!contains(wanted, principal)) catalog.revoke(place, id, principal);
  }
  if (place.account_id != wish.home_account) return;
  const std::vector<std::string> shares = catalog.list_portfolio_shares(place, id);
  for (const std::string& recipient : wish.recipients) {
    if (!contains(shares, recipient)) catalog.share_portfolio(place, id, recipient);
  }
  for (const std::string& recipient : shares) {
    if (!wish.recipients.contains(recipient)) catalog.unshare_portfolio(place, id, recipient);
  }
}

std::string hold_product(cloud::Catalog& catalog, const cloud::Place& place,
                         const PortfolioWish& wish, const std::string& product_id,
                         const std::string& launch_role, const std::string& source_portfolio_id,
                         const std::string& token) {
  const std::string id = portfolio_named(catalog, place, wish, token).portfolio_id;
  bool has_it = contains(catalog.list_portfolio_products(place, id), product_id);
  std::string role = has_it ? catalog.launch_role(place, id, product_id) : "";
  // A role is replaced by another one, but only goes with the product.
  if (!role.empty() && launch_role.empty()) {
    catalog.remove_product(place, id, product_id);
    has_it = false;
  }
  if (!has_it) catalog.add_product(place, id, product_id, source_portfolio_id);
  if (!launch_role.empty() && role != launch_role) {
    catalog.set_launch_role(place, id, product_id, launch_role);
  }
  return id;
}

void leave_portfolios(cloud::Catalog& catalog, const cloud::Place& place,
                      const std::string& product_id, const std::string& kept) {
  if (product_id.empty()) return;
  for (const cloud::Portfolio& portfolio : made_portfolios(catalog, place)) {
    const std::string& id = portfolio.portfolio_id;
    if (id == kept) continue;
    if (contains(catalog.list_portfolio_products(place, id), product_id)) {
      catalog.remove_product(place, id, product_id);
    }
  }
}

void drop_portfolio(cloud::Catalog& catalog, const cloud::Place& place,
                    const cloud::Portfolio& portfolio) {
  const std::string& id = portfolio.portfolio_id;
  for (const std::string& recipient : catalog.list_portfolio_shares(place, id)) {
    catalog.unshare_portfolio(place, id, recipient);
  }
  try {
    catalog.remove_portfolio(place, id);
  } catch (const Error& e) {
    // Another run needs it; what it shares is shared again by that run.
    if (e.kind() != ErrorKind::conflict) throw;
  }
}

}  // namespace hallmark::pipeline
