#include "base/error.h"
#include "cloud/recorded_catalog.h"

namespace hallmark::cloud {

namespace {

Json to_json(const VersionRecord& record) {
  return {{"version_id", record.version.version_id},
          {"name", record.version.name},
          {"description", record.version.description},
          {"state", std::string(to_string(record.version.state))},
          {"created_at", to_rfc3339(record.version.created_at)},
          {"template_text", record.spec.template_text},
          {"image", record.spec.image},
          {"machine_size", record.spec.machine_size},
          {"token", record.token}};
}

VersionRecord version_record_from(const Json& json) {
  VersionRecord record;
  record.version = {.version_id = member<std::string>(json, "version_id"),
                    .name = member<std::string>(json, "name"),
                    .description = member<std::string>(json, "description"),
                    .state = version_state_from(member<std::string>(json, "state")),
                    .created_at = from_rfc3339(member<std::string>(json, "created_at"))};
  record.spec = {.name = record.version.name,
                 .template_text = member<std::string>(json, "template_text"),
                 .image = member<std::string>(json, "image"),
                 .machine_size = member<std::string>(json, "machine_size")};
  record.token = member<std::string>(json, "token");
  return record;
}

}  // namespace

Json to_json(const ProductRecord& record) {
  Json versions = Json::array();
  for (const VersionRecord& version : record.versions) versions.push_back(to_json(version));
  return {{"product_id", record.product.product_id},
          {"product", record.product.key.product},
          {"os", record.product.key.os},
          {"name", record.product.name},
          {"owner_id", record.product.owner_id},
          {"tags", record.product.tags},
          {"versions", std::move(versions)}};
}

ProductRecord product_record_from(const Json& json) {
  ProductRecord record;
  record.product = {.product_id = member<std::string>(json, "product_id"),
                    .key = {.product = member<std::string>(json, "product"),
                            .os = member<std::string>(json, "os")},
                    .name = member<std::string>(json, "name"),
                    .owner_id = member<std::string>(json, "owner_id"),
                    .tags = member<Tags>(json, "tags")};
  for (const Json& version : member<Json::array_t>(json, "versions")) {
    record.versions.push_back(version_record_from(version));
  }
  return record;
}

Json to_json(const PortfolioRecord& record) {
  const Portfolio& portfolio = record.portfolio;
  return {{"portfolio_id", portfolio.portfolio_id},
          {"name", portfolio.name},
          {"provider", portfolio.provider},
          {"description", portfolio.description},
          {"owner_id", portfolio.owner_id},
          {"tags", portfolio.tags},
          {"tag_options", portfolio.tag_options},
          {"token", record.token},
          {"products", record.products},
          {"launch_roles", record.launch_roles},
          {"grants", record.grants},
          {"shares", record.shares},
          {"accepted", record.accepted}};
}

PortfolioRecord portfolio_record_from(const Json& json) {
  using Names = std::set<std::string>;
  PortfolioRecord record;
  record.portfolio = {.portfolio_id = member<std::string>(json, "portfolio_id"),
                      .name = member<std::string>(json, "name"),
                      .provider = member<std::string>(json, "provider"),
                      .description = member<std::string>(json, "description"),
                      .owner_id = member<std::string>(json, "owner_id"),
                      .tags = member<Tags>(json, "tags"),
                      .tag_options = member<Tags>(json, "tag_options")};
  record.token = member<std::string>(json, "token");
  record.products = member<Names>(json, "products");
  record.launch_roles = member<std::map<std::string, std::string>>(json, "launch_roles");
  record.grants = member<std::map<std::string, Names>>(json, "grants");
  record.shares = member<Names>(json, "shares");
  const Json accepted = member<Json>(json, "accepted");
  if (accepted.is_array()) {
    // Written when only accounts could be shared with.
    for (const std::string& account : accepted) record.accepted[account] = account;
  } else {
    record.accepted = member<std::map<std::string, std::string>>(json, "accepted");
  }
  return record;
}

Json to_json(const ProvisionedRecord& record) {
  const ProvisionedProduct& provisioned = record.provisioned;
  return {{"provisioned_id", provisioned.provisioned_id},
          {"name", provisioned.name},
          {"product_id", provisioned.version.product_id},
          {"version_id", provisioned.version.version_id},
          {"tags", provisioned.tags},
          {"created_at", to_rfc3339(provisioned.created_at)},
          {"account_id", record.account_id},
          {"principal", record.principal},
          {"token", record.token},
          {"image_id", record.machine.image_id},
          {"machine_size", record.machine.machine_size},
          {"machine_tags", record.machine.tags},
          {"machine_id", record.machine_id}};
}

ProvisionedRecord provisioned_record_from(const Json& json) {
  ProvisionedRecord record;
  record.provisioned = {.provisioned_id = member<std::string>(json, "provisioned_id"),
                        .name = member<std::string>(json, "name"),
                        .version = {.product_id = member<std::string>(json, "product_id"),
                                    .version_id = member<std::string>(json, "version_id")},
                        .tags = member<Tags>(json, "tags"),
                        .created_at = from_rfc3339(member<std::string>(json, "created_at"))};
  record.account_id = member<std::string>(json, "account_id");
  record.principal = member<std::string>(json, "principal");
  record.token = member<std::string>(json, "token");
  record.machine = {.image_id = member<std::string>(json, "image_id"),
                    .machine_size = member<std::string>(json, "machine_size"),
                    .name = record.provisioned.name,
                    .tags = member<Tags>(json, "machine_tags")};
  record.machine_id = member<std::string>(json, "machine_id");
  return record;
}

}  // namespace hallmark::cloud
