#pragma once
/// What the commands that set up an AWS account are given; app/aws_account.cc fills it in.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"

namespace hallmark::cli {

/// What the command line says; empty where it says nothing.
struct AwsSetupRequest {
  bool apply = false;
  bool write_config = false;
  std::vector<std::string> regions;
  std::vector<std::string> accounts;
  std::string organization_id;
  std::string prefix;
  bool network = true;
  std::string way_out;
  std::string email;
  std::string product_tag;
  std::string cost_center;
  std::string child_role;
  std::string external_id;
  std::string profile;
  std::string endpoint_url;
};

/// Whose credentials, and the names of things; for commands that need no more.
struct AwsNames {
  std::string account_id;
  std::string parent_principal;
  std::string prefix;
  std::string child_role;
  std::string external_id;
  std::string cost_center;
  std::string profile;
  std::string endpoint_url;
  // Of the policy: what keeping a catalog needs, and what archives, fast launch and watermarks do.
  bool catalog = false;
  bool images = false;
  bool targets = false;  ///< of the policy: what units and launch templates as targets need
  // The role in other accounts, for: hallmark compliance prevent, and remediate.
  bool may_prevent = false;
  bool may_remediate = false;
};

/// Of the compliance rule; empty where the command line says nothing.
struct AwsRuleRequest {
  AwsNames names;
  std::string rule;
  std::string bucket;
  std::string architecture;
  std::string digest;  ///< in the package's name
  bool central_check = false;
};

struct AwsAccount {
  /// {"account_id", "stacks": [{"stack", "region", "action", "resources": [{"action", "name",
  /// "type", "replaces"}]}], "config": text, "written": path or null}
  std::function<Json(const AwsSetupRequest& request,
                     const std::function<void(const std::string&)>& progress, std::stop_token)>
      set_up;
  /// {"checks": [{"where", "what", "state", "found", "way_out", "kind": of what is missing, else
  /// null}]}
  std::function<Json(const std::vector<std::string>& accounts, const AwsNames& names,
                     std::stop_token)>
      preflight;
  /// Of the role in other accounts.
  std::function<std::string(const AwsNames& names, std::stop_token)> child_template;
  /// Of the compliance rule in other accounts.
  std::function<std::string(const AwsRuleRequest& request, std::stop_token)> rule_template;
  /// Asks AWS who the credentials of `profile` are (an ARN), and gives a proof of it that names the
  /// digest which `statement_digest` makes of that ARN; see pipeline/decision.h.
  std::function<Json(const std::string& profile,
                     const std::function<std::string(const std::string& arn)>& statement_digest,
                     std::stop_token)>
      prove;
  /// Of whoever runs Hallmark.
  std::function<std::string(const AwsNames& names, std::stop_token)> policy;
};

}  // namespace hallmark::cli
