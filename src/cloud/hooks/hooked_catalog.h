#pragma once
/// Hooks around any Catalog, as hooked_cloud.h puts them around a cloud.

#include <memory>
#include <string>
#include <vector>

#include "cloud/catalog.h"
#include "cloud/hooks/call_hook.h"

namespace hallmark::cloud {

/// Forwards to `inner` through all `hooks`.
class HookedCatalog : public Catalog {
 public:
  HookedCatalog(std::shared_ptr<Catalog> inner, CallHooks hooks)
      : inner_(std::move(inner)), hooks_(std::move(hooks)) {}

  VersionId publish_version(const Place& place, const ProductKey& key, const Tags& tags,
                            const VersionSpec& spec, const std::string& token,
                            std::stop_token stop) override;
  std::optional<Product> find_product(const Place& place, const ProductKey& key) override;
  std::vector<Product> list_products(const Place& place) override;
  std::vector<ProductVersion> list_versions(const Place& place,
                                            const std::string& product_id) override;
  void set_version_state(const Place& place, const VersionId& version, VersionState state) override;
  void remove_version(const Place& place, const VersionId& version) override;
  std::string create_portfolio(const Place& place, const PortfolioSpec& spec,
                               const std::string& token) override;
  std::optional<Portfolio> find_portfolio(const Place& place,
                                          const std::string& portfolio_id) override;
  std::vector<Portfolio> list_portfolios(const Place& place) override;
  void remove_portfolio(const Place& place, const std::string& portfolio_id) override;
  void set_tag_options(const Place& place, const std::string& portfolio_id,
                       const Tags& options) override;
  void add_product(const Place& place, const std::string& portfolio_id,
                   const std::string& product_id,
                   const std::string& source_portfolio_id = "") override;
  void remove_product(const Place& place, const std::string& portfolio_id,
                      const std::string& product_id) override;
  std::vector<std::string> list_portfolio_products(const Place& place,
                                                   const std::string& portfolio_id) override;
  void set_launch_role(const Place& place, const std::string& portfolio_id,
                       const std::string& product_id, const std::string& role_name) override;
  std::string launch_role(const Place& place, const std::string& portfolio_id,
                          const std::string& product_id) override;
  void grant(const Place& place, const std::string& portfolio_id,
             const std::string& principal) override;
  void revoke(const Place& place, const std::string& portfolio_id,
              const std::string& principal) override;
  std::vector<std::string> list_grants(const Place& place,
                                       const std::string& portfolio_id) override;
  void share_portfolio(const Place& place, const std::string& portfolio_id,
                       const std::string& account_id) override;
  void unshare_portfolio(const Place& place, const std::string& portfolio_id,
                         const std::string& account_id) override;
  std::vector<std::string> list_portfolio_shares(const Place& place,
                                                 const std::string& portfolio_id) override;
  void accept_portfolio(const Place& place, const std::string& portfolio_id) override;
  void leave_portfolio(const Place& place, const std::string& portfolio_id) override;
  std::string caller(const Place& place, const std::string& user) override;
  std::vector<Offer> list_offers(const Place& place, const std::string& principal) override;
  std::string launch_product(const Place& place, const ProductLaunch& launch,
                             const std::string& token, std::stop_token stop) override;
  std::optional<ProvisionedProduct> find_provisioned(const Place& place,
                                                     const std::string& provisioned_id) override;
  std::vector<ProvisionedProduct> list_provisioned(const Place& place) override;
  void remove_provisioned(const Place& place, const std::string& provisioned_id) override;

 private:
  std::shared_ptr<Catalog> inner_;
  CallHooks hooks_;
};

}  // namespace hallmark::cloud
