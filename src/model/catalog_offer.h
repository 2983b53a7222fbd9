#pragma once
/// How versions are offered in the catalog: `catalog` in golden.yaml.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace hallmark::model {

struct CatalogOffer {
  std::string template_name;  ///< where the template came from, for people
  std::string template_text;  ///< checked, with kImagePlaceholder in it
  std::string machine_size;   ///< that the template launches by default; may be empty
  std::string portfolio = "Golden-AMI-Distribution-Portfolio";
  std::string provider = "CCOE";                   ///< who answers for the portfolio
  std::map<std::string, std::string> tags;         ///< of the portfolio
  std::map<std::string, std::string> tag_options;  ///< what is launched gets these tags
  /// A role's name, the same in each account, as which launches act; empty: as who launches.
  std::string launch_role;
  /// Who may launch: "role/dev", "user/ada" or "group/x" of every account that has the image, or a
  /// whole ARN, which is of one account.
  std::vector<std::string> principals;
  bool operator==(const CatalogOffer&) const = default;
};

/// Hallmark's own template, templates/product.json: one machine.
std::string_view default_product_template();

void to_json(Json& json, const CatalogOffer& value);
void from_json(const Json& json, CatalogOffer& value);

}  // namespace hallmark::model
