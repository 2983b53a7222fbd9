#pragma once
/// How the AWS part of config.yaml becomes a client and a cloud's configuration.

#include "app/config.h"
#include "aws/credentials/assume_role.h"
#include "aws/http_client.h"
#include "cloud/aws/aws_cloud.h"

namespace hallmark::app {

/// A client, and the roles that it takes in other accounts with its own credentials.
struct AwsAccess {
  AwsAccess(const AwsConfig& config, const std::string& region, Clock& clock);
  aws::HttpClient client;
  aws::RoleCache roles;
};

cloud::AwsCloudConfig aws_cloud_config(const CloudConfig& config);

/// Takes the role that `config` names in other accounts, by way of the STS of `region`.
cloud::CredentialsOf child_credentials(std::shared_ptr<AwsAccess> access, const AwsConfig& config,
                                       const std::string& region);

}  // namespace hallmark::app
