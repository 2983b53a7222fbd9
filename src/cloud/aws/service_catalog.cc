#include "cloud/aws/service_catalog.h"

#include "base/error.h"
#include "base/text.h"
#include "cloud/aws/service_catalog_parts.h"

namespace hallmark::cloud {

namespace on_aws {

std::optional<Value> catalog_call(const Session& session, const Place& place,
                                  const std::string& operation, const Value& input) {
  try {
    return session.call(place, "servicecatalog", operation, input);
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return std::nullopt;
  }
}

std::vector<Value> catalog_list(const Session& session, const Place& place,
                                const std::string& operation, Value input,
                                const std::string& member, const std::string& token_member) {
  std::vector<Value> all;
  while (true) {
    Value page = session.call(place, "servicecatalog", operation, input);
    for (Value& one : page[member]) all.push_back(std::move(one));
    const std::string next = text(page, token_member);
    if (next.empty()) return all;
    input["PageToken"] = next;
  }
}

std::string account_in(const std::string& arn) {
  constexpr std::size_t kAccountPart = 4;
  const std::vector<std::string> parts = split(arn, ':');
  return parts.size() > kAccountPart ? parts[kAccountPart] : "";
}

Tags catalog_tags(const Value& tag_list) {
  Tags tags = tags_from(tag_list);
  tags.erase(kProductKeyTag);
  return tags;
}

}  // namespace on_aws

namespace {

class AwsCatalog : public Catalog {
 public:
  explicit AwsCatalog(on_aws::Session session) : session_(std::move(session)) {}

  VersionId publish_version(const Place& place, const ProductKey& key, const Tags& tags,
                            const VersionSpec& spec, const std::string& token,
                            std::stop_token stop) override {
    return on_aws::publish_version(session_, place, key, tags, spec, token, stop);
  }
  std::optional<Product> find_product(const Place& place, const ProductKey& key) override {
    return on_aws::find_product(session_, place, key);
  }
  std::vector<Product> list_products(const Place& place) override {
    return on_aws::list_products(session_, place);
  }
  std::vector<ProductVersion> list_versions(const Place& place,
                                            const std::string& product_id) override {
    return on_aws::list_versions(session_, place, product_id);
  }
  void set_version_state(const Place& place, const VersionId& version,
                         VersionState state) override {
    return on_aws::set_version_state(session_, place, version, state);
  }
  void remove_version(const Place& place, const VersionId& version) override {
    return on_aws::remove_version(session_, place, version);
  }
  std::string create_portfolio(const Place& place, const PortfolioSpec& spec,
                               const std::string& token) override {
    return on_aws::create_portfolio(session_, place, spec, token);
  }
  std::optional<Portfolio> find_portfolio(const Place& place,
                                          const std::string& portfolio_id) override {
    return on_aws::find_portfolio(session_, place, portfolio_id);
  }
  std::vector<Portfolio> list_portfolios(const Place& place) override {
    return on_aws::list_portfolios(session_, place);
  }
  void remove_portfolio(const Place& place, const std::string& portfolio_id) override {
    return on_aws::remove_portfolio(session_, place, portfolio_id);
  }
  void set_tag_options(const Place& place, const std::string& portfolio_id,
                       const Tags& options) override {
    return on_aws::set_tag_options(session_, place, portfolio_id, options);
  }
  void add_product(const Place& place, const std::string& portfolio_id,
                   const std::string& product_id, const std::string& source_portfolio_id) override {
    return on_aws::add_product(session_, place, portfolio_id, product_id, source_portfolio_id);
  }
  void remove_product(const Place& place, const std::string& portfolio_id,
                      const std::string& product_id) override {
    return on_aws::remove_product(session_, place, portfolio_id, product_id);
  }
  std::vector<std::string> list_portfolio_products(const Place& place,
                                                   const std::string& portfolio_id) override {
    return on_aws::list_portfolio_products(session_, place, portfolio_id);
  }
  void set_launch_role(const Place& place, const std::string& portfolio_id,
                       const std::string& product_id, const std::string& role_name) override {
    return on_aws::set_launch_role(session_, place, portfolio_id, product_id, role_name);
  }
  std::string launch_role(const Place& place, const std::string& portfolio_id,
                          const std::string& product_id) override {
    return on_aws::launch_role(session_, place, portfolio_id, product_id);
  }
  void grant(const Place& place, const std::string& portfolio_id,
             const std::string& principal) override {
    return on_aws::grant(session_, place, portfolio_id, principal);
  }
  void revoke(const Place& place, const std::string& portfolio_id,
              const std::string& principal) override {
    return on_aws::revoke(session_, place, portfolio_id, principal);
  }
  std::vector<std::string> list_grants(const Place& place,
                                       const std::string& portfolio_id) override {
    return on_aws::list_grants(session_, place, portfolio_id);
  }
  void share_portfolio(const Place& place, const std::string& portfolio_id,
                       const std::string& account_id) override {
    return on_aws::share_portfolio(session_, place, portfolio_id, account_id);
  }
  void unshare_portfolio(const Place& place, const std::string& portfolio_id,
                         const std::string& account_id) override {
    return on_aws::unshare_portfolio(session_, place, portfolio_id, account_id);
  }
  std::vector<std::string> list_portfolio_shares(const Place& place,
                                                 const std::string& portfolio_id) override {
    return on_aws::list_portfolio_shares(session_, place, portfolio_id);
  }
  void accept_portfolio(const Place& place, const std::string& portfolio_id) override {
    return on_aws::accept_portfolio(session_, place, portfolio_id);
  }
  void leave_portfolio(const Place& place, const std::string& portfolio_id) override {
    return on_aws::leave_portfolio(session_, place, portfolio_id);
  }
  std::string caller(const Place& place, const std::string&) override {
    return on_aws::caller(session_, place);
  }
  std::vector<Offer> list_offers(const Place& place, const std::string& principal) override {
    return on_aws::list_offers(session_, place, principal);
  }
  std::string launch_product(const Place& place, const ProductLaunch& launch,
                             const std::string& token, std::stop_token stop) override {
    return on_aws::launch_product(session_, place, launch, token, stop);
  }
  std::optional<ProvisionedProduct> find_provisioned(const Place& place,
                                                     const std::string& provisioned_id) override {
    return on_aws::find_provisioned(session_, place, provisioned_id);
  }
  std::vector<ProvisionedProduct> list_provisioned(const Place& place) override {
    return on_aws::list_provisioned(session_, place);
  }
  void remove_provisioned(const Place& place, const std::string& provisioned_id) override {
    return on_aws::remove_provisioned(session_, place, provisioned_id);
  }

 private:
  const on_aws::Session session_;
};

}  // namespace

std::unique_ptr<Catalog> make_aws_catalog(AwsCloudConfig config,
                                          std::shared_ptr<hallmark::aws::Caller> caller,
                                          CredentialsOf credentials_of, Clock& clock) {
  check_account_id(config.account_id);
  return std::make_unique<AwsCatalog>(
      on_aws::Session{std::move(config), std::move(caller), std::move(credentials_of), clock});
}

}  // namespace hallmark::cloud
