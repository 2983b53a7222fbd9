#include "model/policy.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/duration_json.h"
#include "model/enum_names.h"
#include "model/sparse_json.h"

namespace hallmark::model {
namespace {

constexpr std::array<std::pair<Judgement, std::string_view>, 3> kJudgements = {{
    {Judgement::pass, "pass"},
    {Judgement::review, "review"},
    {Judgement::fail, "fail"},
}};

}  // namespace

std::string_view to_string(Judgement value) { return name_of(kJudgements, value); }
Judgement judgement_from(std::string_view text) { return value_of(kJudgements, text, "judgement"); }

bool covers(const Waiver& waiver, const std::string& image_key, const std::string& package) {
  return (waiver.package.empty() || matches_pattern(package, waiver.package)) &&
         (waiver.images.empty() ||
          std::any_of(waiver.images.begin(), waiver.images.end(), [&](const std::string& pattern) {
            return matches_pattern(image_key, pattern);
          }));
}

void to_json(Json& json, const Waiver& value) {
  json = {{"finding", value.finding},
          {"reason", value.reason},
          {"by", value.by},
          {"expires_at", to_rfc3339(value.expires_at)}};
  put(json, "package", value.package);
  put(json, "images", value.images);
  if (value.known_exploited) json["known_exploited"] = true;
  put(json, "justification", value.justification);
}

void from_json(const Json& json, Waiver& value) {
  value.finding = member<std::string>(json, "finding");
  value.reason = member<std::string>(json, "reason");
  value.by = member<std::string>(json, "by");
  value.expires_at = from_rfc3339(member<std::string>(json, "expires_at"));
  take(json, "package", value.package);
  take(json, "images", value.images);
  take(json, "known_exploited", value.known_exploited);
  take(json, "justification", value.justification);
}

void to_json(Json& json, const Gate& value) {
  Json findings = Json::object();
  for (const auto& [severity, rule] : value.findings) {
    findings[std::string(to_string(severity))] = {{"fixable", to_string(rule.fixable)},
                                                  {"unfixable", to_string(rule.unfixable)}};
  }
  json = {{"max_findings", value.max_findings},
          {"max_pending_updates", optional_json(value.max_pending_updates)},
          {"allow_gaps", value.allow_gaps},
          {"min_completeness", to_string(value.min_completeness)}};
  put(json, "findings", findings);
  put(json, "waivers", value.waivers);
  if (value.max_data_age) json["max_data_age"] = duration_text(*value.max_data_age);
  if (value.min_hardening_score) json["min_hardening_score"] = *value.min_hardening_score;
  // One that says what holds anyway has the digest that it had before this could be said.
  if (value.hardening == Gate().hardening) return;
  Json& hardening = json["hardening"] = Json::object();
  for (const auto& [severity, judgement] : value.hardening) {
    hardening[std::string(to_string(severity))] = to_string(judgement);
  }
}

void from_json(const Json& json, Gate& value) {
  value.max_findings = member<std::map<std::string, int>>(json, "max_findings");
  value.max_pending_updates = optional_member<int>(json, "max_pending_updates");
  value.allow_gaps = member<bool>(json, "allow_gaps");
  value.min_completeness = completeness_from(member<std::string>(json, "min_completeness"));
  Json findings = Json::object();
  take(json, "findings", findings);
  for (const auto& [severity, rule] : findings.items()) {
    value.findings[severity_from(severity)] = {
        .fixable = judgement_from(member<std::string>(rule, "fixable")),
        .unfixable = judgement_from(member<std::string>(rule, "unfixable"))};
  }
  take(json, "waivers", value.waivers);
  if (json.contains("max_data_age")) value.max_data_age = duration_member(json, "max_data_age");
  value.min_hardening_score = optional_member<double>(json, "min_hardening_score");
  if (!json.contains("hardening")) return;
  value.hardening.clear();
  for (const auto& [severity, judgement] : json["hardening"].items()) {
    value.hardening[severity_from(severity)] =
        judgement_from(member<std::string>(json["hardening"], severity));
  }
}

void to_json(Json& json, const ApprovalPolicy& value) {
  std::vector<std::string> reminders;
  for (Duration reminder : value.reminders) reminders.push_back(duration_text(reminder));
  json = {{"automatic", value.automatic}, {"required", value.required},
          {"approvers", value.approvers}, {"deadline", duration_text(value.deadline)},
          {"reminders", reminders},       {"proofs", value.proofs}};
}

void from_json(const Json& json, ApprovalPolicy& value) {
  value.automatic = member<bool>(json, "automatic");
  value.required = member<int>(json, "required");
  value.approvers = member<std::vector<std::string>>(json, "approvers");
  value.deadline = duration_member(json, "deadline");
  if (json.contains("proofs")) {
    value.proofs = member<std::vector<std::string>>(json, "proofs");
  }
  // Runs recorded before there were reminders go on without.
  value.reminders.clear();
  if (!json.contains("reminders")) return;
  for (const std::string& reminder : member<std::vector<std::string>>(json, "reminders")) {
    value.reminders.push_back(parse_duration(reminder));
  }
}

}  // namespace hallmark::model
