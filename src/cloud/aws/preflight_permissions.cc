#include "cloud/aws/preflight_permissions.h"

#include <nlohmann/json.hpp>

#include "aws/endpoint.h"
#include "base/text.h"
#include "cloud/aws/session.h"
#include "cloud/aws/templates.h"

namespace hallmark::cloud::on_aws {

namespace {

using State = Finding::State;

constexpr const char* kPermissionsCheck = "permissions";
constexpr const char* kWayOut =
    "attach the policy that this prints to whoever runs Hallmark: hallmark aws policy";

Value as_list(const Value& one_or_more) {
  return one_or_more.is_array() ? one_or_more : Value::array({one_or_more});
}

/// A resource that the pattern of a policy stands for.
std::string example_of(const std::string& pattern, const PreflightSpec& spec) {
  const std::string home = spec.config.regions.front().name;
  constexpr std::size_t kRegion = 3, kAccount = 4, kRest = 5;
  std::vector<std::string> parts = split(pattern, ':');
  if (parts.size() <= kRest) return pattern;
  if (parts[kRegion] == "*") parts[kRegion] = home;
  if (parts[kAccount] == "*") {
    parts[kAccount] =
        spec.child_accounts.empty() ? spec.config.account_id : spec.child_accounts.front();
  }
  std::string& rest = parts[kRest];
  // Our buckets have their region at the end.
  if (auto star = rest.find("-*"); parts[2] == "s3" && star != std::string::npos) {
    rest.replace(star + 1, 1, home);
  }
  rest = replace_all(rest, "*", "hallmark");
  return join(parts, ":");
}

/// Values of the condition keys with which the statement holds.
Value context_of(const Value& statement, const std::string& region) {
  Value entries = Value::array();
  const Value condition = statement.value("Condition", Value::object());
  for (const auto& [operation, keys] : condition.items()) {
    for (const auto& [key, values] : keys.items()) {
      std::string value = as_list(values).at(0).get<std::string>();
      if (value == "*") {
        value = "hallmark";
      } else if (value.ends_with(".*")) {
        value = value.substr(0, value.size() - 1) + region + ".amazonaws.com";
      } else if (value.ends_with("*")) {
        value.pop_back();
      }
      entries.push_back(
          {{"ContextKeyName", key},
           {"ContextKeyValues", Value::array({value})},
           {"ContextKeyType", operation.starts_with("ForAllValues:") ? "stringList" : "string"}});
    }
  }
  return entries;
}

/// Who holds the policies of this caller; empty if nobody can be asked about.
std::string holder_of(aws::Caller& caller, const PreflightSpec& spec, const std::string& arn,
                      std::stop_token stop) {
  std::vector<std::string> words = split(arn, '/');
  if (arn.find(":user/") != std::string::npos) return arn;
  if (arn.find(":assumed-role/") == std::string::npos || words.size() < 2) return "";
  const std::string region = spec.config.regions.front().name;
  try {
    // Only IAM knows the path in the role's ARN.
    Value answer = caller.call({.service = "iam", .operation = "GetRole", .region = region},
                               {{"RoleName", words[1]}}, stop);
    return text(answer.at("Role"), "Arn");
  } catch (const ApiError&) {
    return fmt::format("arn:{}:iam::{}:role/{}", aws::partition_of(region).name,
                       spec.config.account_id, words[1]);
  }
}

Finding denied_statement(const std::string& sid, const std::vector<std::string>& actions) {
  return {.what = kPermissionsCheck,
          .state = State::missing,
          .found = fmt::format("{}: not allowed: {}", sid, join(actions, ", ")),
          .way_out = kWayOut,
          .kind = ErrorKind::denied};
}

std::vector<std::string> refused_actions(aws::Caller& caller, const PreflightSpec& spec,
                                         const std::string& holder, const Value& statement,
                                         std::stop_token stop) {
  const std::string region = spec.config.regions.front().name;
  Value input = {{"PolicySourceArn", holder}, {"ActionNames", as_list(statement.at("Action"))}};
  Value resources = Value::array();
  for (const Value& pattern : as_list(statement.at("Resource"))) {
    if (pattern != "*") resources.push_back(example_of(pattern.get<std::string>(), spec));
  }
  if (!resources.empty()) input["ResourceArns"] = resources;
  if (Value context = context_of(statement, region); !context.empty()) {
    input["ContextEntries"] = context;
  }
  std::vector<std::string> refused;
  while (true) {
    Value answer = caller.call(
        {.service = "iam", .operation = "SimulatePrincipalPolicy", .region = region}, input, stop);
    for (const Value& result : answer.value("EvaluationResults", Value::array())) {
      if (text(result, "EvalDecision") == "allowed") continue;
      const std::string resource = text(result, "EvalResourceName");
      refused.push_back(text(result, "EvalActionName") +
                        (resource.empty() || resource == "*" ? "" : " on " + resource));
    }
    if (!answer.value("IsTruncated", false)) return refused;
    input["Marker"] = text(answer, "Marker");
  }
}

/// EC2 says of some calls whether they would be allowed, without making them.
std::vector<Finding> try_dry(aws::Caller& caller, const PreflightSpec& spec,
                             const std::string& why_not_simulated, std::stop_token stop) {
  const std::string region = spec.config.regions.front().name;
  const Value tags = Value::array({tag_specification("instance", {{kCallTokenTag, "preflight"}}),
                                   tag_specification("volume", {{kCallTokenTag, "preflight"}})});
  // Nobody has this image: EC2 looks at permissions first.
  constexpr const char* kNoImage = "ami-00000000000000000";
  const std::vector<std::pair<std::string, Value>> calls = {
      {"RunInstances",
       {{"ImageId", kNoImage},
        {"MinCount", 1},
        {"MaxCount", 1},
        {"InstanceType", spec.config.instance_types.front()},
        {"TagSpecifications", tags},
        {"DryRun", true}}},
      {"CopyImage",
       {{"SourceImageId", kNoImage},
        {"SourceRegion", region},
        {"Name", "hallmark-preflight"},
        {"DryRun", true}}},
      {"RegisterImage", {{"Name", "hallmark-preflight"}, {"DryRun", true}}},
  };
  std::vector<Finding> findings;
  for (const auto& [operation, input] : calls) {
    try {
      caller.call({.service = "ec2", .operation = operation, .region = region}, input, stop);
    } catch (const ApiError& e) {
      if (e.code() == "UnauthorizedOperation") {
        findings.push_back(denied_statement("dry run", {"ec2:" + operation}));
      }
    }
  }
  findings.push_back(
      {.what = kPermissionsCheck,
       .state = State::warning,
       .found = "only launching, copying and registering were tried: " + why_not_simulated,
       .way_out = "allow iam:SimulatePrincipalPolicy, or have an administrator run this"});
  return findings;
}

}  // namespace

std::vector<Finding> check_permissions(aws::Caller& caller, const PreflightSpec& spec,
                                       const std::string& arn, std::stop_token stop) {
  if (arn.ends_with(":root")) {
    return {{.what = kPermissionsCheck,
             .state = State::warning,
             .found = "these are the credentials of the account's root user, who may do anything",
             .way_out = kWayOut}};
  }
  const std::string holder = holder_of(caller, spec, arn, stop);
  if (holder.empty()) return try_dry(caller, spec, arn + " has no policies of its own", stop);
  const std::string partition(aws::partition_of(spec.config.regions.front().name).name);
  Value policy = Value::parse(hallmark_policy({.partition = partition,
                                               .account_id = spec.config.account_id,
                                               .prefix = spec.prefix,
                                               .child_role = spec.child_role}));
  std::vector<Finding> findings;
  std::size_t actions = 0;
  for (const Value& statement : policy.at("Statement")) {
    const std::string sid = text(statement, "Sid");
    if (sid == "EnterChildAccounts" && spec.child_accounts.empty()) continue;
    actions += as_list(statement.at("Action")).size();
    try {
      auto refused = refused_actions(caller, spec, holder, statement, stop);
      if (!refused.empty()) findings.push_back(denied_statement(sid, refused));
    } catch (const ApiError& e) {
      return try_dry(caller, spec, e.message(), stop);
    }
  }
  if (findings.empty()) {
    findings.push_back(
        {.what = kPermissionsCheck, .found = fmt::format("all {} are there", actions)});
  }
  return findings;
}

}  // namespace hallmark::cloud::on_aws
