#include "cloud/aws/enforcement.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "cloud/aws/session.h"
#include "rule/evaluation.h"

namespace hallmark::cloud {

namespace {

using on_aws::Session;
using on_aws::text;
using on_aws::Value;

constexpr const char* kProcessCheck = "AWS_CONFIG_PROCESS_CHECK";
/// What Config puts between the name in a pack's template and the pack's own id.
constexpr const char* kPackInfix = "-conformance-pack-";
std::string config_word(PlaceCompliance compliance) {
  switch (compliance) {
    case PlaceCompliance::compliant:
      return "COMPLIANT";
    case PlaceCompliance::non_compliant:
      return "NON_COMPLIANT";
    case PlaceCompliance::not_applicable:
      return "NOT_APPLICABLE";
  }
  return "NON_COMPLIANT";
}

LaunchMode mode_from(const std::string& word) {
  if (word == "enabled") return LaunchMode::enabled;
  if (word == "audit-mode") return LaunchMode::audit;
  if (word == "disabled") return LaunchMode::disabled;
  throw Error(ErrorKind::corrupt, "EC2 says \"{}\" of its Allowed AMIs", word);
}

std::vector<std::string> sorted_texts(const Value& criterion, const char* member) {
  std::vector<std::string> texts;
  for (const Value& one : criterion.value(member, Value::array())) texts.push_back(one);
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// Nothing if it says more of one than its key.
std::optional<std::vector<std::string>> watermarks_of(const Value& criterion) {
  std::vector<std::string> keys;
  for (const Value& mark : criterion.value("ImageWatermarks", Value::array())) {
    if (mark.size() != 1 || !mark.contains("WatermarkKey")) return std::nullopt;
    keys.push_back(text(mark, "WatermarkKey"));
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

LaunchRule rule_from(Value criterion) {
  LaunchRule rule{.owners = sorted_texts(criterion, "ImageProviders"),
                  .names = sorted_texts(criterion, "ImageNames")};
  if (auto marks = watermarks_of(criterion)) {
    rule.watermarks = std::move(*marks);
    criterion.erase("ImageWatermarks");
  }
  criterion.erase("ImageProviders");
  criterion.erase("ImageNames");
  // What is empty says nothing.
  for (auto at = criterion.begin(); at != criterion.end();) {
    at = at->empty() ? criterion.erase(at) : std::next(at);
  }
  if (!criterion.empty()) rule.more = criterion.dump();
  return rule;
}

class AwsEnforcement : public Enforcement {
 public:
  explicit AwsEnforcement(Session session) : session_(std::move(session)) {}

  void put_verdict(const Place& place, const std::string& rule, const PlaceVerdict& verdict,
                   std::stop_token stop) override {
    session_.call(place, "config", "PutExternalEvaluation",
                  {{"ConfigRuleName", process_check(place, rule, stop)},
                   {"ExternalEvaluation",
                    {{"ComplianceResourceType", "AWS::::Account"},
                     {"ComplianceResourceId", place.account_id},
                     {"ComplianceType", config_word(verdict.compliance)},
                     {"Annotation", rule::annotation(verdict.text)},
                     {"OrderingTimestamp", to_rfc3339(verdict.at)}}}},
                  stop);
  }

  LaunchSettings launch_settings(const Place& place, std::stop_token stop) override {
    const Value answer =
        session_.call(place, "ec2", "GetAllowedImagesSettings", Value::object(), stop);
    LaunchSettings settings{.mode = mode_from(text(answer, "State")),
                            .is_managed = text(answer, "ManagedBy") == "declarative-policy"};
    for (const Value& criterion : answer.value("ImageCriteria", Value::array())) {
      settings.rules.push_back(rule_from(criterion));
    }
    std::sort(settings.rules.begin(), settings.rules.end());
    return settings;
  }

  void put_launch_rules(const Place& place, const std::vector<LaunchRule>& rules,
                        std::stop_token stop) override {
    Value criteria = Value::array();
    for (const LaunchRule& rule : rules) {
      Value criterion = Value::object();
      if (!rule.owners.empty()) criterion["ImageProviders"] = rule.owners;
      if (!rule.names.empty()) criterion["ImageNames"] = rule.names;
      for (const std::string& key : rule.watermarks) {
        criterion["ImageWatermarks"].push_back({{"WatermarkKey", key}});
      }
      criteria.push_back(criterion);
    }
    session_.call(place, "ec2", "ReplaceImageCriteriaInAllowedImagesSettings",
                  {{"ImageCriteria", criteria}}, stop);
  }

  void put_launch_mode(const Place& place, LaunchMode mode, std::stop_token stop) override {
    if (mode == LaunchMode::disabled) {
      session_.call(place, "ec2", "DisableAllowedImagesSettings", Value::object(), stop);
      return;
    }
    session_.call(
        place, "ec2", "EnableAllowedImagesSettings",
        {{"AllowedImagesSettingsState", mode == LaunchMode::enabled ? "enabled" : "audit-mode"}},
        stop);
  }

  std::string organization_policy(const std::string& policy_id, std::stop_token stop) override {
    const Value answer =
        session_.call(home(), "organizations", "DescribePolicy", {{"PolicyId", policy_id}}, stop);
    return text(answer.at("Policy"), "Content");
  }

  void put_organization_policy(const std::string& policy_id, const std::string& document,
                               std::stop_token stop) override {
    session_.call(home(), "organizations", "UpdatePolicy",
                  {{"PolicyId", policy_id}, {"Content", document}}, stop);
  }

 private:
  Place home() const { return {session_.config.account_id, session_.config.regions.front().name}; }

  std::string process_check(const Place& place, const std::string& rule, std::stop_token stop) {
    std::string found;
    session_.each_page(
        place, "config", "DescribeConfigRules", Value::object(),
        [&](const Value& page) {
          for (const Value& one : page.value("ConfigRules", Value::array())) {
            const std::string name = text(one, "ConfigRuleName");
            if (text(one.at("Source"), "SourceIdentifier") != kProcessCheck) continue;
            if (name == rule || name.starts_with(rule + kPackInfix)) found = name;
          }
        },
        stop);
    if (!found.empty()) return found;
    throw Error(ErrorKind::not_found, "there is no process check {} in {}", rule, to_string(place))
        .hint("make one with: hallmark compliance rule-template --central-check");
  }

  Session session_;
};

}  // namespace

std::unique_ptr<Enforcement> make_aws_enforcement(AwsCloudConfig config,
                                                  std::shared_ptr<hallmark::aws::Caller> caller,
                                                  CredentialsOf credentials_of, Clock& clock) {
  return std::make_unique<AwsEnforcement>(
      Session{std::move(config), std::move(caller), std::move(credentials_of), clock});
}

}  // namespace hallmark::cloud
