#pragma once
/// What whoever runs Hallmark may do, against templates/hallmark-policy.json.

#include "cloud/aws/preflight.h"

namespace hallmark::cloud::on_aws {

/// One finding per statement of the policy that is not all allowed; one alone if all are, or if
/// nobody can tell. `arn` is the caller's, of GetCallerIdentity.
std::vector<Finding> check_permissions(aws::Caller& caller, const PreflightSpec& spec,
                                       const std::string& arn, std::stop_token stop);

}  // namespace hallmark::cloud::on_aws
