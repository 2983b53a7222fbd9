#include "cloud/hooks/hooked_catalog.h"

namespace hallmark::cloud {

VersionId HookedCatalog::publish_version(const Place& place, const ProductKey& key,
                                         const Tags& tags, const VersionSpec& spec,
                                         const std::string& token, std::stop_token stop) {
  return forward_call(hooks_,
                      {.operation = "publish_version",
                       .place = place,
                       .subject_id = spec.name,
                       .mutating = true,
                       .stop = stop},
                      [&] { return inner_->publish_version(place, key, tags, spec, token, stop); });
}

std::optional<Product> HookedCatalog::find_product(const Place& place, const ProductKey& key) {
  return forward_call(hooks_,
                      {.operation = "find_product", .place = place, .subject_id = key.product},
                      [&] { return inner_->find_product(place, key); });
}

std::vector<Product> HookedCatalog::list_products(const Place& place) {
  return forward_call(hooks_, {.operation = "list_products", .place = place},
                      [&] { return inner_->list_products(place); });
}

std::vector<ProductVersion> HookedCatalog::list_versions(const Place& place,
                                                         const std::string& product_id) {
  return forward_call(hooks_,
                      {.operation = "list_versions", .place = place, .subject_id = product_id},
                      [&] { return inner_->list_versions(place, product_id); });
}

void HookedCatalog::set_version_state(const Place& place, const VersionId& version,
                                      VersionState state) {
  return forward_call(hooks_,
                      {.operation = "set_version_state",
                       .place = place,
                       .subject_id = version.version_id,
                       .mutating = true},
                      [&] { return inner_->set_version_state(place, version, state); });
}

void HookedCatalog::remove_version(const Place& place, const VersionId& version) {
  return forward_call(hooks_,
                      {.operation = "remove_version",
                       .place = place,
                       .subject_id = version.version_id,
                       .mutating = true},
                      [&] { return inner_->remove_version(place, version); });
}

std::string HookedCatalog::create_portfolio(const Place& place, const PortfolioSpec& spec,
                                            const std::string& token) {
  return forward_call(
      hooks_,
      {.operation = "create_portfolio", .place = place, .subject_id = spec.name, .mutating = true},
      [&] { return inner_->create_portfolio(place, spec, token); });
}

std::optional<Portfolio> HookedCatalog::find_portfolio(const Place& place,
                                                       const std::string& portfolio_id) {
  return forward_call(hooks_,
                      {.operation = "find_portfolio", .place = place, .subject_id = portfolio_id},
                      [&] { return inner_->find_portfolio(place, portfolio_id); });
}

std::vector<Portfolio> HookedCatalog::list_portfolios(const Place& place) {
  return forward_call(hooks_, {.operation = "list_portfolios", .place = place},
                      [&] { return inner_->list_portfolios(place); });
}

void HookedCatalog::remove_portfolio(const Place& place, const std::string& portfolio_id) {
  return forward_call(hooks_,
                      {.operation = "remove_portfolio",
                       .place = place,
                       .subject_id = portfolio_id,
                       .mutating = true},
                      [&] { return inner_->remove_portfolio(place, portfolio_id); });
}

void HookedCatalog::set_tag_options(const Place& place, const std::string& portfolio_id,
                                    const Tags& options) {
  return forward_call(hooks_,
                      {.operation = "set_tag_options",
                       .place = place,
                       .subject_id = portfolio_id,
                       .mutating = true},
                      [&] { return inner_->set_tag_options(place, portfolio_id, options); });
}

void HookedCatalog::add_product(const Place& place, const std::string& portfolio_id,
                                const std::string& product_id,
                                const std::string& source_portfolio_id) {
  return forward_call(
      hooks_,
      {.operation = "add_product", .place = place, .subject_id = portfolio_id, .mutating = true},
      [&] { return inner_->add_product(place, portfolio_id, product_id, source_portfolio_id); });
}

void HookedCatalog::remove_product(const Place& place, const std::string& portfolio_id,
                                   const std::string& product_id) {
  return forward_call(
      hooks_,
      {.operation = "remove_product", .place = place, .subject_id = portfolio_id, .mutating = true},
      [&] { return inner_->remove_product(place, portfolio_id, product_id); });
}

std::vector<std::string> HookedCatalog::list_portfolio_products(const Place& place,
                                                                const std::string& portfolio_id) {
  return forward_call(
      hooks_, {.operation = "list_portfolio_products", .place = place, .subject_id = portfolio_id},
      [&] { return inner_->list_portfolio_products(place, portfolio_id); });
}

void HookedCatalog::set_launch_role(const Place& place, const std::string& portfolio_id,
                                    const std::string& product_id, const std::string& role_name) {
  return forward_call(
      hooks_,
      {.operation = "set_launch_role",
       .place = place,
       .subject_id = portfolio_id,
       .mutating = true},
      [&] { return inner_->set_launch_role(place, portfolio_id, product_id, role_name); });
}

std::string HookedCatalog::launch_role(const Place& place, const std::string& portfolio_id,
                                       const std::string& product_id) {
  return forward_call(hooks_,
                      {.operation = "launch_role", .place = place, .subject_id = portfolio_id},
                      [&] { return inner_->launch_role(place, portfolio_id, product_id); });
}

void HookedCatalog::grant(const Place& place, const std::string& portfolio_id,
                          const std::string& principal) {
  return forward_call(
      hooks_, {.operation = "grant", .place = place, .subject_id = portfolio_id, .mutating = true},
      [&] { return inner_->grant(place, portfolio_id, principal); });
}

void HookedCatalog::revoke(const Place& place, const std::string& portfolio_id,
                           const std::string& principal) {
  return forward_call(
      hooks_, {.operation = "revoke", .place = place, .subject_id = portfolio_id, .mutating = true},
      [&] { return inner_->revoke(place, portfolio_id, principal); });
}

std::vector<std::string> HookedCatalog::list_grants(const Place& place,
                                                    const std::string& portfolio_id) {
  return forward_call(hooks_,
                      {.operation = "list_grants", .place = place, .subject_id = portfolio_id},
                      [&] { return inner_->list_grants(place, portfolio_id); });
}

void HookedCatalog::share_portfolio(const Place& place, const std::string& portfolio_id,
                                    const std::string& account_id) {
  return forward_call(hooks_,
                      {.operation = "share_portfolio",
                       .place = place,
                       .subject_id = portfolio_id,
                       .mutating = true},
                      [&] { return inner_->share_portfolio(place, portfolio_id, account_id); });
}

void HookedCatalog::unshare_portfolio(const Place& place, const std::string& portfolio_id,
                                      const std::string& account_id) {
  return forward_call(hooks_,
                      {.operation = "unshare_portfolio",
                       .place = place,
                       .subject_id = portfolio_id,
                       .mutating = true},
                      [&] { return inner_->unshare_portfolio(place, portfolio_id, account_id); });
}

std::vector<std::string> HookedCatalog::list_portfolio_shares(const Place& place,
                                                              const std::string& portfolio_id) {
  return forward_call(
      hooks_, {.operation = "list_portfolio_shares", .place = place, .subject_id = portfolio_id},
      [&] { return inner_->list_portfolio_shares(place, portfolio_id); });
}

void HookedCatalog::accept_portfolio(const Place& place, const std::string& portfolio_id) {
  return forward_call(hooks_,
                      {.operation = "accept_portfolio",
                       .place = place,
                       .subject_id = portfolio_id,
                       .mutating = true},
                      [&] { return inner_->accept_portfolio(place, portfolio_id); });
}

void HookedCatalog::leave_portfolio(const Place& place, const std::string& portfolio_id) {
  return forward_call(hooks_,
                      {.operation = "leave_portfolio",
                       .place = place,
                       .subject_id = portfolio_id,
                       .mutating = true},
                      [&] { return inner_->leave_portfolio(place, portfolio_id); });
}

std::string HookedCatalog::caller(const Place& place, const std::string& user) {
  return forward_call(hooks_, {.operation = "caller", .place = place, .subject_id = user},
                      [&] { return inner_->caller(place, user); });
}

std::vector<Offer> HookedCatalog::list_offers(const Place& place, const std::string& principal) {
  return forward_call(hooks_, {.operation = "list_offers", .place = place, .subject_id = principal},
                      [&] { return inner_->list_offers(place, principal); });
}

std::string HookedCatalog::launch_product(const Place& place, const ProductLaunch& launch,
                                          const std::string& token, std::stop_token stop) {
  return forward_call(hooks_,
                      {.operation = "launch_product",
                       .place = place,
                       .subject_id = launch.name,
                       .mutating = true,
                       .stop = stop},
                      [&] { return inner_->launch_product(place, launch, token, stop); });
}

std::optional<ProvisionedProduct> HookedCatalog::find_provisioned(
    const Place& place, const std::string& provisioned_id) {
  return forward_call(
      hooks_, {.operation = "find_provisioned", .place = place, .subject_id = provisioned_id},
      [&] { return inner_->find_provisioned(place, provisioned_id); });
}

std::vector<ProvisionedProduct> HookedCatalog::list_provisioned(const Place& place) {
  return forward_call(hooks_, {.operation = "list_provisioned", .place = place},
                      [&] { return inner_->list_provisioned(place); });
}

void HookedCatalog::remove_provisioned(const Place& place, const std::string& provisioned_id) {
  return forward_call(hooks_,
                      {.operation = "remove_provisioned",
                       .place = place,
                       .subject_id = provisioned_id,
                       .mutating = true},
                      [&] { return inner_->remove_provisioned(place, provisioned_id); });
}

}  // namespace hallmark::cloud
