#include "model/assessment.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace hallmark::model {
namespace {

constexpr std::array<std::pair<Severity, std::string_view>, 5> kSeverities = {{
    {Severity::unknown, "unknown"},
    {Severity::low, "low"},
    {Severity::medium, "medium"},
    {Severity::high, "high"},
    {Severity::critical, "critical"},
}};

constexpr std::array<std::pair<Completeness, std::string_view>, 4> kCompletenesses = {{
    {Completeness::complete, "complete"},
    {Completeness::partial, "partial"},
    {Completeness::inconclusive, "inconclusive"},
    {Completeness::failed, "failed"},
}};

template <typename Table, typename Value>
std::string_view name_of(const Table& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  throw Error(ErrorKind::internal, "value {} has no name", static_cast<int>(value));
}

template <typename Table>
auto value_of(const Table& table, std::string_view text, const char* what) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  throw Error(ErrorKind::corrupt, "\"{}\" is no {}", text, what);
}

}  // namespace

std::string_view to_string(Severity value) { return name_of(kSeverities, value); }
std::string_view to_string(Completeness value) { return name_of(kCompletenesses, value); }
Severity severity_from(std::string_view text) { return value_of(kSeverities, text, "severity"); }
Completeness completeness_from(std::string_view text) {
  return value_of(kCompletenesses, text, "completeness");
}

void to_json(Json& json, const Package& value) {
  json = {{"name", value.name},
          {"version", value.version},
          {"architecture", value.architecture},
          {"source_name", value.source_name},
          {"source_version", value.source_version},
          {"manager", value.manager}};
}

void from_json(const Json& json, Package& value) {
  value.name = member<std::string>(json, "name");
  value.version = member<std::string>(json, "version");
  value.architecture = member<std::string>(json, "architecture");
  value.source_name = member<std::string>(json, "source_name");
  value.source_version = member<std::string>(json, "source_version");
  value.manager = member<std::string>(json, "manager");
}

void to_json(Json& json, const Distribution& value) {
  json = {{"id", value.id},
          {"version_id", value.version_id},
          {"codename", value.codename},
          {"pretty_name", value.pretty_name}};
}

void from_json(const Json& json, Distribution& value) {
  value.id = member<std::string>(json, "id");
  value.version_id = member<std::string>(json, "version_id");
  value.codename = member<std::string>(json, "codename");
  value.pretty_name = member<std::string>(json, "pretty_name");
}

void to_json(Json& json, const CoverageGap& value) {
  json = {{"what", value.what}, {"reason", value.reason}};
}

void from_json(const Json& json, CoverageGap& value) {
  value.what = member<std::string>(json, "what");
  value.reason = member<std::string>(json, "reason");
}

void to_json(Json& json, const Inventory& value) {
  json = {{"distribution", value.distribution},
          {"architecture", value.architecture},
          {"packages", value.packages},
          {"kernels", value.kernels},
          {"gaps", value.gaps},
          {"disk_size_bytes", value.disk_size_bytes},
          {"fetched_bytes", value.fetched_bytes}};
}

void from_json(const Json& json, Inventory& value) {
  value.distribution = member<Distribution>(json, "distribution");
  value.architecture = member<std::string>(json, "architecture");
  value.packages = member<std::vector<Package>>(json, "packages");
  value.kernels = member<std::vector<std::string>>(json, "kernels");
  value.gaps = member<std::vector<CoverageGap>>(json, "gaps");
  value.disk_size_bytes = member<std::uint64_t>(json, "disk_size_bytes");
  value.fetched_bytes = member<std::uint64_t>(json, "fetched_bytes");
}

void to_json(Json& json, const Finding& value) {
  json = {{"finding_id", value.finding_id},
          {"package", value.package},
          {"source_package", value.source_package},
          {"architecture", value.architecture},
          {"installed_version", value.installed_version},
          {"fixed_version", value.fixed_version},
          {"severity", to_string(value.severity)},
          {"severity_source", value.severity_source},
          {"title", value.title},
          {"advisory_source", value.advisory_source}};
}

void from_json(const Json& json, Finding& value) {
  value.finding_id = member<std::string>(json, "finding_id");
  value.package = member<std::string>(json, "package");
  value.source_package = member<std::string>(json, "source_package");
  value.architecture = member<std::string>(json, "architecture");
  value.installed_version = member<std::string>(json, "installed_version");
  value.fixed_version = member<std::string>(json, "fixed_version");
  value.severity = severity_from(member<std::string>(json, "severity"));
  value.severity_source = member<std::string>(json, "severity_source");
  value.title = member<std::string>(json, "title");
  value.advisory_source = member<std::string>(json, "advisory_source");
}

void to_json(Json& json, const AdvisorySource& value) {
  json = {{"name", value.name},
          {"digest", value.digest},
          {"valid_from", value.valid_from},
          {"fetched_at", value.fetched_at}};
}

void from_json(const Json& json, AdvisorySource& value) {
  value.name = member<std::string>(json, "name");
  value.digest = member<std::string>(json, "digest");
  value.valid_from = member<std::string>(json, "valid_from");
  value.fetched_at = member<std::string>(json, "fetched_at");
}

void to_json(Json& json, const Assessment& value) {
  json = {{"scanner", value.scanner},
          {"distribution", value.distribution},
          {"findings", value.findings},
          {"gaps", value.gaps},
          {"advisories", value.advisories},
          {"completeness", to_string(value.completeness)},
          {"package_count", value.package_count},
          {"assessed_at", value.assessed_at}};
}

void from_json(const Json& json, Assessment& value) {
  value.scanner = member<std::string>(json, "scanner");
  value.distribution = member<Distribution>(json, "distribution");
  value.findings = member<std::vector<Finding>>(json, "findings");
  value.gaps = member<std::vector<CoverageGap>>(json, "gaps");
  value.advisories = member<std::vector<AdvisorySource>>(json, "advisories");
  value.completeness = completeness_from(member<std::string>(json, "completeness"));
  value.package_count = member<int>(json, "package_count");
  value.assessed_at = member<std::string>(json, "assessed_at");
}

}  // namespace hallmark::model
