#include "cloud/aws/setup.h"

#include <nlohmann/json.hpp>
#include <set>

#include "aws/endpoint.h"
#include "base/error.h"
#include "base/text.h"
#include "cloud/aws/session.h"
#include "cloud/aws/templates.h"

namespace hallmark::cloud {

namespace {

using namespace std::chrono_literals;

/// A NAT gateway takes some minutes, everything else seconds.
constexpr Duration kStackLimit = 30min;

/// As AWS Service Catalog's and the pipelines' own stacks are tagged.
constexpr const char* kGeneratedBy = "Golden-AMI-Pipeline";

bool is_all(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

void check(const SetupSpec& spec) {
  constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  // As the template says: with account and region behind it, it must still be a bucket's name.
  constexpr std::size_t kLongestPrefix = 21;
  if (spec.regions.empty()) throw Error(ErrorKind::usage, "there is no region to set up");
  std::set<std::string> seen;
  for (const std::string& region : spec.regions) {
    aws::check_region(region);
    if (!seen.insert(region).second) {
      throw Error(ErrorKind::usage, "region {} is given twice", region);
    }
  }
  const std::string& prefix = spec.prefix;
  bool is_name = prefix.size() >= 2 && prefix.size() <= kLongestPrefix &&
                 is_all(prefix, kNameCharacters) && prefix[0] >= 'a' && prefix[0] <= 'z';
  if (!is_name) {
    throw Error(ErrorKind::usage, "\"{}\" cannot begin the names of what is made", prefix)
        .hint("take 2 to 21 small letters, digits and hyphens, beginning with a letter");
  }
  for (const std::string& account : spec.child_accounts) check_account_id(account);
  const std::string& organization = spec.organization_id;
  bool is_organization = organization.starts_with("o-") && organization.size() >= 12 &&
                         organization.size() <= 34 && is_all(organization, kNameCharacters);
  if (!organization.empty() && !is_organization) {
    throw Error(ErrorKind::usage, "\"{}\" is no id of an organization", organization)
        .hint("see: hallmark aws call organizations DescribeOrganization");
  }
  if (!spec.email.empty() && spec.email.find('@') == std::string::npos) {
    throw Error(ErrorKind::usage, "\"{}\" is no mail address", spec.email);
  }
}

StackSpec foundation(const SetupSpec& spec, const std::string& region) {
  return {.name = spec.prefix + "-foundation",
          .region = region,
          .template_text = std::string(on_aws::template_file("foundation.json")),
          .parameters = {{"NamePrefix", spec.prefix},
                         {"WithMachineRole", region == spec.regions.front() ? "yes" : "no"},
                         {"ChildAccounts", join(spec.child_accounts, ",")},
                         {"OrganizationId", spec.organization_id},
                         {"EmailID", spec.email}}};
}

StackSpec network(const SetupSpec& spec, const std::string& region) {
  return {.name = spec.prefix + "-network",
          .region = region,
          .template_text = std::string(on_aws::template_file("network.json")),
          .parameters = {{"WayOut", spec.way_out}}};
}

AwsCloudConfig config_of(aws::Caller& caller, const SetupSpec& spec, const std::string& account,
                         std::stop_token stop) {
  AwsCloudConfig config{.account_id = account, .instance_profile = spec.prefix + "-machine"};
  for (const std::string& name : spec.regions) {
    AwsRegion region{.name = name};
    if (auto made = stack_outputs(caller, name, spec.prefix + "-foundation", stop)) {
      region.bucket = (*made)["BucketName"];
      region.kms_key_id = (*made)["KeyArn"];
    }
    if (spec.network) {
      if (auto made = stack_outputs(caller, name, spec.prefix + "-network", stop)) {
        if (std::string subnets = (*made)["PrivateSubnetIds"]; !subnets.empty()) {
          region.subnet_ids = split(subnets, ',');
        }
        if (std::string group = (*made)["SecurityGroupId"]; !group.empty()) {
          region.security_group_ids = {group};
        }
      }
    }
    config.regions.push_back(std::move(region));
  }
  return config;
}

template <typename EachStack>
SetupResult set_up(aws::Caller& caller, const SetupSpec& spec, std::stop_token stop,
                   const EachStack& each_stack) {
  std::vector<StackSpec> stacks = setup_stacks(spec);
  SetupResult result{.account_id = account_of(caller, spec.regions.front(), stop)};
  for (const StackSpec& stack : stacks) result.stacks.push_back(each_stack(stack));
  result.config = config_of(caller, spec, result.account_id, stop);
  return result;
}

}  // namespace

std::vector<StackSpec> setup_stacks(const SetupSpec& spec) {
  check(spec);
  std::vector<StackSpec> stacks;
  for (const std::string& region : spec.regions) {
    stacks.push_back(foundation(spec, region));
    if (spec.network) stacks.push_back(network(spec, region));
  }
  for (StackSpec& stack : stacks) {
    stack.parameters["ProductTag"] = spec.product_tag;
    stack.parameters["CostCenter"] = spec.cost_center;
    std::erase_if(stack.parameters, [](const auto& one) { return one.second.empty(); });
    stack.tags["Generated-By"] = kGeneratedBy;
    if (!spec.cost_center.empty()) stack.tags["Cost-Center"] = spec.cost_center;
  }
  return stacks;
}

SetupResult plan_setup(aws::Caller& caller, Clock& clock, const SetupSpec& spec,
                       std::stop_token stop) {
  return set_up(caller, spec, stop,
                [&](const StackSpec& stack) { return plan_stack(caller, clock, stack, stop); });
}

SetupResult apply_setup(aws::Caller& caller, Clock& clock, const SetupSpec& spec,
                        const Progress& progress, std::stop_token stop) {
  return set_up(caller, spec, stop, [&](const StackSpec& stack) {
    return apply_stack(caller, clock, stack, kStackLimit, progress, stop);
  });
}

std::string child_role_template(const ChildRoleSpec& spec) {
  check_account_id(spec.parent_account_id);
  constexpr std::size_t kLongestExternalId = 1224;
  if (spec.external_id.size() < 2 || spec.external_id.size() > kLongestExternalId) {
    throw Error(ErrorKind::usage, "an external id has 2 to {} characters", kLongestExternalId);
  }
  if (spec.parent_principal != "root" && !spec.parent_principal.starts_with("role/") &&
      !spec.parent_principal.starts_with("user/")) {
    throw Error(ErrorKind::usage, "\"{}\" is nobody in an account", spec.parent_principal)
        .hint("write root, role/NAME or user/NAME");
  }
  return on_aws::template_with_defaults(on_aws::template_file("child-role.json"),
                                        {{"ParentAccountId", spec.parent_account_id},
                                         {"ParentPrincipal", spec.parent_principal},
                                         {"ExternalId", spec.external_id},
                                         {"roleName", spec.role},
                                         {"MayPrevent", spec.may_prevent ? "yes" : "no"},
                                         {"MayRemediate", spec.may_remediate ? "yes" : "no"},
                                         {"CostCenter", spec.cost_center}});
}

std::string compliance_rule_template(const RuleSpec& spec) {
  check_account_id(spec.parent_account_id);
  // The name is the function's too. AWS Lambda API Reference, CreateFunction; the rest is left for
  // what AWS puts behind it.
  constexpr std::size_t kLongestRule = 48;
  const bool is_name = !spec.rule.empty() && spec.rule.size() <= kLongestRule &&
                       spec.rule.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == std::string::npos;
  if (!is_name) {
    throw Error(ErrorKind::usage, "\"{}\" is no name for a rule", spec.rule)
        .hint(fmt::format("write up to {} letters, digits, - and _", kLongestRule));
  }
  return on_aws::template_with_defaults(on_aws::template_file("compliance-rule.json"),
                                        {{"ParentAccountId", spec.parent_account_id},
                                         {"SetupPrefix", spec.prefix},
                                         {"RuleName", spec.rule},
                                         {"CodeBucket", spec.bucket},
                                         {"Architecture", spec.architecture},
                                         {"CodeDigest", spec.digest},
                                         {"WithCentralCheck", spec.central_check ? "yes" : "no"},
                                         {"CostCenter", spec.cost_center}});
}

std::string account_of(aws::Caller& caller, const std::string& region, std::stop_token stop) {
  aws::Value answer =
      caller.call({.service = "sts", .operation = "GetCallerIdentity", .region = region},
                  aws::Value::object(), stop);
  return on_aws::text(answer, "Account");
}

std::string default_external_id(const std::string& account_id) { return "hallmark-" + account_id; }

}  // namespace hallmark::cloud
