#include "model/catalog_offer.h"

#include <utility>

namespace hallmark::model {

/// Made by embed_text in CMakeLists.txt.
const std::vector<std::pair<std::string_view, std::string_view>>& product_templates();

std::string_view default_product_template() { return product_templates().front().second; }

void to_json(Json& json, const CatalogOffer& value) {
  json = {{"template_name", value.template_name}, {"template_text", value.template_text},
          {"machine_size", value.machine_size},   {"portfolio", value.portfolio},
          {"provider", value.provider},           {"tags", value.tags},
          {"tag_options", value.tag_options},     {"launch_role", value.launch_role},
          {"principals", value.principals}};
}

void from_json(const Json& json, CatalogOffer& value) {
  using TextMap = std::map<std::string, std::string>;
  value.template_name = member<std::string>(json, "template_name");
  value.template_text = member<std::string>(json, "template_text");
  value.machine_size = member<std::string>(json, "machine_size");
  value.portfolio = member<std::string>(json, "portfolio");
  value.provider = member<std::string>(json, "provider");
  value.tags = member<TextMap>(json, "tags");
  value.tag_options = member<TextMap>(json, "tag_options");
  value.launch_role = member<std::string>(json, "launch_role");
  value.principals = member<std::vector<std::string>>(json, "principals");
}

}  // namespace hallmark::model
