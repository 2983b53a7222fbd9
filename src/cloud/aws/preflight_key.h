#pragma once
/// The key that images are encrypted with, and who may use it.

#include <string_view>

#include "cloud/aws/preflight.h"

namespace hallmark::cloud::on_aws {

std::vector<Finding> check_key(aws::Caller& caller, const PreflightSpec& spec,
                               const AwsRegion& region, std::stop_token stop);

/// Those actions on a key that its policy does not let another account do, of those that launching
/// from an encrypted image takes. Statements for an organization count for every account. Throws
/// `corrupt` if it is no policy.
std::vector<std::string> key_actions_missing(std::string_view policy,
                                             const std::string& account_id);

/// The same for all accounts of a unit (cloud/organizations.h): only statements for it, for a unit
/// that it is in, or for its organization count.
std::vector<std::string> unit_actions_missing(std::string_view policy, const std::string& unit);
/// The statement that a policy lacks then, as JSON.
std::string unit_statement(const std::string& unit);

}  // namespace hallmark::cloud::on_aws
