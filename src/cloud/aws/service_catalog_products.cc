#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cloud/aws/service_catalog_parts.h"

namespace hallmark::cloud::on_aws {

namespace {

// What the original pipelines say; other tools may look for it.
constexpr const char* kOwner = "CCOE";
constexpr const char* kType = "CLOUD_FORMATION_TEMPLATE";

const Value& summary_of(const Value& product_view_detail) {
  return product_view_detail.at("ProductViewSummary");
}

/// The key that was written down, or the empty one.
ProductKey key_from(const Value& tag_list) {
  const std::string value = tag_value(tag_list, kProductKeyTag);
  const std::size_t slash = value.find('/');
  if (slash == value.npos) return {};
  return {.product = value.substr(0, slash), .os = value.substr(slash + 1)};
}

std::optional<Product> describe(const Session& session, const Place& place,
                                const std::string& product_id) {
  auto answer = catalog_call(session, place, "DescribeProductAsAdmin", {{"Id", product_id}});
  if (!answer) return std::nullopt;
  Product product = listed_product(answer->at("ProductViewDetail"));
  if (product.owner_id != place.account_id) return std::nullopt;
  const Value tags = answer->value("Tags", Value::array());
  product.key = key_from(tags);
  product.tags = catalog_tags(tags);
  return product;
}

std::vector<Value> own_products(const Session& session, const Place& place) {
  std::vector<Value> details =
      catalog_list(session, place, "SearchProductsAsAdmin", Value::object(), "ProductViewDetails");
  std::erase_if(details, [&](const Value& detail) {
    return account_in(text(detail, "ProductARN")) != place.account_id;
  });
  // Oldest first: of two that were made for one key at once, all take the same.
  std::sort(details.begin(), details.end(), [](const Value& a, const Value& b) {
    const auto made_at = [](const Value& one) { return time_of(one, "CreatedTime"); };
    return std::pair(made_at(a), text(a, "ProductARN")) <
           std::pair(made_at(b), text(b, "ProductARN"));
  });
  return details;
}

Value artifact_input(const VersionSpec& spec, const KeptTemplate& kept) {
  return {{"Name", spec.name},
          {"Description", "This is version " + spec.name},
          {"Info", {{"LoadTemplateFromURL", kept.url}}},
          {"Type", kType}};
}

VersionId create_product(const Session& session, const Place& place, const ProductKey& key,
                         const Tags& tags, const VersionSpec& spec, const KeptTemplate& kept,
                         const std::string& token, std::stop_token stop) {
  Tags all = tags;
  all[kProductKeyTag] = to_string(key);
  Value answer = session.call(
      place, "servicecatalog", "CreateProduct",
      {{"Name", product_name(key)},
       {"Owner", kOwner},
       {"Description", product_description(key)},
       {"ProductType", kType},
       {"Tags", tag_list(all)},
       {"ProvisioningArtifactParameters", artifact_input(spec, kept)},
       {"IdempotencyToken", client_token(token, "product/" + to_string(key) + kept.writing)}},
      stop);
  return {text(summary_of(answer.at("ProductViewDetail")), "ProductId"),
          text(answer.at("ProvisioningArtifactDetail"), "Id")};
}

VersionId create_version(const Session& session, const Place& place, const std::string& product_id,
                         const VersionSpec& spec, const KeptTemplate& kept,
                         const std::string& token, std::stop_token stop) {
  Value answer =
      session.call(place, "servicecatalog", "CreateProvisioningArtifact",
                   {{"ProductId", product_id},
                    {"Parameters", artifact_input(spec, kept)},
                    {"IdempotencyToken", client_token(token, product_id + kept.writing)}},
                   stop);
  return {product_id, text(answer.at("ProvisioningArtifactDetail"), "Id")};
}

std::vector<Value> artifacts_of(const Session& session, const Place& place,
                                const std::string& product_id) {
  auto answer =
      catalog_call(session, place, "ListProvisioningArtifacts", {{"ProductId", product_id}});
  std::vector<Value> artifacts;
  if (!answer) return artifacts;
  for (const Value& one : answer->value("ProvisioningArtifactDetails", Value::array())) {
    artifacts.push_back(one);
  }
  std::stable_sort(artifacts.begin(), artifacts.end(), [](const Value& a, const Value& b) {
    return time_of(a, "CreatedTime") < time_of(b, "CreatedTime");
  });
  return artifacts;
}

VersionState state_of(const Value& artifact) {
  if (!artifact.value("Active", true)) return VersionState::inactive;
  return text(artifact, "Guidance") == "DEPRECATED" ? VersionState::deprecated
                                                    : VersionState::active;
}

}  // namespace

Product listed_product(const Value& product_view_detail) {
  const Value& summary = summary_of(product_view_detail);
  return {.product_id = text(summary, "ProductId"),
          .key = {},
          .name = text(summary, "Name"),
          .owner_id = account_in(text(product_view_detail, "ProductARN")),
          .tags = {}};
}

VersionId publish_version(const Session& session, const Place& place, const ProductKey& key,
                          const Tags& tags, const VersionSpec& spec, const std::string& token,
                          std::stop_token stop) {
  check_product_key(key);
  check_version(spec);
  std::optional<Product> product = find_product(session, place, key);
  if (product) {
    for (const Value& one : artifacts_of(session, place, product->product_id)) {
      if (text(one, "Name") != spec.name) continue;
      if (is_template_of(session, place, key, spec.name, token)) {
        return {product->product_id, text(one, "Id")};
      }
      throw Error(ErrorKind::conflict, "product {} has a version {} already", product->name,
                  spec.name);
    }
  }
  const KeptTemplate kept = put_template(session, place, key, spec, token, stop);
  if (product) {
    return create_version(session, place, product->product_id, spec, kept, token, stop);
  }
  VersionId made = create_product(session, place, key, tags, spec, kept, token, stop);
  // Somebody may have made the product at the same time: the older one stays.
  product = find_product(session, place, key);
  if (!product || product->product_id == made.product_id) return made;
  catalog_call(session, place, "DeleteProduct", {{"Id", made.product_id}});
  return create_version(session, place, product->product_id, spec, kept, token, stop);
}

std::optional<Product> find_product(const Session& session, const Place& place,
                                    const ProductKey& key) {
  const std::string name = product_name(key);
  for (const Value& detail : own_products(session, place)) {
    if (text(summary_of(detail), "Name") != name) continue;
    auto product = describe(session, place, text(summary_of(detail), "ProductId"));
    if (product && product->key == key) return product;
  }
  return std::nullopt;
}

std::vector<Product> list_products(const Session& session, const Place& place) {
  std::vector<Product> products;
  for (const Value& detail : own_products(session, place)) {
    auto product = describe(session, place, text(summary_of(detail), "ProductId"));
    if (product) products.push_back(std::move(*product));
  }
  return products;
}

std::vector<ProductVersion> list_versions(const Session& session, const Place& place,
                                          const std::string& product_id) {
  std::vector<ProductVersion> versions;
  for (const Value& one : artifacts_of(session, place, product_id)) {
    versions.push_back({.version_id = text(one, "Id"),
                        .name = text(one, "Name"),
                        .description = text(one, "Description"),
                        .state = state_of(one),
                        .created_at = time_of(one, "CreatedTime")});
  }
  return versions;
}

void set_version_state(const Session& session, const Place& place, const VersionId& version,
                       VersionState state) {
  session.call(place, "servicecatalog", "UpdateProvisioningArtifact",
               {{"ProductId", version.product_id},
                {"ProvisioningArtifactId", version.version_id},
                {"Active", state != VersionState::inactive},
                {"Guidance", state == VersionState::active ? "DEFAULT" : "DEPRECATED"}});
}

void remove_version(const Session& session, const Place& place, const VersionId& version) {
  // A second round if somebody else removed the other version meanwhile, and this is the last.
  constexpr int kRounds = 2;
  for (int round = 1;; ++round) {
    auto product = describe(session, place, version.product_id);
    if (!product) return;
    const std::vector<Value> artifacts = artifacts_of(session, place, version.product_id);
    auto found = std::find_if(artifacts.begin(), artifacts.end(), [&](const Value& one) {
      return text(one, "Id") == version.version_id;
    });
    if (found == artifacts.end()) return;
    const bool last = artifacts.size() == 1;
    if (last) {
      auto portfolios = catalog_list(session, place, "ListPortfoliosForProduct",
                                     {{"ProductId", version.product_id}}, "PortfolioDetails");
      if (!portfolios.empty()) {
        throw Error(ErrorKind::conflict,
                    "version {} is the last of product {}, which portfolio {} has",
                    text(*found, "Name"), product->name, text(portfolios.front(), "Id"))
            .hint("take the product out of the portfolio first");
      }
    }
    // First, because afterwards nobody could say which template it was.
    if (!product->key.product.empty()) {
      remove_template(session, place, product->key, text(*found, "Name"));
    }
    try {
      if (last) {
        catalog_call(session, place, "DeleteProduct", {{"Id", version.product_id}});
      } else {
        catalog_call(
            session, place, "DeleteProvisioningArtifact",
            {{"ProductId", version.product_id}, {"ProvisioningArtifactId", version.version_id}});
      }
      return;
    } catch (const ApiError& e) {
      if (e.kind() != ErrorKind::conflict || last || round == kRounds) throw;
    }
  }
}

}  // namespace hallmark::cloud::on_aws
