#pragma once
/// Whether an AWS account has what Hallmark needs, and how to repair what it has not.

#include <vector>

#include "base/error.h"
#include "cloud/aws/aws_cloud.h"

namespace hallmark::cloud {

struct PreflightSpec {
  AwsCloudConfig config;
  std::string prefix = "hallmark";  ///< of the names that setup gave
  std::string child_role;           ///< in the accounts below
  std::string external_id;
  std::vector<std::string> child_accounts;
};

struct Finding {
  enum class State {
    ok,
    warning,  ///< works, but worse; or could not be looked at
    missing
  };
  std::string where;  ///< "us-east-1", "444455556666/us-east-1", "" for the account
  std::string what;   ///< "bucket"
  State state = State::ok;
  std::string found;
  std::string way_out;                 ///< empty if ok
  ErrorKind kind = ErrorKind::failed;  ///< of what is missing
};

const char* to_string(Finding::State state);

/// Looks at everything and changes nothing. Nothing that AWS refuses is thrown, it is found;
/// without credentials or a connection, that is the only finding. Throws `cancelled`.
std::vector<Finding> preflight(aws::Caller& caller, const CredentialsOf& credentials_of,
                               const PreflightSpec& spec, std::stop_token stop);

}  // namespace hallmark::cloud
