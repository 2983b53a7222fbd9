#include "model/assessment.h"

#include <algorithm>
#include <array>

#include "model/enum_names.h"
#include "model/sparse_json.h"

namespace hallmark::model {
namespace {

constexpr std::array<std::pair<Completeness, std::string_view>, 4> kCompletenesses = {{
    {Completeness::complete, "complete"},
    {Completeness::partial, "partial"},
    {Completeness::inconclusive, "inconclusive"},
    {Completeness::failed, "failed"},
}};

constexpr std::array<std::pair<Login, std::string_view>, 4> kLogins = {{
    {Login::yes, "yes"},
    {Login::no, "no"},
    {Login::unknown, "unknown"},
    {Login::not_needed, "not_needed"},
}};

}  // namespace

std::string_view to_string(Completeness value) { return name_of(kCompletenesses, value); }
std::string_view to_string(Login value) { return name_of(kLogins, value); }
Completeness completeness_from(std::string_view text) {
  return value_of(kCompletenesses, text, "completeness");
}

void lower(Assessment& assessment, Completeness to, std::string reason) {
  assessment.completeness = std::max(assessment.completeness, to);
  assessment.reasons.push_back(std::move(reason));
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

void to_json(Json& json, const RawResult& value) {
  json = {{"name", value.name},
          {"media_type", value.media_type},
          {"size_bytes", value.size_bytes},
          {"sha256", value.sha256}};
}

void from_json(const Json& json, RawResult& value) {
  value.name = member<std::string>(json, "name");
  value.media_type = member<std::string>(json, "media_type");
  value.size_bytes = member<std::uint64_t>(json, "size_bytes");
  value.sha256 = member<std::string>(json, "sha256");
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
  put(json, "scanner_version", value.scanner_version);
  put(json, "profile", value.profile);
  put(json, "native_id", value.native_id);
  put(json, "native_state", value.native_state);
  put(json, "reasons", value.reasons);
  put(json, "raw", value.raw);
  put(json, "started_at", value.started_at);
  if (value.login != Login::not_needed) json["login"] = to_string(value.login);
  if (value.hardening_score) json["hardening_score"] = *value.hardening_score;
  if (value.checks) {
    json["checks"] = {{"passed", value.checks->passed},
                      {"failed", value.checks->failed},
                      {"not_applicable", value.checks->not_applicable},
                      {"not_checked", value.checks->not_checked}};
  }
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
  take(json, "scanner_version", value.scanner_version);
  take(json, "profile", value.profile);
  take(json, "native_id", value.native_id);
  take(json, "native_state", value.native_state);
  take(json, "reasons", value.reasons);
  take(json, "raw", value.raw);
  take(json, "started_at", value.started_at);
  std::string login(to_string(Login::not_needed));
  take(json, "login", login);
  value.login = value_of(kLogins, login, "login");
  if (json.contains("hardening_score")) {
    value.hardening_score = member<double>(json, "hardening_score");
  }
  if (json.contains("checks")) {
    const Json& checks = json["checks"];
    value.checks = Checks{.passed = member<int>(checks, "passed"),
                          .failed = member<int>(checks, "failed"),
                          .not_applicable = member<int>(checks, "not_applicable"),
                          .not_checked = member<int>(checks, "not_checked")};
  }
}

}  // namespace hallmark::model
