#pragma once
/// What a catalog offers people to launch: products with versions, portfolios that grant them, and
/// what was launched from them. AWS Service Catalog, or records of the local cloud. The common
/// rules of cloud/cloud.h hold for every call here too.

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cloud/cloud.h"

namespace hallmark::cloud {

// --- products -----------------------------------------------------------------------------------

/// Whose images a product launches. Parts are out of A-Z a-z 0-9 . _ -.
struct ProductKey {
  std::string product;  ///< "web-1"
  std::string os;       ///< "Debian-12"
  auto operator<=>(const ProductKey&) const = default;
};
std::string to_string(const ProductKey& key);  ///< "web-1/Debian-12"

/// "web-1-Debian-12". Two keys may come to one name; they are two products all the same.
std::string product_name(const ProductKey& key);
std::string product_description(const ProductKey& key);
/// Where a version's template is kept: of one key and version only.
std::string template_key(const ProductKey& key, const std::string& version);

struct Product {
  std::string product_id;  ///< "prod-0123456789abc"
  ProductKey key;          ///< empty parts if it was not made here
  std::string name;
  std::string owner_id;  ///< account
  Tags tags;
};

enum class VersionState {
  active,
  deprecated,  ///< can be launched, with a warning
  inactive,    ///< cannot be launched; what was launched runs on
};

struct ProductVersion {
  std::string version_id;  ///< "pa-0123456789abc"
  std::string name;        ///< the golden version: "1.2"
  std::string description;
  VersionState state = VersionState::active;
  TimePoint created_at{};
};

struct VersionSpec {
  std::string name;
  /// CloudFormation, JSON or YAML, with the image filled in.
  std::string template_text;
  /// What it launches on a cloud that does not read templates: an image's id, or the name of a
  /// parameter, which is looked up where and when it is launched.
  std::string image;
  std::string machine_size;  ///< there: unless a launch says another; empty means the default
};

struct VersionId {
  std::string product_id;
  std::string version_id;
  auto operator<=>(const VersionId&) const = default;
};

// --- portfolios ---------------------------------------------------------------------------------

struct PortfolioSpec {
  std::string name;      ///< 1-100 characters
  std::string provider;  ///< 1-50 characters: who answers for it
  std::string description;
  Tags tags;
};

struct Portfolio {
  std::string portfolio_id;  ///< "port-0123456789abc"
  std::string name;
  std::string provider;
  std::string description;
  std::string owner_id;  ///< another account's if it was accepted from there
  Tags tags;             ///< the owner's
  Tags tag_options;      ///< what is launched through it gets these tags
};

// --- what was launched --------------------------------------------------------------------------

/// The parameter of a launch by which a cloud that does not read templates picks the machine size.
inline constexpr std::string_view kMachineSizeParameter = "InstanceType";
/// The output of a launch that names its machine.
inline constexpr std::string_view kMachineOutput = "MachineId";

struct ProductLaunch {
  VersionId version;
  std::string name;  ///< unique in the place: letter or digit first, then also . _ -, 128 at most
  /// Who launches. AWS goes by the credentials too.
  std::string principal;
  std::map<std::string, std::string> parameters;
  Tags tags;
};

enum class ProvisionedState {
  changing,   ///< being made or removed
  available,  ///< it stands
  failed,     ///< see state_reason
};

/// What a launch of a product made.
struct ProvisionedProduct {
  std::string provisioned_id;  ///< "pp-0123456789abc"
  std::string name;
  VersionId version;
  ProvisionedState state = ProvisionedState::changing;
  std::string state_reason;
  Tags tags;
  TimePoint created_at{};
  std::map<std::string, std::string> outputs;  ///< from find_provisioned alone
};

/// What a portfolio lets a principal launch.
struct Offer {
  std::string portfolio_id;
  Product product;
  std::vector<ProductVersion> versions;  ///< none inactive, oldest first
};

// --- all of it ----------------------------------------------------------------------------------

class Catalog {
 public:
  virtual ~Catalog() = default;

  /// Adds a version to the product with this key, which is made with its first version. Throws
  /// `conflict` if the product has a version of that name made with another token.
  virtual VersionId publish_version(const Place& place, const ProductKey& key, const Tags& tags,
                                    const VersionSpec& spec, const std::string& token,
                                    std::stop_token stop) = 0;
  /// Only what place.account_id owns.
  virtual std::optional<Product> find_product(const Place& place, const ProductKey& key) = 0;
  virtual std::vector<Product> list_products(const Place& place) = 0;
  /// Of what is owned or was accepted, oldest first. Empty if there is no such product.
  virtual std::vector<ProductVersion> list_versions(const Place& place,
                                                    const std::string& product_id) = 0;
  /// Throws `not_found`.
  virtual void set_version_state(const Place& place, const VersionId& version,
                                 VersionState state) = 0;
  /// Removes this version and its template. With the last one the product goes: `conflict` while a
  /// portfolio has it.
  virtual void remove_version(const Place& place, const VersionId& version) = 0;

