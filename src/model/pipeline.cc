#include "model/pipeline.h"

#include "base/error.h"
#include "model/duration_json.h"
#include "model/sparse_json.h"

namespace hallmark::model {

namespace {

[[noreturn]] void unknown_word(std::string_view what, std::string_view word) {
  throw Error(ErrorKind::corrupt, "unknown {} \"{}\"", what, word);
}

BuildMode build_mode_from(const std::string& text) {
  if (text == "offline") return BuildMode::offline;
  if (text == "boot") return BuildMode::boot;
  unknown_word("build mode", text);
}

Delivery delivery_from(const std::string& text) {
  if (text == "share") return Delivery::share;
  if (text == "copy") return Delivery::copy;
  unknown_word("delivery", text);
}

}  // namespace

// Found by nlohmann/json, so they are members of the namespace of their types.
void to_json(Json& json, const Script& value) {
  json = {{"name", value.name},
          {"text", value.text},
          {"url", value.url},
          {"sha256", value.sha256},
          {"time_limit", duration_text(value.time_limit)}};
}

void from_json(const Json& json, Script& value) {
  value.name = member<std::string>(json, "name");
  value.text = member<std::string>(json, "text");
  value.url = member<std::string>(json, "url");
  value.sha256 = member<std::string>(json, "sha256");
  value.time_limit = duration_member(json, "time_limit");
}

void to_json(Json& json, const ImageTest& value) {
  json = {{"name", value.name}, {"script", value.script}};
}

void from_json(const Json& json, ImageTest& value) {
  value.name = member<std::string>(json, "name");
  value.script = member<Script>(json, "script");
}

void to_json(Json& json, const ScannerUse& value) {
  json = {{"name", value.name}, {"deadline", duration_text(value.deadline)}};
}

void from_json(const Json& json, ScannerUse& value) {
  value.name = member<std::string>(json, "name");
  value.deadline = duration_member(json, "deadline");
}

void to_json(Json& json, const TemplateUse& value) {
  json = {{"name", value.name}, {"set_default", value.set_default}};
}

void from_json(const Json& json, TemplateUse& value) {
  value.name = member<std::string>(json, "name");
  value.set_default = member<bool>(json, "set_default");
}

const std::string& recipient_of(const Target& target) {
  return target.unit.empty() ? target.account_id : target.unit;
}

void to_json(Json& json, const Target& value) {
  json = {{"account_id", value.account_id},
          {"regions", value.regions},
          {"delivery", to_string(value.delivery)},
          {"role_name", value.role_name},
          {"external_id", value.external_id}};
  put(json, "unit", value.unit);
  put(json, "launch_templates", value.launch_templates);
}

void from_json(const Json& json, Target& value) {
  value.account_id = member<std::string>(json, "account_id");
  value.regions = member<std::vector<std::string>>(json, "regions");
  value.delivery = delivery_from(member<std::string>(json, "delivery"));
  value.role_name = member<std::string>(json, "role_name");
  value.external_id = member<std::string>(json, "external_id");
  take(json, "unit", value.unit);
  take(json, "launch_templates", value.launch_templates);
}

std::string_view to_string(BuildMode mode) {
  return mode == BuildMode::offline ? "offline" : "boot";
}

std::string_view to_string(Delivery delivery) {
  return delivery == Delivery::share ? "share" : "copy";
}

std::string image_name(const Pipeline& pipeline) {
  return fmt::format("{}-{}-{}", pipeline.product, pipeline.os, pipeline.version);
}

std::string image_key(const Pipeline& pipeline) {
  return fmt::format("{}/{}/{}", pipeline.product, pipeline.os, pipeline.version);
}

void to_json(Json& json, const Pipeline& value) {
  json = {
      {"product", value.product},
      {"os", value.os},
      {"version", value.version},
      {"description", value.description},
      {"source",
       {{"image_id", value.source.image_id},
        {"name", value.source.name},
        {"golden_image", value.source.golden_image},
        {"parameter", value.source.parameter},
        {"owners", value.source.owners},
        {"architecture", value.source.architecture}}},
      {"build",
       {{"mode", to_string(value.build.mode)},
        {"machine_size", value.build.machine_size},
        {"region", value.build.region},
        {"deadline", duration_text(value.build.deadline)},
        {"boot_limit", duration_text(value.build.boot_limit)},
        {"sysprep", value.build.sysprep}}},
      {"pre_update", optional_json(value.pre_update)},
      {"post_update", optional_json(value.post_update)},
      {"environment", value.environment},
      {"secrets", value.secrets},
      {"updates",
       {{"enabled", value.updates.enabled},
        {"all", value.updates.all},
        {"include", value.updates.include},
        {"exclude", value.updates.exclude},
        {"categories", value.updates.categories},
        {"severities", value.updates.severities},
        {"time_limit", duration_text(value.updates.time_limit)}}},
      {"tests", value.tests},
      {"scanners", value.scanners},
      {"gate", value.gate},
      {"approval", value.approval},
      {"targets", value.targets},
      {"image",
       {{"kms_keys", value.image.kms_keys},
        {"imds_v2_only", value.image.imds_v2_only},
        {"protect", value.image.is_protected},
        {"deprecate_after", value.image.deprecate_after
                                ? Json(duration_text(*value.image.deprecate_after))
                                : Json()}}},
      {"retention",
       {{"keep_versions", optional_json(value.retention.keep_versions)},
        {"max_age",
         value.retention.max_age ? Json(duration_text(*value.retention.max_age)) : Json()},
        {"when_gate_fails", value.retention.when_gate_fails},
        {"disable_after", duration_text(value.retention.disable_after)},
        {"decommission_after", duration_text(value.retention.decommission_after)}}},
      {"reassessment", {{"rebuild_on_finding", value.reassessment.rebuild_on_finding}}},
      {"tags", value.tags},
  };
  // Digests of pipelines without these stay what they were.
  if (value.catalog) json["catalog"] = *value.catalog;
  if (!value.inventory.languages) json["inventory"] = {{"languages", false}};
  if (value.image.copy_within)
    json["image"]["copy_within"] = duration_text(*value.image.copy_within);
  if (value.image.fast_launch) {
    json["image"]["fast_launch"] = {
        {"snapshots", value.image.fast_launch->snapshots},
        {"launch_templates", value.image.fast_launch->launch_templates}};
  }
  if (value.image.watermark) json["image"]["watermark"] = true;
}

void from_json(const Json& json, Pipeline& value) {
  using Texts = std::vector<std::string>;
  using TextMap = std::map<std::string, std::string>;
  value.product = member<std::string>(json, "product");
  value.os = member<std::string>(json, "os");
  value.version = member<std::string>(json, "version");
  value.description = member<std::string>(json, "description");
  Json source = member<Json>(json, "source");
  value.source.image_id = member<std::string>(source, "image_id");
  value.source.name = member<std::string>(source, "name");
  value.source.golden_image = member<std::string>(source, "golden_image");
  // Runs recorded before there were these do not name them; so for others below.
  if (source.contains("parameter")) {
    value.source.parameter = member<std::string>(source, "parameter");
    value.source.owners = member<Texts>(source, "owners");
    value.source.architecture = member<std::string>(source, "architecture");
  }
  Json build = member<Json>(json, "build");
  value.build.mode = build_mode_from(member<std::string>(build, "mode"));
  value.build.machine_size = member<std::string>(build, "machine_size");
  value.build.region = member<std::string>(build, "region");
  value.build.deadline = duration_member(build, "deadline");
  if (build.contains("boot_limit")) value.build.boot_limit = duration_member(build, "boot_limit");
  if (build.contains("sysprep")) value.build.sysprep = member<bool>(build, "sysprep");
  value.pre_update = optional_member<Script>(json, "pre_update");
  value.post_update = optional_member<Script>(json, "post_update");
  value.environment = member<TextMap>(json, "environment");
  value.secrets = member<Texts>(json, "secrets");
  Json updates = member<Json>(json, "updates");
  value.updates.enabled = member<bool>(updates, "enabled");
  value.updates.all = member<bool>(updates, "all");
  value.updates.include = member<Texts>(updates, "include");
  value.updates.exclude = member<Texts>(updates, "exclude");
  if (updates.contains("categories")) {
    value.updates.categories = member<Texts>(updates, "categories");
    value.updates.severities = member<Texts>(updates, "severities");
  }
  value.updates.time_limit = duration_member(updates, "time_limit");
  value.tests = member<std::vector<ImageTest>>(json, "tests");
  if (json.contains("scanners")) {
    value.scanners = member<std::vector<ScannerUse>>(json, "scanners");
  }
  value.gate = member<Gate>(json, "gate");
  value.approval = member<ApprovalPolicy>(json, "approval");
  value.targets = member<std::vector<Target>>(json, "targets");
  if (json.contains("image")) {
    const Json image = member<Json>(json, "image");
    value.image.kms_keys = member<TextMap>(image, "kms_keys");
    value.image.imds_v2_only = member<bool>(image, "imds_v2_only");
    value.image.is_protected = member<bool>(image, "protect");
    if (!image["deprecate_after"].is_null()) {
      value.image.deprecate_after = duration_member(image, "deprecate_after");
    }
    if (image.contains("copy_within")) {
      value.image.copy_within = duration_member(image, "copy_within");
    }
    if (image.contains("fast_launch")) {
      const Json fast = member<Json>(image, "fast_launch");
      value.image.fast_launch = {member<int>(fast, "snapshots"),
                                 member<TextMap>(fast, "launch_templates")};
    }
    value.image.watermark = image.value("watermark", false);
  }
  const Json retention = member<Json>(json, "retention");
  value.retention.keep_versions = optional_member<int>(retention, "keep_versions");
  if (retention.contains("max_age")) {
    if (!retention["max_age"].is_null()) {
      value.retention.max_age = duration_member(retention, "max_age");
    }
    value.retention.when_gate_fails = member<bool>(retention, "when_gate_fails");
    value.retention.disable_after = duration_member(retention, "disable_after");
    value.retention.decommission_after = duration_member(retention, "decommission_after");
  }
  // Absent in what was recorded before there was one.
  const Json reassessment = json.value("reassessment", Json::object());
  value.reassessment.rebuild_on_finding = reassessment.value("rebuild_on_finding", false);
  value.inventory.languages = json.value("inventory", Json::object()).value("languages", true);
  value.tags = member<TextMap>(json, "tags");
  value.catalog = optional_member<CatalogOffer>(json, "catalog");
}

}  // namespace hallmark::model
