#include <algorithm>

#include "base/error.h"
#include "cloud/aws/service_catalog_parts.h"

namespace hallmark::cloud::on_aws {

namespace {

ProvisionedState state_of(const std::string& status) {
  if (status == "AVAILABLE") return ProvisionedState::available;
  // TAINTED stands, but not as it was asked for.
  if (status == "ERROR" || status == "TAINTED") return ProvisionedState::failed;
  return ProvisionedState::changing;
}

/// Of a provisioned product's detail or listed attributes.
ProvisionedProduct provisioned_from(const Value& one) {
  return {.provisioned_id = text(one, "Id"),
          .name = text(one, "Name"),
          .version = {text(one, "ProductId"), text(one, "ProvisioningArtifactId")},
          .state = state_of(text(one, "Status")),
          .state_reason = text(one, "StatusMessage"),
          .tags = catalog_tags(one.value("Tags", Value::array())),
          .created_at = time_of(one, "CreatedTime"),
          .outputs = {}};
}

std::vector<Value> all_provisioned(const Session& session, const Place& place) {
  return catalog_list(session, place, "SearchProvisionedProducts",
                      {{"AccessLevelFilter", {{"Key", "Account"}, {"Value", "self"}}}},
                      "ProvisionedProducts");
}

/// The id of what an earlier call with the token made, although AWS has forgotten the token.
std::optional<std::string> made_before(const Session& session, const Place& place,
                                       const std::string& name, const std::string& mark) {
  for (const Value& one : all_provisioned(session, place)) {
    if (text(one, "Name") == name &&
        tag_value(one.value("Tags", Value::array()), kCallTokenTag) == mark) {
      return text(one, "Id");
    }
  }
  return std::nullopt;
}

/// The offer that the launch goes by. Throws as launch_product says.
Offer offer_for(const Session& session, const Place& place, const ProductLaunch& launch) {
  const std::string& product_id = launch.version.product_id;
  for (Offer& offer : list_offers(session, place, launch.principal)) {
    if (offer.product.product_id != product_id) continue;
    const auto is_it = [&](const ProductVersion& version) {
      return version.version_id == launch.version.version_id;
    };
    if (std::any_of(offer.versions.begin(), offer.versions.end(), is_it)) return std::move(offer);
    const auto all = list_versions(session, place, product_id);
    if (std::none_of(all.begin(), all.end(), is_it)) {
      throw Error(ErrorKind::not_found, "there is no version {} of product {} in {}",
                  launch.version.version_id, product_id, to_string(place));
    }
    throw Error(ErrorKind::denied, "version {} is inactive", launch.version.version_id)
        .hint("launch a newer one");
  }
  throw Error(ErrorKind::denied, "no portfolio in {} lets {} launch product {}", to_string(place),
              launch.principal, product_id)
      .hint("an administrator of the catalog can grant a portfolio that has it");
}

/// Service Catalog's name for the way through a portfolio; empty if there is one way only.
std::string path_through(const Session& session, const Place& place, const Offer& offer) {
  const std::vector<Value> paths =
      catalog_list(session, place, "ListLaunchPaths", {{"ProductId", offer.product.product_id}},
                   "LaunchPathSummaries");
  if (paths.size() < 2) return "";
  auto portfolio = find_portfolio(session, place, offer.portfolio_id);
  for (const Value& path : paths) {
    if (portfolio && text(path, "Name") == portfolio->name) return text(path, "Id");
  }
  return text(paths.front(), "Id");
}

}  // namespace

std::string caller(const Session& session, const Place& place) {
  return principal_of(
      text(session.call(place, "sts", "GetCallerIdentity", Value::object()), "Arn"));
}

std::string principal_of(const std::string& arn) {
  constexpr std::string_view kSession = ":assumed-role/";
  const std::size_t at = arn.find(kSession);
  const std::size_t service = arn.find(":sts:");
  if (at == arn.npos || service == arn.npos) return arn;
  const std::size_t name = at + kSession.size();
  const std::string account = arn.substr(service + 5, at - service - 5);
  return arn.substr(0, service) + ":iam:" + account + ":role/" +
         arn.substr(name, arn.find('/', name) - name);
}

std::vector<Offer> list_offers(const Session& session, const Place& place,
                               const std::string& principal) {
  check_principal(principal);
  std::vector<Offer> offers;
  for (const Portfolio& portfolio : list_portfolios(session, place)) {
    const auto grants = list_grants(session, place, portfolio.portfolio_id);
    if (!std::binary_search(grants.begin(), grants.end(), principal)) continue;
    for (const Value& detail :
         catalog_list(session, place, "SearchProductsAsAdmin",
                      {{"PortfolioId", portfolio.portfolio_id}}, "ProductViewDetails")) {
      Offer offer{.portfolio_id = portfolio.portfolio_id,
                  .product = listed_product(detail),
                  .versions = {}};
      offer.versions = list_versions(session, place, offer.product.product_id);
      std::erase_if(offer.versions, [](const ProductVersion& version) {
        return version.state == VersionState::inactive;
      });
      offers.push_back(std::move(offer));
    }
  }
  return offers;
}

std::string launch_product(const Session& session, const Place& place, const ProductLaunch& launch,
                           const std::string& token, std::stop_token stop) {
  check_product_launch(launch);
  const std::string mark = client_token(token, "launch");
  if (auto made = made_before(session, place, launch.name, mark)) return *made;
  const Offer offer = offer_for(session, place, launch);
  Tags tags = launch.tags;
  tags[kCallTokenTag] = mark;
  Value parameters = Value::array();
  for (const auto& [key, value] : launch.parameters) {
    parameters.push_back({{"Key", key}, {"Value", value}});
  }
  Value input = {{"ProductId", launch.version.product_id},
                 {"ProvisioningArtifactId", launch.version.version_id},
                 {"ProvisionedProductName", launch.name},
                 {"ProvisioningParameters", parameters},
                 {"Tags", tag_list(tags)},
                 {"ProvisionToken", mark}};
  const std::string path = path_through(session, place, offer);
  if (!path.empty()) input["PathId"] = path;
  Value answer = session.call(place, "servicecatalog", "ProvisionProduct", input, stop);
  return text(answer.at("RecordDetail"), "ProvisionedProductId");
}

std::optional<ProvisionedProduct> find_provisioned(const Session& session, const Place& place,
                                                   const std::string& provisioned_id) {
  auto answer =
      catalog_call(session, place, "DescribeProvisionedProduct", {{"Id", provisioned_id}});
  if (!answer) return std::nullopt;
  const Value& detail = answer->at("ProvisionedProductDetail");
  ProvisionedProduct provisioned = provisioned_from(detail);
  auto record =
      catalog_call(session, place, "DescribeRecord", {{"Id", text(detail, "LastRecordId")}});
  if (!record) return provisioned;
  const Value& record_detail = record->at("RecordDetail");
  provisioned.tags = catalog_tags(record_detail.value("RecordTags", Value::array()));
  for (const Value& output : record->value("RecordOutputs", Value::array())) {
    provisioned.outputs[text(output, "OutputKey")] = text(output, "OutputValue");
  }
  for (const Value& error : record_detail.value("RecordErrors", Value::array())) {
    if (provisioned.state_reason.empty()) provisioned.state_reason = text(error, "Description");
  }
  return provisioned;
}

std::vector<ProvisionedProduct> list_provisioned(const Session& session, const Place& place) {
  std::vector<ProvisionedProduct> result;
  for (const Value& one : all_provisioned(session, place)) result.push_back(provisioned_from(one));
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return result;
}

void remove_provisioned(const Session& session, const Place& place,
                        const std::string& provisioned_id) {
  catalog_call(session, place, "TerminateProvisionedProduct",
               {{"ProvisionedProductId", provisioned_id},
                {"TerminateToken", client_token(provisioned_id, "terminate")}});
}

}  // namespace hallmark::cloud::on_aws
