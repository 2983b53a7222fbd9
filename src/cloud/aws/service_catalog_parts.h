#pragma once
/// The functions of cloud/catalog.h with the same names, on Service Catalog; see there.

#include "cloud/aws/session.h"
#include "cloud/catalog.h"

namespace hallmark::cloud::on_aws {

/// The tag that says whose images a product launches: "web-1/Debian-12".
inline constexpr const char* kProductKeyTag = "hallmark:product-key";

/// A call that answers nothing if what it is about is not there.
std::optional<Value> catalog_call(const Session& session, const Place& place,
                                  const std::string& operation, const Value& input);
/// All elements of a list that comes in pages.
std::vector<Value> catalog_list(const Session& session, const Place& place,
                                const std::string& operation, Value input,
                                const std::string& member,
                                const std::string& token_member = "NextPageToken");
/// The account in an ARN.
std::string account_in(const std::string& arn);
/// tags_from without all that is ours.
Tags catalog_tags(const Value& tag_list);

// service_catalog_products.cc
VersionId publish_version(const Session& session, const Place& place, const ProductKey& key,
                          const Tags& tags, const VersionSpec& spec, const std::string& token,
                          std::stop_token stop);
std::optional<Product> find_product(const Session& session, const Place& place,
                                    const ProductKey& key);
std::vector<Product> list_products(const Session& session, const Place& place);
std::vector<ProductVersion> list_versions(const Session& session, const Place& place,
                                          const std::string& product_id);
void set_version_state(const Session& session, const Place& place, const VersionId& version,
                       VersionState state);
void remove_version(const Session& session, const Place& place, const VersionId& version);
/// A product as it is listed, without its tags and key.
Product listed_product(const Value& product_view_detail);

// service_catalog_templates.cc
struct KeptTemplate {
  std::string url;  ///< regional, the bucket in the host
  /// Another one once the template was removed and put again: for a day Service Catalog answers a
  /// token that it knows with what it made then, also if that is gone.
  std::string writing;
};
/// Keeps the text for the version.
KeptTemplate put_template(const Session& session, const Place& place, const ProductKey& key,
                          const VersionSpec& spec, const std::string& token, std::stop_token stop);
/// Whether the version's template was put with this token.
bool is_template_of(const Session& session, const Place& place, const ProductKey& key,
                    const std::string& version, const std::string& token);
/// With all its old versions and marks of deletion.
void remove_template(const Session& session, const Place& place, const ProductKey& key,
                     const std::string& version);

// service_catalog_portfolios.cc
std::string create_portfolio(const Session& session, const Place& place, const PortfolioSpec& spec,
                             const std::string& token);
std::optional<Portfolio> find_portfolio(const Session& session, const Place& place,
                                        const std::string& portfolio_id);
std::vector<Portfolio> list_portfolios(const Session& session, const Place& place);
void remove_portfolio(const Session& session, const Place& place, const std::string& portfolio_id);
void add_product(const Session& session, const Place& place, const std::string& portfolio_id,
                 const std::string& product_id, const std::string& source_portfolio_id);
void remove_product(const Session& session, const Place& place, const std::string& portfolio_id,
                    const std::string& product_id);
std::vector<std::string> list_portfolio_products(const Session& session, const Place& place,
                                                 const std::string& portfolio_id);
void set_launch_role(const Session& session, const Place& place, const std::string& portfolio_id,
                     const std::string& product_id, const std::string& role_name);
std::string launch_role(const Session& session, const Place& place, const std::string& portfolio_id,
                        const std::string& product_id);
void grant(const Session& session, const Place& place, const std::string& portfolio_id,
           const std::string& principal);
void revoke(const Session& session, const Place& place, const std::string& portfolio_id,
            const std::string& principal);
std::vector<std::string> list_grants(const Session& session, const Place& place,
                                     const std::string& portfolio_id);
void share_portfolio(const Session& session, const Place& place, const std::string& portfolio_id,
                     const std::string& recipient);
void unshare_portfolio(const Session& session, const Place& place, const std::string& portfolio_id,
                       const std::string& recipient);
std::vector<std::string> list_portfolio_shares(const Session& session, const Place& place,
                                               const std::string& portfolio_id);
void accept_portfolio(const Session& session, const Place& place, const std::string& portfolio_id);
void leave_portfolio(const Session& session, const Place& place, const std::string& portfolio_id);

// service_catalog_tag_options.cc
void set_tag_options(const Session& session, const Place& place, const std::string& portfolio_id,
                     const Tags& options);

// service_catalog_launches.cc
std::string caller(const Session& session, const Place& place);
/// "arn:aws:sts::1:assumed-role/dev/ada" is of the role "arn:aws:iam::1:role/dev"; others stay.
std::string principal_of(const std::string& arn);
std::vector<Offer> list_offers(const Session& session, const Place& place,
                               const std::string& principal);
std::string launch_product(const Session& session, const Place& place, const ProductLaunch& launch,
                           const std::string& token, std::stop_token stop);
std::optional<ProvisionedProduct> find_provisioned(const Session& session, const Place& place,
                                                   const std::string& provisioned_id);
std::vector<ProvisionedProduct> list_provisioned(const Session& session, const Place& place);
void remove_provisioned(const Session& session, const Place& place,
                        const std::string& provisioned_id);

}  // namespace hallmark::cloud::on_aws
