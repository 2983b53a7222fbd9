#pragma once
/// A catalog for clouds that have none: records that say what is offered to whom, and machines of
/// the cloud for what is launched. Where the records lie is the cloud's own affair.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "cloud/catalog.h"

namespace hallmark::cloud {

struct VersionRecord {
  ProductVersion version;
  VersionSpec spec;
  std::string token;
};

struct ProductRecord {
  Product product;
  std::vector<VersionRecord> versions;  ///< oldest first
};

struct PortfolioRecord {
  Portfolio portfolio;
  std::string token;
  std::set<std::string> products;
  std::map<std::string, std::string> launch_roles;      ///< by product
  std::map<std::string, std::set<std::string>> grants;  ///< account -> principals
  std::set<std::string> shares;                         ///< accounts, ids of units
  /// Accounts, and by which of the shares.
  std::map<std::string, std::string> accepted;
};

struct ProvisionedRecord {
  ProvisionedProduct provisioned;
  std::string account_id;
  std::string principal;
  std::string token;
  MachineSpec machine;
  std::string machine_id;  ///< empty until it is launched
};

/// What is kept of a region, by id.
struct CatalogState {
  std::map<std::string, ProductRecord> products;
  std::map<std::string, PortfolioRecord> portfolios;
  std::map<std::string, ProvisionedRecord> provisioned;
};

Json to_json(const ProductRecord& record);
Json to_json(const PortfolioRecord& record);
Json to_json(const ProvisionedRecord& record);
/// Throw `corrupt`.
ProductRecord product_record_from(const Json& json);
PortfolioRecord portfolio_record_from(const Json& json);
ProvisionedRecord provisioned_record_from(const Json& json);

class CatalogStorage {
 public:
  virtual ~CatalogStorage() = default;
  /// Lets `use` work, alone between processes, on what is kept of the place's region, and then
  /// keeps what it changed, which is one record at most; nothing if it throws. Throws `usage` or
  /// `not_found` for a place that is none.
  virtual void with(const Place& place, const std::function<void(CatalogState&)>& use) = 0;
  /// Whether the account is in the unit of this id.
  virtual bool is_member(const std::string& unit_id, const std::string& account_id) = 0;
};

/// On the machine that a provisioned product is.
inline constexpr const char* kProvisionedTag = "hallmark:provisioned-product";

class RecordedCatalog : public Catalog {
 public:
  /// All outlive it.
  RecordedCatalog(CatalogStorage& storage, Cloud& cloud, Clock& clock)
      : storage_(storage), cloud_(cloud), clock_(clock) {}

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
                   const std::string& product_id, const std::string& source_portfolio_id) override;
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
  /// What has to be launched for the launch, recorded; the same for the same token.
  ProvisionedRecord record_launch(const Place& place, const ProductLaunch& launch,
                                  const std::string& token);
  ProvisionedProduct look(const Place& place, const ProvisionedRecord& record);
  std::string image_of(const Place& place, const std::string& image);
  void forget(const Place& place, const std::string& provisioned_id);

  CatalogStorage& storage_;
  Cloud& cloud_;
  Clock& clock_;
};

}  // namespace hallmark::cloud
