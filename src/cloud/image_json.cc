#include "cloud/image_json.h"

namespace hallmark::cloud {

Json image_to_json(const Image& image) {
  Json json = {{"image_id", image.image_id},
               {"name", image.name},
               {"description", image.description},
               {"state", std::string(to_string(image.state))},
               {"state_reason", image.state_reason},
               {"owner_id", image.owner_id},
               {"region", image.region},
               {"architecture", image.architecture},
               {"source_image_id", image.source_image_id},
               {"source_region", image.source_region},
               {"disk_size_bytes", image.disk_size_bytes},
               {"stored_size_bytes", image.stored_size_bytes},
               {"tags", image.tags},
               {"created_at", to_rfc3339(image.created_at)},
               {"platform", std::string(to_string(image.platform))},
               {"owner_alias", image.owner_alias},
               {"product_codes", image.product_codes}};
  if (image.deprecated_at) json["deprecated_at"] = to_rfc3339(*image.deprecated_at);
  if (image.imds_v2_only) json["imds_v2_only"] = true;
  if (image.is_protected) json["is_protected"] = true;
  if (!image.watermarks.empty()) json["watermarks"] = image.watermarks;
  return json;
}

Image image_from_json(const Json& json) {
  Image image;
  image.image_id = member<std::string>(json, "image_id");
  image.name = member<std::string>(json, "name");
  image.description = member<std::string>(json, "description");
  image.state = image_state_from(member<std::string>(json, "state"));
  image.state_reason = member<std::string>(json, "state_reason");
  image.owner_id = member<std::string>(json, "owner_id");
  image.region = member<std::string>(json, "region");
  image.architecture = member<std::string>(json, "architecture");
  image.source_image_id = member<std::string>(json, "source_image_id");
  image.source_region = member<std::string>(json, "source_region");
  image.disk_size_bytes = member<std::uint64_t>(json, "disk_size_bytes");
  image.stored_size_bytes = member<std::uint64_t>(json, "stored_size_bytes");
  image.tags = member<Tags>(json, "tags");
  image.created_at = from_rfc3339(member<std::string>(json, "created_at"));
  // Records of before there were these do not have them.
  if (json.contains("platform")) {
    image.platform = platform_from(member<std::string>(json, "platform"));
    image.owner_alias = member<std::string>(json, "owner_alias");
    image.product_codes = member<std::vector<std::string>>(json, "product_codes");
  }
  if (json.contains("deprecated_at")) {
    image.deprecated_at = from_rfc3339(member<std::string>(json, "deprecated_at"));
  }
  image.imds_v2_only = json.value("imds_v2_only", false);
  image.is_protected = json.value("is_protected", false);
  if (json.contains("watermarks")) {
    image.watermarks = member<std::vector<std::string>>(json, "watermarks");
  }
  return image;
}

}  // namespace hallmark::cloud
