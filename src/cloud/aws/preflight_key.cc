#include "cloud/aws/preflight_key.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cloud/aws/session.h"
#include "cloud/organizations.h"

namespace hallmark::cloud::on_aws {

namespace {

using State = Finding::State;

constexpr const char* kKeyCheck = "key";
/// Amazon EBS User Guide, "Share an encrypted snapshot".
constexpr const char* kNeeded[] = {"kms:DescribeKey", "kms:Decrypt", "kms:ReEncryptFrom",
                                   "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant"};

Value list_of(const Value& one_or_more) {
  return one_or_more.is_array() ? one_or_more : Value::array({one_or_more});
}

bool is_for(const Value& statement, const std::string& account_id) {
  auto principal = statement.find("Principal");
  if (principal == statement.end()) return false;
  Value names = *principal;
  if (names.is_object()) names = names.value("AWS", Value::array());
  for (const Value& name : list_of(names)) {
    if (!name.is_string()) continue;
    const auto& word = name.get_ref<const std::string&>();
    // Of an account, or of somebody in it.
    if (word == account_id || word.find("::" + account_id + ":") != std::string::npos) return true;
    // For everybody means for an organization, or the key would be open to the world.
    if (word == "*" &&
        compact(Json(statement.value("Condition", Value::object()))).find("aws:PrincipalOrg") !=
            std::string::npos) {
      return true;
    }
  }
  return false;
}

bool allows(const Value& statement, const char* action) {
  for (const Value& pattern : list_of(statement.value("Action", Value::array()))) {
    if (pattern.is_string() && matches_pattern(action, pattern.get_ref<const std::string&>())) {
      return true;
    }
  }
  return false;
}

Finding of(const AwsRegion& region, State state, std::string found, std::string way_out,
           ErrorKind kind = ErrorKind::failed) {
  return {.where = region.name,
          .what = kKeyCheck,
          .state = state,
          .found = std::move(found),
          .way_out = std::move(way_out),
          .kind = kind};
}

Finding default_key(const PreflightSpec& spec, const AwsRegion& region) {
  bool needed = !spec.child_accounts.empty();
  return of(region, needed ? State::missing : State::warning,
            "the account's default key encrypts images: they can never be shared",
            "hallmark aws setup --apply makes a key of our own");
}

}  // namespace

namespace {

std::vector<std::string> actions_missing(std::string_view policy,
                                         const std::function<bool(const Value&)>& is_meant) {
  Value document = Value::parse(policy, nullptr, false);
  if (!document.is_object()) throw Error(ErrorKind::corrupt, "the key's policy is no JSON object");
  std::vector<std::string> missing;
  for (const char* action : kNeeded) {
    bool allowed = false;
    bool refused = false;
    for (const Value& statement : list_of(document.value("Statement", Value::array()))) {
      if (!is_meant(statement) || !allows(statement, action)) continue;
      (text(statement, "Effect") == "Deny" ? refused : allowed) = true;
    }
    if (!allowed || refused) missing.push_back(action);
  }
  return missing;
}

/// IAM User Guide, "AWS global condition context keys": aws:PrincipalOrgID, aws:PrincipalOrgPaths.
bool is_for_unit(const Value& statement, const std::string& unit) {
  Value names = statement.value("Principal", Value());
  if (names.is_object()) names = names.value("AWS", Value::array());
  const Value all = list_of(names);
  if (std::find(all.begin(), all.end(), Value("*")) == all.end()) return false;
  const std::string organization = organization_id(unit);
  const Value conditions = statement.value("Condition", Value::object());
  for (const auto& [how, keys] : conditions.items()) {
    for (const auto& [key, values] : keys.items()) {
      for (const Value& value : list_of(values)) {
        if (!value.is_string()) continue;
        const auto& word = value.get_ref<const std::string&>();
        if (to_lower(key) == "aws:principalorgid" && word == organization) return true;
        if (to_lower(key) != "aws:principalorgpaths") continue;
        if (word == organization + "/*" || word.find("/" + unit_id(unit) + "/") != word.npos) {
          return true;
        }
      }
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> key_actions_missing(std::string_view policy,
                                             const std::string& account_id) {
  return actions_missing(policy,
                         [&](const Value& statement) { return is_for(statement, account_id); });
}

std::vector<std::string> unit_actions_missing(std::string_view policy, const std::string& unit) {
  return actions_missing(policy,
                         [&](const Value& statement) { return is_for_unit(statement, unit); });
}

std::string unit_statement(const std::string& unit) {
  Value actions = Value::array();
  for (const char* action : kNeeded) actions.push_back(action);
  const Value statement = {
      {"Effect", "Allow"},
      {"Principal", {{"AWS", "*"}}},
      {"Action", actions},
      {"Resource", "*"},
      {"Condition", {{"StringEquals", {{"aws:PrincipalOrgID", organization_id(unit)}}}}}};
  return statement.dump();
}

std::vector<Finding> check_key(aws::Caller& caller, const PreflightSpec& spec,
                               const AwsRegion& region, std::stop_token stop) {
  if (region.kms_key_id.empty()) return {default_key(spec, region)};
  auto call = [&](const char* operation, const Value& input) {
    return caller.call({.service = "kms", .operation = operation, .region = region.name}, input,
                       stop);
  };
  Value key;
  try {
    key = call("DescribeKey", {{"KeyId", region.kms_key_id}}).at("KeyMetadata");
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return {of(region, State::missing, "there is no key " + region.kms_key_id,
               "hallmark aws setup --apply makes one", ErrorKind::not_found)};
  }
  if (text(key, "KeyManager") == "AWS") return {default_key(spec, region)};
  if (std::string state = text(key, "KeyState"); state != "Enabled") {
    return {of(region, State::missing, region.kms_key_id + " is " + state,
               "hallmark aws call kms EnableKey, or CancelKeyDeletion first", ErrorKind::denied)};
  }
  std::vector<Finding> findings;
  if (!spec.child_accounts.empty()) {
    Value answer = call("GetKeyPolicy", {{"KeyId", region.kms_key_id}, {"PolicyName", "default"}});
    for (const std::string& account : spec.child_accounts) {
      auto missing = key_actions_missing(text(answer, "Policy"), account);
      if (missing.empty()) continue;
      findings.push_back(
          of(region, State::missing,
             fmt::format("its policy does not let {} do {}", account, join(missing, ", ")),
             fmt::format("hallmark aws setup --apply --account {} changes the key's "
                         "policy; name all accounts",
                         account),
             ErrorKind::denied));
    }
  }
  if (findings.empty()) findings.push_back(of(region, State::ok, "enabled, ours to share", ""));
  return findings;
}

}  // namespace hallmark::cloud::on_aws