  virtual std::string create_portfolio(const Place& place, const PortfolioSpec& spec,
                                       const std::string& token) = 0;
  virtual std::optional<Portfolio> find_portfolio(const Place& place,
                                                  const std::string& portfolio_id) = 0;
  /// Its own and those it has accepted.
  virtual std::vector<Portfolio> list_portfolios(const Place& place) = 0;
  /// Throws `conflict` while it has products or shares. Grants and tag options go with it.
  virtual void remove_portfolio(const Place& place, const std::string& portfolio_id) = 0;
  /// Makes the portfolio's tag options exactly these.
  virtual void set_tag_options(const Place& place, const std::string& portfolio_id,
                               const Tags& options) = 0;

  /// A product of its own, or one of an accepted portfolio, which is then named. Fine if it is in.
  virtual void add_product(const Place& place, const std::string& portfolio_id,
                           const std::string& product_id,
                           const std::string& source_portfolio_id = "") = 0;
  /// Its launch role there goes too.
  virtual void remove_product(const Place& place, const std::string& portfolio_id,
                              const std::string& product_id) = 0;
  /// Ids, sorted.
  virtual std::vector<std::string> list_portfolio_products(const Place& place,
                                                           const std::string& portfolio_id) = 0;
  /// Launches of the product through the portfolio act as this role of the launching account.
  /// Replaces another one.
  virtual void set_launch_role(const Place& place, const std::string& portfolio_id,
                               const std::string& product_id, const std::string& role_name) = 0;
  /// Empty if none is set.
  virtual std::string launch_role(const Place& place, const std::string& portfolio_id,
                                  const std::string& product_id) = 0;

  /// Lets a principal of the place's account ("arn:aws:iam::111122223333:role/dev") launch what is
  /// in the portfolio.
  virtual void grant(const Place& place, const std::string& portfolio_id,
                     const std::string& principal) = 0;
  virtual void revoke(const Place& place, const std::string& portfolio_id,
                      const std::string& principal) = 0;
  /// Sorted.
  virtual std::vector<std::string> list_grants(const Place& place,
                                               const std::string& portfolio_id) = 0;

  /// Lets another account, or all accounts of a unit by its id (unit_id in cloud/organizations.h),
  /// accept it. Only the owner may; for a unit, if it may share within its organization.
  virtual void share_portfolio(const Place& place, const std::string& portfolio_id,
                               const std::string& recipient) = 0;
  /// Takes it back from who has accepted it as well.
  virtual void unshare_portfolio(const Place& place, const std::string& portfolio_id,
                                 const std::string& recipient) = 0;
  /// Accounts and ids of units, sorted.
  virtual std::vector<std::string> list_portfolio_shares(const Place& place,
                                                         const std::string& portfolio_id) = 0;
  /// `place` is where it was shared to. Throws `not_found` unless it was. Repeating is success.
  virtual void accept_portfolio(const Place& place, const std::string& portfolio_id) = 0;
  virtual void leave_portfolio(const Place& place, const std::string& portfolio_id) = 0;

  /// As whom we launch there: an ARN. A cloud that does not know who asks takes `user`'s word. A
  /// role's path is not known to AWS STS, so an ARN of a role has none.
  virtual std::string caller(const Place& place, const std::string& user) = 0;
  /// What the place's portfolios let the principal launch there.
  virtual std::vector<Offer> list_offers(const Place& place, const std::string& principal) = 0;
  /// Throws `denied` unless a portfolio of the place grants the product to the principal, or if the
  /// version is inactive; `conflict` if the name is taken.
  virtual std::string launch_product(const Place& place, const ProductLaunch& launch,
                                     const std::string& token, std::stop_token stop) = 0;
  virtual std::optional<ProvisionedProduct> find_provisioned(const Place& place,
                                                             const std::string& provisioned_id) = 0;
  /// Sorted by name.
  virtual std::vector<ProvisionedProduct> list_provisioned(const Place& place) = 0;
  /// Begins to end it with all that it made; it is there as `changing` until that is done.
  virtual void remove_provisioned(const Place& place, const std::string& provisioned_id) = 0;
};

std::string_view to_string(VersionState state);
std::string_view to_string(ProvisionedState state);
/// The inverse; throws `corrupt` on an unknown word.
VersionState version_state_from(std::string_view text);

/// Throw `usage` if a part, a text or a name is not as described above.
void check_product_key(const ProductKey& key);
void check_version(const VersionSpec& spec);
void check_portfolio(const PortfolioSpec& spec);
void check_product_launch(const ProductLaunch& launch);
void check_principal(const std::string& principal);
/// An account id, or the id of a unit.
void check_portfolio_recipient(const std::string& recipient);
/// Whether that is the id of a unit.
bool is_unit_id(std::string_view recipient);

}  // namespace hallmark::cloud
