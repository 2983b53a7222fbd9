#include "model/inventory.h"

#include "model/sparse_json.h"

namespace hallmark::model {

void to_json(Json& json, const Package& value) {
  json = {{"name", value.name},
          {"version", value.version},
          {"architecture", value.architecture},
          {"source_name", value.source_name},
          {"source_version", value.source_version},
          {"manager", value.manager}};
  put(json, "module", value.module);
  put(json, "path", value.path);
}

void from_json(const Json& json, Package& value) {
  value.name = member<std::string>(json, "name");
  value.version = member<std::string>(json, "version");
  value.architecture = member<std::string>(json, "architecture");
  value.source_name = member<std::string>(json, "source_name");
  value.source_version = member<std::string>(json, "source_version");
  value.manager = member<std::string>(json, "manager");
  take(json, "module", value.module);
  take(json, "path", value.path);
}

void to_json(Json& json, const Distribution& value) {
  json = {{"id", value.id},
          {"version_id", value.version_id},
          {"codename", value.codename},
          {"pretty_name", value.pretty_name}};
  put(json, "id_like", value.id_like);
  put(json, "end_of_support", value.end_of_support);
}

void from_json(const Json& json, Distribution& value) {
  value.id = member<std::string>(json, "id");
  value.version_id = member<std::string>(json, "version_id");
  value.codename = member<std::string>(json, "codename");
  value.pretty_name = member<std::string>(json, "pretty_name");
  take(json, "id_like", value.id_like);
  take(json, "end_of_support", value.end_of_support);
}

void to_json(Json& json, const CoverageGap& value) {
  json = {{"what", value.what}, {"reason", value.reason}};
}

void from_json(const Json& json, CoverageGap& value) {
  value.what = member<std::string>(json, "what");
  value.reason = member<std::string>(json, "reason");
}

void to_json(Json& json, const HardeningFact& value) {
  json = {{"rule", value.rule}};
  put(json, "path", value.path);
  put(json, "detail", value.detail);
}

void from_json(const Json& json, HardeningFact& value) {
  value.rule = member<std::string>(json, "rule");
  take(json, "path", value.path);
  take(json, "detail", value.detail);
}

void to_json(Json& json, const Inventory& value) {
  json = {{"distribution", value.distribution},
          {"architecture", value.architecture},
          {"packages", value.packages},
          {"kernels", value.kernels},
          {"gaps", value.gaps},
          {"disk_size_bytes", value.disk_size_bytes},
          {"fetched_bytes", value.fetched_bytes}};
  put(json, "default_kernel", value.default_kernel);
  put(json, "facts", value.facts);
}

void from_json(const Json& json, Inventory& value) {
  value.distribution = member<Distribution>(json, "distribution");
  value.architecture = member<std::string>(json, "architecture");
  value.packages = member<std::vector<Package>>(json, "packages");
  value.kernels = member<std::vector<std::string>>(json, "kernels");
  value.gaps = member<std::vector<CoverageGap>>(json, "gaps");
  value.disk_size_bytes = member<std::uint64_t>(json, "disk_size_bytes");
  value.fetched_bytes = member<std::uint64_t>(json, "fetched_bytes");
  take(json, "default_kernel", value.default_kernel);
  take(json, "facts", value.facts);
}

}  // namespace hallmark::model
