#include "cloud/aws/key_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "aws/endpoint.h"
#include "base/json.h"
#include "base/text.h"

namespace hallmark::cloud::on_aws {

namespace {

/// What EC2 does with the key in our name to copy an image (Amazon EBS User Guide, "Required
/// permissions for Amazon EBS encryption").
const std::vector<std::string> kToCopy = {
    "kms:CreateGrant",   "kms:Decrypt",    "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom", "kms:ReEncryptTo"};
/// What we do with it, so that another account can.
const std::vector<std::string> kToShare = {"kms:CreateGrant", "kms:DescribeKey", "kms:ListGrants",
                                           "kms:RevokeGrant"};

Value all_of(const Value& one_or_more) {
  return one_or_more.is_array() ? one_or_more : Value::array({one_or_more});
}

bool concerns(const Value& statement, const std::string& account_id) {
  auto principal = statement.find("Principal");
  if (principal == statement.end()) return false;
  Value names = *principal;
  if (names.is_object()) names = names.value("AWS", Value::array());
  for (const Value& name : all_of(names)) {
    if (!name.is_string()) continue;
    const auto& word = name.get_ref<const std::string&>();
    // Of the account, or of somebody in it: who runs this is not known to the policy's reader.
    if (word == "*" || word == account_id || word.find("::" + account_id + ":") != word.npos) {
      return true;
    }
  }
  return false;
}

bool names(const Value& statement, const std::string& action) {
  for (const Value& pattern : all_of(statement.value("Action", Value::array()))) {
    if (pattern.is_string() && matches_pattern(action, pattern.get_ref<const std::string&>())) {
      return true;
    }
  }
  return false;
}

/// AWS KMS Developer Guide, "kms:GrantIsForAWSResource": only services of AWS may make grants,
/// which is enough to copy and not enough to let another account use the key.
bool for_services_only(const Value& statement) {
  return compact(Json(statement.value("Condition", Value::object())))
             .find("kms:GrantIsForAWSResource") != std::string::npos;
}

/// What grants let our account do already.
std::set<std::string> granted(const Session& session, const Place& place,
                              const std::string& key_id) {
  std::set<std::string> actions;
  const std::string ours = "::" + place.account_id + ":";
  session.each_page(place, "kms", "ListGrants", {{"KeyId", key_id}}, [&](const Value& page) {
    for (const Value& grant : page.value("Grants", Value::array())) {
      if (text(grant, "GranteePrincipal").find(ours) == std::string::npos) continue;
      for (const Value& operation : grant.value("Operations", Value::array())) {
        actions.insert("kms:" + operation.get<std::string>());
      }
    }
  });
  return actions;
}

/// Calls `read`; what may not be read is noted in `check`.
template <typename Read>
bool may_read(KeyCheck& check, const char* what, Read read) {
  try {
    read();
    return true;
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::denied) throw;
    if (!check.unread.empty()) check.unread += "; ";
    check.unread +=
        fmt::format("the {} of {} may not be read: {}", what, check.key_id, e.message());
    return false;
  }
}

}  // namespace

std::vector<std::string> actions_missing(std::string_view policy, const std::string& account_id,
                                         const std::vector<std::string>& actions) {
  const Value document = Value::parse(policy, nullptr, false);
  if (!document.is_object()) throw Error(ErrorKind::corrupt, "the key's policy is no JSON object");
  const bool to_share =
      std::find(actions.begin(), actions.end(), "kms:RevokeGrant") != actions.end();
  std::vector<std::string> missing;
  for (const std::string& action : actions) {
    bool allowed = false;
    bool refused = false;
    for (const Value& statement : all_of(document.value("Statement", Value::array()))) {
      if (!statement.is_object() || !concerns(statement, account_id) || !names(statement, action))
        continue;
      if (text(statement, "Effect") == "Deny") {
        // A refusal under a condition may be about others.
        refused |= !statement.contains("Condition");
      } else {
        allowed |= !(to_share && action == "kms:CreateGrant" && for_services_only(statement));
      }
    }
    if (!allowed || refused) missing.push_back(action);
  }
  return missing;
}

std::string statement_for(const std::string& principal, const std::vector<std::string>& actions) {
  return compact(Json{{"Sid", "Hallmark"},
                      {"Effect", "Allow"},
                      {"Principal", {{"AWS", principal}}},
                      {"Action", actions},
                      {"Resource", "*"}});
}

KeyCheck check_key(const Session& session, const Place& place, const std::string& key_id,
                   bool to_share) {
  KeyCheck check{.key_id = key_id.empty() ? session.region(place).kms_key_id : key_id};
  if (check.key_id.empty()) return check;
  Value key;
  try {
    const bool seen = may_read(check, "description", [&] {
      key = session.call(place, "kms", "DescribeKey", {{"KeyId", check.key_id}}).at("KeyMetadata");
    });
    if (!seen) return check;
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    check.problems.push_back("there is none of that name");
    return check;
  }
  // An alias names it to people; grants and policies go by its ARN.
  check.key_id = text(key, "Arn");
  if (const std::string state = text(key, "KeyState"); state != "Enabled") {
    check.problems.push_back("it is " + state);
  }
  if (text(key, "KeyManager") == "AWS") {
    if (to_share) check.problems.push_back("AWS manages it, and nobody else can use it");
    return check;
  }
  std::string policy;
  const bool seen = may_read(check, "policy", [&] {
    policy = text(session.call(place, "kms", "GetKeyPolicy",
                               {{"KeyId", check.key_id}, {"PolicyName", "default"}}),
                  "Policy");
  });
  if (!seen) return check;
  auto missing = actions_missing(policy, place.account_id, to_share ? kToShare : kToCopy);
  if (missing.empty()) return check;
  std::set<std::string> by_grant;
  may_read(check, "grants", [&] { by_grant = granted(session, place, check.key_id); });
  std::erase_if(missing, [&](const std::string& action) { return by_grant.contains(action); });
  if (missing.empty()) return check;
  check.problems.push_back("its policy does not let " + place.account_id + " do " +
                           join(missing, ", "));
  check.missing_statement =
      statement_for(fmt::format("arn:{}:iam::{}:root",
                                hallmark::aws::partition_of(place.region).name, place.account_id),
                    missing);
  return check;
}

}  // namespace hallmark::cloud::on_aws
