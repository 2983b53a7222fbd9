#include "base/error.h"
#include "cloud/aws/service_catalog_parts.h"

namespace hallmark::cloud::on_aws {

namespace {

/// The id of the account's tag option with this key and value, made if there is none.
std::string tag_option(const Session& session, const Place& place, const std::string& key,
                       const std::string& value) {
  const Value filters = {{"Filters", {{"Key", key}, {"Value", value}}}};
  // Twice, if somebody else makes it at the same time.
  for (int attempt = 1;; ++attempt) {
    for (const Value& one :
         catalog_list(session, place, "ListTagOptions", filters, "TagOptionDetails", "PageToken")) {
      if (text(one, "Key") != key || text(one, "Value") != value) continue;
      if (!one.value("Active", true)) {
        session.call(place, "servicecatalog", "UpdateTagOption",
                     {{"Id", text(one, "Id")}, {"Active", true}});
      }
      return text(one, "Id");
    }
    try {
      Value answer = session.call(place, "servicecatalog", "CreateTagOption",
                                  {{"Key", key}, {"Value", value}});
      return text(answer.at("TagOptionDetail"), "Id");
    } catch (const ApiError& e) {
      if (e.kind() != ErrorKind::conflict || attempt > 1) throw;
    }
  }
}

/// Unless something else uses it.
void drop_tag_option(const Session& session, const Place& place, const std::string& id) {
  if (!catalog_list(session, place, "ListResourcesForTagOption", {{"TagOptionId", id}},
                    "ResourceDetails", "PageToken")
           .empty()) {
    return;
  }
  try {
    catalog_call(session, place, "DeleteTagOption", {{"Id", id}});
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::conflict) throw;  // somebody uses it since
  }
}

}  // namespace

void set_tag_options(const Session& session, const Place& place, const std::string& portfolio_id,
                     const Tags& options) {
  Value portfolio =
      session.call(place, "servicecatalog", "DescribePortfolio", {{"Id", portfolio_id}});
  Tags missing = options;
  for (const Value& one : portfolio.value("TagOptions", Value::array())) {
    const std::string key = text(one, "Key");
    auto wanted = missing.find(key);
    if (wanted != missing.end() && wanted->second == text(one, "Value")) {
      missing.erase(wanted);
      continue;
    }
    const std::string id = text(one, "Id");
    catalog_call(session, place, "DisassociateTagOptionFromResource",
                 {{"ResourceId", portfolio_id}, {"TagOptionId", id}});
    drop_tag_option(session, place, id);
  }
  for (const auto& [key, value] : missing) {
    try {
      session.call(
          place, "servicecatalog", "AssociateTagOptionWithResource",
          {{"ResourceId", portfolio_id}, {"TagOptionId", tag_option(session, place, key, value)}});
    } catch (const ApiError& e) {
      if (e.code() != "DuplicateResourceException") throw;
    }
  }
}

}  // namespace hallmark::cloud::on_aws
