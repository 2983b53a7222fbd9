#pragma once
/// Puts into an AWS account what Hallmark needs there: two stacks per region.

#include "cloud/aws/aws_cloud.h"
#include "cloud/aws/stacks.h"

namespace hallmark::cloud {

/// What is left empty stays as it is in stacks that exist, and is the template's default in new
/// ones.
struct SetupSpec {
  std::vector<std::string> regions;  ///< where images are built and copied to, the first one first
  std::string prefix = "hallmark";   ///< begins the names of all that is made
  bool network = true;               ///< false: machines stand in subnets that exist already
  std::string way_out;               ///< of machines: "nat" or "endpoints"
  std::vector<std::string> child_accounts;  ///< may use the key that images are encrypted with
  std::string organization_id;              ///< whose accounts may all use it
  std::string email;                        ///< who gets notices
  std::string product_tag;
  std::string cost_center;
};

struct SetupResult {
  std::string account_id;
  std::vector<StackChange> stacks;
  /// What the account then has; nothing of a region whose stacks do not exist yet.
  AwsCloudConfig config;
};

/// The stacks that setting up comes to, in the order in which they are made. Throws `usage` for
/// what AWS would not take.
std::vector<StackSpec> setup_stacks(const SetupSpec& spec);

/// Says what apply_setup() would do, and changes nothing.
SetupResult plan_setup(aws::Caller& caller, Clock& clock, const SetupSpec& spec,
                       std::stop_token stop);

/// Makes it so. Can be repeated: the second time nothing changes. Throws what apply_stack() throws.
SetupResult apply_setup(aws::Caller& caller, Clock& clock, const SetupSpec& spec,
                        const Progress& progress, std::stop_token stop);

struct ChildRoleSpec {
  std::string parent_account_id;
  std::string parent_principal = "root";  ///< or like "role/hallmark"
  std::string external_id;
  std::string role = "goldenAMICrossAccountRole";
  bool may_prevent = false;    ///< may change what can be launched there (cloud/enforcement.h)
  bool may_remediate = false;  ///< may tag and stop machines there
  std::string cost_center = "none";
};

/// The template of the role in other accounts, ready to be deployed as it is. Throws `usage`.
std::string child_role_template(const ChildRoleSpec& spec);

struct RuleSpec {
  std::string parent_account_id;
  std::string prefix = "hallmark";  ///< as setup was given it
  std::string rule = "hallmark-golden-images";
  std::string bucket;  ///< in every region that the rule comes to; empty: the one of setup there
  std::string architecture = "x86_64";  ///< or "arm64"
  std::string digest;  ///< in the package's name, so that another package has another; may be empty
  bool central_check = false;  ///< also a process check that takes the verdicts of our own check
  std::string cost_center = "none";
};

/// The template of the compliance rule in an account and region, ready to be deployed as it is.
/// Throws `usage`.
std::string compliance_rule_template(const RuleSpec& spec);

/// Whose credentials the caller has.
std::string account_of(aws::Caller& caller, const std::string& region, std::stop_token stop);

/// The external id where nobody has chosen one: it need not be secret, only ours.
std::string default_external_id(const std::string& account_id);

}  // namespace hallmark::cloud
