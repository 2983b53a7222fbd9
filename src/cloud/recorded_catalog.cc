#include "cloud/recorded_catalog.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"

namespace hallmark::cloud {

namespace {

std::string id_at(std::string_view prefix, const Place& place, const std::string& token) {
  return id_from_token(prefix, to_string(place) + "/" + token);
}

bool has_accepted(const PortfolioRecord& record, const std::string& account_id) {
  const auto accepted = record.accepted.find(account_id);
  return accepted != record.accepted.end() && record.shares.contains(accepted->second);
}

bool sees(const PortfolioRecord& record, const std::string& account_id) {
  return record.portfolio.owner_id == account_id || has_accepted(record, account_id);
}

/// Its own, or in a portfolio it has accepted from the product's owner.
bool sees_product(const CatalogState& state, const std::string& product_id,
                  const std::string& account_id) {
  auto product = state.products.find(product_id);
  if (product == state.products.end()) return false;
  if (product->second.product.owner_id == account_id) return true;
  return std::any_of(state.portfolios.begin(), state.portfolios.end(), [&](const auto& entry) {
    return has_accepted(entry.second, account_id) && entry.second.products.contains(product_id);
  });
}

Error no_portfolio(const Place& place, const std::string& portfolio_id) {
  return Error(ErrorKind::not_found, "there is no portfolio {} in {}", portfolio_id,
               to_string(place));
}

PortfolioRecord& seen_portfolio(CatalogState& state, const Place& place,
                                const std::string& portfolio_id) {
  auto found = state.portfolios.find(portfolio_id);
  if (found == state.portfolios.end() || !sees(found->second, place.account_id)) {
    throw no_portfolio(place, portfolio_id);
  }
  return found->second;
}

PortfolioRecord& own_portfolio(CatalogState& state, const Place& place,
                               const std::string& portfolio_id) {
  PortfolioRecord& record = seen_portfolio(state, place, portfolio_id);
  if (record.portfolio.owner_id == place.account_id) return record;
  throw Error(ErrorKind::denied, "portfolio {} belongs to account {}", portfolio_id,
              record.portfolio.owner_id);
}

/// Nothing if there is none, also if there is no such product.
std::optional<std::size_t> version_at(const CatalogState& state, const Place& place,
                                      const VersionId& version) {
  auto found = state.products.find(version.product_id);
  if (found == state.products.end()) return std::nullopt;
  if (!sees_product(state, version.product_id, place.account_id)) return std::nullopt;
  const std::vector<VersionRecord>& versions = found->second.versions;
  auto at = std::find_if(versions.begin(), versions.end(), [&](const VersionRecord& record) {
    return record.version.version_id == version.version_id;
  });
  if (at == versions.end()) return std::nullopt;
  return static_cast<std::size_t>(at - versions.begin());
}

void check_owner(const ProductRecord& record, const Place& place) {
  if (record.product.owner_id == place.account_id) return;
  throw Error(ErrorKind::denied, "product {} belongs to account {}", record.product.name,
              record.product.owner_id);
}

/// The portfolio that lets the principal launch the product, or null.
const PortfolioRecord* granting(const CatalogState& state, const Place& place,
                                const std::string& product_id, const std::string& principal) {
  if (!sees_product(state, product_id, place.account_id)) return nullptr;
  for (const auto& [id, record] : state.portfolios) {
    auto granted = record.grants.find(place.account_id);
    if (sees(record, place.account_id) && record.products.contains(product_id) &&
        granted != record.grants.end() && granted->second.contains(principal)) {
      return &record;
    }
  }
  return nullptr;
}

std::vector<std::string> listed(const std::set<std::string>& names) {
  return {names.begin(), names.end()};
}

}  // namespace

VersionId RecordedCatalog::publish_version(const Place& place, const ProductKey& key,
                                           const Tags& tags, const VersionSpec& spec,
                                           const std::string& token, std::stop_token stop) {
  check_product_key(key);
  check_version(spec);
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before it began");
  VersionId made;
  storage_.with(place, [&](CatalogState& state) {
    auto found = std::find_if(state.products.begin(), state.products.end(), [&](const auto& entry) {
      return entry.second.product.owner_id == place.account_id && entry.second.product.key == key;
    });
    ProductRecord record;
    if (found != state.products.end()) {
      record = found->second;
    } else {
      record.product = {.product_id = id_at("prod", place, to_string(key) + "/" + token),
                        .key = key,
                        .name = product_name(key),
                        .owner_id = place.account_id,
                        .tags = tags};
    }
    for (const VersionRecord& version : record.versions) {
      if (version.version.name != spec.name) continue;
      if (version.token != token) {
        throw Error(ErrorKind::conflict, "product {} has a version {} already", record.product.name,
                    spec.name);
      }
      made = {record.product.product_id, version.version.version_id};
      return;
    }
    made = {record.product.product_id,
            id_at("pa", place, fmt::format("{}/{}/{}", to_string(key), spec.name, token))};
    record.versions.push_back({.version = {.version_id = made.version_id,
                                           .name = spec.name,
                                           .description = "This is version " + spec.name,
                                           .created_at = clock_.now()},
                               .spec = spec,
                               .token = token});
    state.products[made.product_id] = std::move(record);
  });
  return made;
}

std::optional<Product> RecordedCatalog::find_product(const Place& place, const ProductKey& key) {
  for (Product& product : list_products(place)) {
    if (product.key == key) return std::move(product);
  }
  return std::nullopt;
}

std::vector<Product> RecordedCatalog::list_products(const Place& place) {
  std::vector<Product> products;
  storage_.with(place, [&](CatalogState& state) {
    for (const auto& [id, record] : state.products) {
      if (record.product.owner_id == place.account_id) products.push_back(record.product);
    }
  });
  return products;
}

std::vector<ProductVersion> RecordedCatalog::list_versions(const Place& place,
                                                           const std::string& product_id) {
  std::vector<ProductVersion> versions;
  storage_.with(place, [&](CatalogState& state) {
    if (!sees_product(state, product_id, place.account_id)) return;
    for (const VersionRecord& record : state.products.at(product_id).versions) {
      versions.push_back(record.version);
    }
  });
  return versions;
}

void RecordedCatalog::set_version_state(const Place& place, const VersionId& version,
                                        VersionState wanted) {
  storage_.with(place, [&](CatalogState& state) {
    auto at = version_at(state, place, version);
    if (!at) {
      throw Error(ErrorKind::not_found, "there is no version {} of product {} in {}",
                  version.version_id, version.product_id, to_string(place));
    }
    ProductRecord& record = state.products.at(version.product_id);
    check_owner(record, place);
    record.versions[*at].version.state = wanted;
  });
}

void RecordedCatalog::remove_version(const Place& place, const VersionId& version) {
  storage_.with(place, [&](CatalogState& state) {
    auto at = version_at(state, place, version);
    if (!at) return;
    ProductRecord& record = state.products.at(version.product_id);
    check_owner(record, place);
    if (record.versions.size() > 1) {
      record.versions.erase(record.versions.begin() + static_cast<std::ptrdiff_t>(*at));
      return;
    }
    for (const auto& [id, portfolio] : state.portfolios) {
      if (!portfolio.products.contains(version.product_id)) continue;
      throw Error(ErrorKind::conflict,
                  "version {} is the last of product {}, which portfolio {} has",
                  record.versions[*at].version.name, record.product.name, id)
          .hint("take the product out of the portfolio first");
    }
    state.products.erase(version.product_id);
  });
}

std::string RecordedCatalog::create_portfolio(const Place& place, const PortfolioSpec& spec,
                                              const std::string& token) {
  check_portfolio(spec);
  std::string portfolio_id = id_at("port", place, token);
  storage_.with(place, [&](CatalogState& state) {
    if (state.portfolios.contains(portfolio_id)) return;
    PortfolioRecord record;
    record.portfolio = {.portfolio_id = portfolio_id,
                        .name = spec.name,
                        .provider = spec.provider,
                        .description = spec.description,
                        .owner_id = place.account_id,
                        .tags = spec.tags,
                        .tag_options = {}};
    record.token = token;
    state.portfolios[portfolio_id] = std::move(record);
  });
  return portfolio_id;
}

std::optional<Portfolio> RecordedCatalog::find_portfolio(const Place& place,
                                                         const std::string& portfolio_id) {
  for (Portfolio& portfolio : list_portfolios(place)) {
    if (portfolio.portfolio_id == portfolio_id) return std::move(portfolio);
  }
  return std::nullopt;
}

std::vector<Portfolio> RecordedCatalog::list_portfolios(const Place& place) {
  std::vector<Portfolio> portfolios;
  storage_.with(place, [&](CatalogState& state) {
    for (const auto& [id, record] : state.portfolios) {
      if (sees(record, place.account_id)) portfolios.push_back(record.portfolio);
    }
  });
  return portfolios;
}

void RecordedCatalog::remove_portfolio(const Place& place, const std::string& portfolio_id) {
  storage_.with(place, [&](CatalogState& state) {
    if (!state.portfolios.contains(portfolio_id)) return;
    const PortfolioRecord& record = own_portfolio(state, place, portfolio_id);
    if (!record.products.empty() || !record.shares.empty()) {
      throw Error(ErrorKind::conflict, "portfolio {} has {} products and {} shares", portfolio_id,
                  record.products.size(), record.shares.size())
          .hint("take them out first");
    }
    state.portfolios.erase(portfolio_id);
  });
}

void RecordedCatalog::set_tag_options(const Place& place, const std::string& portfolio_id,
                                      const Tags& options) {
  storage_.with(place, [&](CatalogState& state) {
    own_portfolio(state, place, portfolio_id).portfolio.tag_options = options;
  });
}

void RecordedCatalog::add_product(const Place& place, const std::string& portfolio_id,
                                  const std::string& product_id,
                                  const std::string& source_portfolio_id) {
  storage_.with(place, [&](CatalogState& state) {
    PortfolioRecord& record = own_portfolio(state, place, portfolio_id);
    if (!source_portfolio_id.empty()) {
      const PortfolioRecord& source = seen_portfolio(state, place, source_portfolio_id);
      if (!source.products.contains(product_id)) {
        throw Error(ErrorKind::not_found, "portfolio {} has no product {}", source_portfolio_id,
                    product_id);
      }
    }
    if (!sees_product(state, product_id, place.account_id)) {
      throw Error(ErrorKind::not_found, "there is no product {} in {}", product_id,
                  to_string(place));
    }
    record.products.insert(product_id);
  });
}

void RecordedCatalog::remove_product(const Place& place, const std::string& portfolio_id,
                                     const std::string& product_id) {
  storage_.with(place, [&](CatalogState& state) {
    if (!state.portfolios.contains(portfolio_id)) return;
    PortfolioRecord& record = own_portfolio(state, place, portfolio_id);
    record.products.erase(product_id);
    record.launch_roles.erase(product_id);
  });
}

std::vector<std::string> RecordedCatalog::list_portfolio_products(const Place& place,
                                                                  const std::string& portfolio_id) {
  std::vector<std::string> products;
  storage_.with(place, [&](CatalogState& state) {
    products = listed(seen_portfolio(state, place, portfolio_id).products);
  });
  return products;
}

void RecordedCatalog::set_launch_role(const Place& place, const std::string& portfolio_id,
                                      const std::string& product_id, const std::string& role_name) {
  storage_.with(place, [&](CatalogState& state) {
    PortfolioRecord& record = own_portfolio(state, place, portfolio_id);
    if (!record.products.contains(product_id)) {
      throw Error(ErrorKind::not_found, "portfolio {} has no product {}", portfolio_id, product_id);
    }
    record.launch_roles[product_id] = role_name;
  });
}

std::string RecordedCatalog::launch_role(const Place& place, const std::string& portfolio_id,
                                         const std::string& product_id) {
  std::string role;
  storage_.with(place, [&](CatalogState& state) {
    const auto& roles = seen_portfolio(state, place, portfolio_id).launch_roles;
    auto found = roles.find(product_id);
    if (found != roles.end()) role = found->second;
  });
  return role;
}

void RecordedCatalog::grant(const Place& place, const std::string& portfolio_id,
                            const std::string& principal) {
  check_principal(principal);
  storage_.with(place, [&](CatalogState& state) {
    seen_portfolio(state, place, portfolio_id).grants[place.account_id].insert(principal);
  });
}

void RecordedCatalog::revoke(const Place& place, const std::string& portfolio_id,
                             const std::string& principal) {
  storage_.with(place, [&](CatalogState& state) {
    auto found = state.portfolios.find(portfolio_id);
    if (found == state.portfolios.end()) return;
    auto granted = found->second.grants.find(place.account_id);
    if (granted == found->second.grants.end()) return;
    granted->second.erase(principal);
    if (granted->second.empty()) found->second.grants.erase(granted);
  });
}

std::vector<std::string> RecordedCatalog::list_grants(const Place& place,
                                                      const std::string& portfolio_id) {
  std::vector<std::string> grants;
  storage_.with(place, [&](CatalogState& state) {
    const auto& by_account = seen_portfolio(state, place, portfolio_id).grants;
    auto found = by_account.find(place.account_id);
    if (found != by_account.end()) grants = listed(found->second);
  });
  return grants;
}

void RecordedCatalog::share_portfolio(const Place& place, const std::string& portfolio_id,
                                      const std::string& recipient) {
  check_portfolio_recipient(recipient);
  storage_.with(place, [&](CatalogState& state) {
    own_portfolio(state, place, portfolio_id).shares.insert(recipient);
  });
}

void RecordedCatalog::unshare_portfolio(const Place& place, const std::string& portfolio_id,
                                        const std::string& recipient) {
  storage_.with(place, [&](CatalogState& state) {
    if (!state.portfolios.contains(portfolio_id)) return;
    PortfolioRecord& record = own_portfolio(state, place, portfolio_id);
    record.shares.erase(recipient);
    for (auto each = record.accepted.begin(); each != record.accepted.end();) {
      const bool is_by_it = each->second == recipient;
      if (is_by_it) record.grants.erase(each->first);
      each = is_by_it ? record.accepted.erase(each) : std::next(each);
    }
  });
}

std::vector<std::string> RecordedCatalog::list_portfolio_shares(const Place& place,
                                                                const std::string& portfolio_id) {
  std::vector<std::string> shares;
  storage_.with(place, [&](CatalogState& state) {
    shares = listed(own_portfolio(state, place, portfolio_id).shares);
  });
  return shares;
}

void RecordedCatalog::accept_portfolio(const Place& place, const std::string& portfolio_id) {
  storage_.with(place, [&](CatalogState& state) {
    auto found = state.portfolios.find(portfolio_id);
    if (found == state.portfolios.end()) throw no_portfolio(place, portfolio_id);
    const std::set<std::string>& shares = found->second.shares;
    const auto share = std::find_if(shares.begin(), shares.end(), [&](const std::string& each) {
      return each == place.account_id ||
             (is_unit_id(each) && storage_.is_member(each, place.account_id));
    });
    if (share == shares.end()) throw no_portfolio(place, portfolio_id);
    if (!has_accepted(found->second, place.account_id)) {
      found->second.accepted[place.account_id] = *share;
    }
  });
}

void RecordedCatalog::leave_portfolio(const Place& place, const std::string& portfolio_id) {
  storage_.with(place, [&](CatalogState& state) {
    auto found = state.portfolios.find(portfolio_id);
    if (found == state.portfolios.end() || !found->second.accepted.contains(place.account_id)) {
      return;
    }
    found->second.accepted.erase(place.account_id);
    found->second.grants.erase(place.account_id);
  });
}

std::string RecordedCatalog::caller(const Place& place, const std::string& user) {
  return fmt::format("arn:aws:iam::{}:user/{}", place.account_id, user);
}

std::vector<Offer> RecordedCatalog::list_offers(const Place& place, const std::string& principal) {
  check_principal(principal);
  std::vector<Offer> offers;
  storage_.with(place, [&](CatalogState& state) {
    for (const auto& [id, record] : state.portfolios) {
      auto granted = record.grants.find(place.account_id);
      if (!sees(record, place.account_id) || granted == record.grants.end() ||
          !granted->second.contains(principal)) {
        continue;
      }
      for (const std::string& product_id : record.products) {
        if (!sees_product(state, product_id, place.account_id)) continue;
        const ProductRecord& product = state.products.at(product_id);
        Offer offer{.portfolio_id = id, .product = product.product, .versions = {}};
        for (const VersionRecord& version : product.versions) {
          if (version.version.state != VersionState::inactive) {
            offer.versions.push_back(version.version);
          }
        }
        offers.push_back(std::move(offer));
      }
    }
  });
  return offers;
}

std::string RecordedCatalog::image_of(const Place& place, const std::string& image) {
  if (!image.starts_with("/")) return image;
  std::optional<Parameter> parameter = cloud_.get_parameter(place, image);
  if (parameter) return parameter->value;
  throw Error(ErrorKind::not_found, "parameter {}, which names the image, is not in {}", image,
              to_string(place))
      .hint("distribute the image there first");
}

ProvisionedRecord RecordedCatalog::record_launch(const Place& place, const ProductLaunch& launch,
                                                 const std::string& token) {
  for (const auto& [name, value] : launch.parameters) {
    if (name != kMachineSizeParameter) {
      throw Error(ErrorKind::usage, "this cloud has no use for the launch parameter {}", name)
          .hint(fmt::format("{} is the one it knows", kMachineSizeParameter));
    }
  }
  ProvisionedRecord record;
  storage_.with(place, [&](CatalogState& state) {
    const std::string id = id_at("pp", place, token);
    if (auto made = state.provisioned.find(id); made != state.provisioned.end()) {
      record = made->second;
      return;
    }
    const VersionId& version = launch.version;
    const PortfolioRecord* portfolio = granting(state, place, version.product_id, launch.principal);
    if (!portfolio) {
      throw Error(ErrorKind::denied, "no portfolio in {} lets {} launch product {}",
                  to_string(place), launch.principal, version.product_id)
          .hint("an administrator of the catalog can grant a portfolio that has it");
    }
    auto at = version_at(state, place, version);
    if (!at) {
      throw Error(ErrorKind::not_found, "there is no version {} of product {} in {}",
                  version.version_id, version.product_id, to_string(place));
    }
    const VersionRecord& offered = state.products.at(version.product_id).versions[*at];
    if (offered.version.state == VersionState::inactive) {
      throw Error(ErrorKind::denied, "version {} is inactive", offered.version.name)
          .hint("launch a newer one");
    }
    for (const auto& [other, present] : state.provisioned) {
      if (present.account_id != place.account_id || present.provisioned.name != launch.name) {
        continue;
      }
      throw Error(ErrorKind::conflict, "there is a provisioned product {} in {} already",
                  launch.name, to_string(place));
    }
    record.provisioned = {.provisioned_id = id,
                          .name = launch.name,
                          .version = version,
                          .tags = launch.tags,
                          .created_at = clock_.now()};
    record.account_id = place.account_id;
    record.principal = launch.principal;
    record.token = token;
    record.machine = {.image_id = offered.spec.image,
                      .machine_size = offered.spec.machine_size,
                      .name = launch.name,
                      .tags = portfolio->portfolio.tag_options};
    auto size = launch.parameters.find(std::string(kMachineSizeParameter));
    if (size != launch.parameters.end()) record.machine.machine_size = size->second;
    record.machine.tags.insert(launch.tags.begin(), launch.tags.end());
    record.machine.tags[kProvisionedTag] = id;
    state.provisioned[id] = record;
  });
  return record;
}

std::string RecordedCatalog::launch_product(const Place& place, const ProductLaunch& launch,
                                            const std::string& token, std::stop_token stop) {
  check_product_launch(launch);
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before it began");
  ProvisionedRecord record = record_launch(place, launch, token);
  const std::string id = record.provisioned.provisioned_id;
  if (!record.machine_id.empty()) return id;
  try {
    record.machine.image_id = image_of(place, record.machine.image_id);
    record.machine_id = cloud_.launch_machine(place, record.machine, "catalog/" + token, stop);
  } catch (const Error& e) {
    // What can be tried again is taken up with the same token.
    if (!traits(e.kind()).retry && e.kind() != ErrorKind::cancelled) forget(place, id);
    throw;
  }
  storage_.with(place, [&](CatalogState& state) {
    auto found = state.provisioned.find(id);
    if (found != state.provisioned.end()) found->second.machine_id = record.machine_id;
  });
  return id;
}

void RecordedCatalog::forget(const Place& place, const std::string& provisioned_id) {
  storage_.with(place, [&](CatalogState& state) { state.provisioned.erase(provisioned_id); });
}

ProvisionedProduct RecordedCatalog::look(const Place& place, const ProvisionedRecord& record) {
  ProvisionedProduct provisioned = record.provisioned;
  if (record.machine_id.empty()) return provisioned;
  provisioned.outputs[std::string(kMachineOutput)] = record.machine_id;
  std::optional<Machine> machine = cloud_.find_machine(place, record.machine_id);
  // It may not be seen yet right after its launch.
  if (!machine || machine->state == MachineState::pending) return provisioned;
  if (machine->state == MachineState::failed || machine->state == MachineState::terminated) {
    provisioned.state = ProvisionedState::failed;
    provisioned.state_reason = fmt::format("machine {} is {}: {}", record.machine_id,
                                           to_string(machine->state), machine->state_reason);
  } else {
    provisioned.state = ProvisionedState::available;
  }
  return provisioned;
}

std::optional<ProvisionedProduct> RecordedCatalog::find_provisioned(
    const Place& place, const std::string& provisioned_id) {
  std::optional<ProvisionedRecord> record;
  storage_.with(place, [&](CatalogState& state) {
    auto found = state.provisioned.find(provisioned_id);
    if (found != state.provisioned.end() && found->second.account_id == place.account_id) {
      record = found->second;
    }
  });
  if (!record) return std::nullopt;
  return look(place, *record);
}

std::vector<ProvisionedProduct> RecordedCatalog::list_provisioned(const Place& place) {
  std::vector<ProvisionedRecord> records;
  storage_.with(place, [&](CatalogState& state) {
    for (const auto& [id, record] : state.provisioned) {
      if (record.account_id == place.account_id) records.push_back(record);
    }
  });
  std::vector<ProvisionedProduct> result;
  for (const ProvisionedRecord& record : records) {
    result.push_back(look(place, record));
    result.back().outputs.clear();
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return result;
}

void RecordedCatalog::remove_provisioned(const Place& place, const std::string& provisioned_id) {
  std::optional<ProvisionedRecord> record;
  storage_.with(place, [&](CatalogState& state) {
    auto found = state.provisioned.find(provisioned_id);
    if (found != state.provisioned.end() && found->second.account_id == place.account_id) {
      record = found->second;
    }
  });
  if (!record) return;
  if (!record->machine_id.empty()) {
    cloud_.remove_machine(place, record->machine_id);
  } else {
    // Who launched it may have died before it could write down which machine it is.
    for (const Machine& machine :
         cloud_.list_machines(place, {.tags = {{kProvisionedTag, provisioned_id}}})) {
      cloud_.remove_machine(place, machine.machine_id);
    }
  }
  forget(place, provisioned_id);
}

}  // namespace hallmark::cloud
