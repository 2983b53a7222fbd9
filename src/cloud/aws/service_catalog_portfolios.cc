#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "cloud/aws/service_catalog_parts.h"

namespace hallmark::cloud::on_aws {

namespace {

Portfolio portfolio_from(const Value& description) {
  const Value& detail = description.at("PortfolioDetail");
  Portfolio portfolio{.portfolio_id = text(detail, "Id"),
                      .name = text(detail, "DisplayName"),
                      .provider = text(detail, "ProviderName"),
                      .description = text(detail, "Description"),
                      .owner_id = account_in(text(detail, "ARN")),
                      .tags = catalog_tags(description.value("Tags", Value::array())),
                      .tag_options = {}};
  for (const Value& option : description.value("TagOptions", Value::array())) {
    portfolio.tag_options[text(option, "Key")] = text(option, "Value");
  }
  return portfolio;
}

std::vector<Value> own_portfolios(const Session& session, const Place& place) {
  return catalog_list(session, place, "ListPortfolios", Value::object(), "PortfolioDetails");
}

/// Service Catalog API Reference, OrganizationNode.
constexpr const char* kOrganizationNode = "ORGANIZATION";
constexpr const char* kUnitNode = "ORGANIZATIONAL_UNIT";
/// Shared with the account itself; with its organization or unit.
constexpr std::array<const char*, 2> kShareTypes = {"IMPORTED", "AWS_ORGANIZATIONS"};

bool has(const std::vector<Value>& details, const std::string& portfolio_id) {
  return std::any_of(details.begin(), details.end(),
                     [&](const Value& detail) { return text(detail, "Id") == portfolio_id; });
}

std::vector<Value> accepted_portfolios(const Session& session, const Place& place) {
  std::vector<Value> accepted;
  for (const char* type : kShareTypes) {
    for (Value& one : catalog_list(session, place, "ListAcceptedPortfolioShares",
                                   {{"PortfolioShareType", type}}, "PortfolioDetails")) {
      if (!has(accepted, text(one, "Id"))) accepted.push_back(std::move(one));
    }
  }
  return accepted;
}

std::vector<Value> constraints_of(const Session& session, const Place& place,
                                  const std::string& portfolio_id, const std::string& product_id) {
  return catalog_list(session, place, "ListConstraintsForPortfolio",
                      {{"PortfolioId", portfolio_id}, {"ProductId", product_id}},
                      "ConstraintDetails");
}

struct LaunchConstraint {
  std::string id;
  std::string role_name;
};

std::optional<LaunchConstraint> launch_constraint(const Session& session, const Place& place,
                                                  const std::string& portfolio_id,
                                                  const std::string& product_id) {
  for (const Value& one : constraints_of(session, place, portfolio_id, product_id)) {
    if (text(one, "Type") != "LAUNCH") continue;
    const std::string id = text(one, "ConstraintId");
    auto described = catalog_call(session, place, "DescribeConstraint", {{"Id", id}});
    if (!described) continue;
    Value parameters = Value::parse(text(*described, "ConstraintParameters"), nullptr, false);
    std::string role = text(parameters, "LocalRoleName");
    // Other tools say the whole ARN.
    if (role.empty()) role = text(parameters, "RoleArn");
    return LaunchConstraint{id, role.substr(role.rfind('/') + 1)};
  }
  return std::nullopt;
}

}  // namespace

std::string create_portfolio(const Session& session, const Place& place, const PortfolioSpec& spec,
                             const std::string& token) {
  check_portfolio(spec);
  const std::string mark = client_token(token, "portfolio");
  // AWS forgets its own token; the tag stays.
  for (const Value& detail : own_portfolios(session, place)) {
    if (text(detail, "DisplayName") != spec.name) continue;
    auto known = catalog_call(session, place, "DescribePortfolio", {{"Id", text(detail, "Id")}});
    if (known && tag_value(known->value("Tags", Value::array()), kCallTokenTag) == mark) {
      return text(detail, "Id");
    }
  }
  Tags tags = spec.tags;
  tags[kCallTokenTag] = mark;
  Value input = {{"DisplayName", spec.name},
                 {"ProviderName", spec.provider},
                 {"Tags", tag_list(tags)},
                 {"IdempotencyToken", mark}};
  if (!spec.description.empty()) input["Description"] = spec.description;
  Value answer = session.call(place, "servicecatalog", "CreatePortfolio", input);
  return text(answer.at("PortfolioDetail"), "Id");
}

std::optional<Portfolio> find_portfolio(const Session& session, const Place& place,
                                        const std::string& portfolio_id) {
  auto description = catalog_call(session, place, "DescribePortfolio", {{"Id", portfolio_id}});
  if (!description) return std::nullopt;
  Portfolio portfolio = portfolio_from(*description);
  // What was shared and not accepted can be described as well.
  if (portfolio.owner_id != place.account_id &&
      !has(accepted_portfolios(session, place), portfolio_id)) {
    return std::nullopt;
  }
  return portfolio;
}

std::vector<Portfolio> list_portfolios(const Session& session, const Place& place) {
  std::vector<Value> details = own_portfolios(session, place);
  for (Value& accepted : accepted_portfolios(session, place)) {
    details.push_back(std::move(accepted));
  }
  std::vector<Portfolio> portfolios;
  for (const Value& detail : details) {
    auto known = catalog_call(session, place, "DescribePortfolio", {{"Id", text(detail, "Id")}});
    if (known) portfolios.push_back(portfolio_from(*known));
  }
  return portfolios;
}

void remove_portfolio(const Session& session, const Place& place, const std::string& portfolio_id) {
  auto portfolio = find_portfolio(session, place, portfolio_id);
  if (!portfolio) return;
  if (portfolio->owner_id != place.account_id) {
    throw Error(ErrorKind::denied, "portfolio {} belongs to account {}", portfolio_id,
                portfolio->owner_id);
  }
  const std::size_t products = list_portfolio_products(session, place, portfolio_id).size();
  const std::size_t shares = list_portfolio_shares(session, place, portfolio_id).size();
  if (products + shares > 0) {
    throw Error(ErrorKind::conflict, "portfolio {} has {} products and {} shares", portfolio_id,
                products, shares)
        .hint("take them out first");
  }
  for (const std::string& principal : list_grants(session, place, portfolio_id)) {
    revoke(session, place, portfolio_id, principal);
  }
  set_tag_options(session, place, portfolio_id, {});
  catalog_call(session, place, "DeletePortfolio", {{"Id", portfolio_id}});
}

void add_product(const Session& session, const Place& place, const std::string& portfolio_id,
                 const std::string& product_id, const std::string& source_portfolio_id) {
  Value input = {{"ProductId", product_id}, {"PortfolioId", portfolio_id}};
  if (!source_portfolio_id.empty()) input["SourcePortfolioId"] = source_portfolio_id;
  try {
    session.call(place, "servicecatalog", "AssociateProductWithPortfolio", input);
  } catch (const ApiError& e) {
    if (e.code() != "DuplicateResourceException") throw;
  }
}

void remove_product(const Session& session, const Place& place, const std::string& portfolio_id,
                    const std::string& product_id) {
  for (const Value& one : constraints_of(session, place, portfolio_id, product_id)) {
    catalog_call(session, place, "DeleteConstraint", {{"Id", text(one, "ConstraintId")}});
  }
  catalog_call(session, place, "DisassociateProductFromPortfolio",
               {{"ProductId", product_id}, {"PortfolioId", portfolio_id}});
}

std::vector<std::string> list_portfolio_products(const Session& session, const Place& place,
                                                 const std::string& portfolio_id) {
  std::vector<std::string> ids;
  for (const Value& detail : catalog_list(session, place, "SearchProductsAsAdmin",
                                          {{"PortfolioId", portfolio_id}}, "ProductViewDetails")) {
    ids.push_back(listed_product(detail).product_id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

void set_launch_role(const Session& session, const Place& place, const std::string& portfolio_id,
                     const std::string& product_id, const std::string& role_name) {
  auto present = launch_constraint(session, place, portfolio_id, product_id);
  if (present && present->role_name == role_name) return;
  if (present) catalog_call(session, place, "DeleteConstraint", {{"Id", present->id}});
  const Value parameters = {{"LocalRoleName", role_name}};
  try {
    session.call(place, "servicecatalog", "CreateConstraint",
                 {{"PortfolioId", portfolio_id},
                  {"ProductId", product_id},
                  {"Type", "LAUNCH"},
                  {"Parameters", parameters.dump()},
                  // A constraint like one that was deleted is a new one.
                  {"IdempotencyToken", random_id("constraint")}});
  } catch (const ApiError& e) {
    // The answer to an earlier try may have been lost.
    if (e.kind() != ErrorKind::conflict ||
        launch_role(session, place, portfolio_id, product_id) != role_name) {
      throw;
    }
  }
}

std::string launch_role(const Session& session, const Place& place, const std::string& portfolio_id,
                        const std::string& product_id) {
  auto present = launch_constraint(session, place, portfolio_id, product_id);
  return present ? present->role_name : "";
}

void grant(const Session& session, const Place& place, const std::string& portfolio_id,
           const std::string& principal) {
  check_principal(principal);
  session.call(
      place, "servicecatalog", "AssociatePrincipalWithPortfolio",
      {{"PortfolioId", portfolio_id}, {"PrincipalARN", principal}, {"PrincipalType", "IAM"}});
}

void revoke(const Session& session, const Place& place, const std::string& portfolio_id,
            const std::string& principal) {
  catalog_call(session, place, "DisassociatePrincipalFromPortfolio",
               {{"PortfolioId", portfolio_id}, {"PrincipalARN", principal}});
}

std::vector<std::string> list_grants(const Session& session, const Place& place,
                                     const std::string& portfolio_id) {
  std::vector<std::string> principals;
  for (const Value& one : catalog_list(session, place, "ListPrincipalsForPortfolio",
                                       {{"PortfolioId", portfolio_id}}, "Principals")) {
    principals.push_back(text(one, "PrincipalARN"));
  }
  std::sort(principals.begin(), principals.end());
  return principals;
}

namespace {

/// A share with many accounts is made after the call; this long it is waited for.
constexpr Duration kShareLimit{2 * 60'000};
constexpr Duration kSharePause{2'000};

Value share_input(const std::string& portfolio_id, const std::string& recipient) {
  check_portfolio_recipient(recipient);
  if (!is_unit_id(recipient)) return {{"PortfolioId", portfolio_id}, {"AccountId", recipient}};
  const char* type = recipient.starts_with("ou-") ? kUnitNode : kOrganizationNode;
  return {{"PortfolioId", portfolio_id},
          {"OrganizationNode", {{"Type", type}, {"Value", recipient}}}};
}

void await_share(const Session& session, const Place& place, const std::string& token,
                 const std::string& recipient) {
  const TimePoint deadline = session.clock.now() + kShareLimit;
  while (true) {
    const Value answer = session.call(place, "servicecatalog", "DescribePortfolioShareStatus",
                                      {{"PortfolioShareToken", token}});
    const std::string status = text(answer, "Status");
    if (status == "COMPLETED") return;
    if (status == "COMPLETED_WITH_ERRORS" || status == "ERROR") {
      std::vector<std::string> errors;
      const Value details = answer.value("ShareDetails", Value::object());
      for (const Value& one : details.value("ShareErrors", Value::array())) {
        errors.push_back(text(one, "Message"));
      }
      throw Error(ErrorKind::failed, "the portfolio's share with {} ended as {}: {}", recipient,
                  status, join(errors, "; "));
    }
    if (session.clock.now() >= deadline) {
      throw Error(ErrorKind::unavailable, "the portfolio's share with {} is {} still", recipient,
                  status);
    }
    session.clock.sleep_until(session.clock.now() + kSharePause, {});
  }
}

}  // namespace

void share_portfolio(const Session& session, const Place& place, const std::string& portfolio_id,
                     const std::string& recipient) {
  try {
    const Value answer = session.call(place, "servicecatalog", "CreatePortfolioShare",
                                      share_input(portfolio_id, recipient));
    const std::string token = text(answer, "PortfolioShareToken");
    if (!token.empty()) await_share(session, place, token, recipient);
  } catch (const ApiError& e) {
    if (e.code() != "OperationNotSupportedException" || !is_unit_id(recipient)) throw;
    throw Error(ErrorKind::denied, "{}", e.message())
        .hint(
            "portfolios are shared with units by the organization's management account or a "
            "delegated administrator, once EnableAWSOrganizationsAccess was called");
  }
}

void unshare_portfolio(const Session& session, const Place& place, const std::string& portfolio_id,
                       const std::string& recipient) {
  catalog_call(session, place, "DeletePortfolioShare", share_input(portfolio_id, recipient));
}

std::vector<std::string> list_portfolio_shares(const Session& session, const Place& place,
                                               const std::string& portfolio_id) {
  std::vector<std::string> recipients;
  for (const Value& one : catalog_list(session, place, "ListPortfolioAccess",
                                       {{"PortfolioId", portfolio_id}}, "AccountIds")) {
    recipients.push_back(one.get<std::string>());
  }
  for (const char* type : {kOrganizationNode, kUnitNode}) {
    try {
      for (const Value& one :
           catalog_list(session, place, "DescribePortfolioShares",
                        {{"PortfolioId", portfolio_id}, {"Type", type}}, "PortfolioShareDetails")) {
        recipients.push_back(text(one, "PrincipalId"));
      }
    } catch (const ApiError& e) {
      // An account that may not share with units has none to tell.
      if (e.code() != "OperationNotSupportedException") throw;
    }
  }
  std::sort(recipients.begin(), recipients.end());
  return recipients;
}

void accept_portfolio(const Session& session, const Place& place, const std::string& portfolio_id) {
  auto accept = [&](const char* type) {
    session.call(place, "servicecatalog", "AcceptPortfolioShare",
                 {{"PortfolioId", portfolio_id}, {"PortfolioShareType", type}});
  };
  try {
    accept(kShareTypes.front());
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    accept(kShareTypes.back());
  }
}

void leave_portfolio(const Session& session, const Place& place, const std::string& portfolio_id) {
  for (const char* type : kShareTypes) {
    if (!has(catalog_list(session, place, "ListAcceptedPortfolioShares",
                          {{"PortfolioShareType", type}}, "PortfolioDetails"),
             portfolio_id)) {
      continue;
    }
    catalog_call(session, place, "RejectPortfolioShare",
                 {{"PortfolioId", portfolio_id}, {"PortfolioShareType", type}});
  }
}

}  // namespace hallmark::cloud::on_aws
