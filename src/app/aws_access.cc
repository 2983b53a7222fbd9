#include "app/aws_access.h"

#include <fmt/format.h>

#include "aws/needs.h"

namespace hallmark::app {

AwsAccess::AwsAccess(const AwsConfig& config, const std::string& region, Clock& clock)
    : client(clock, {.profile = config.profile,
                     .endpoint_url = config.endpoint_url,
                     .region = region,
                     // Another party than AWS has rates of its own.
                     .limit_rates = config.endpoint_url.empty()}),
      roles(client, clock) {
  aws::require(client.models(), cloud::aws_model_needs());
}

cloud::AwsCloudConfig aws_cloud_config(const CloudConfig& config) {
  cloud::AwsCloudConfig made{.account_id = config.account_id,
                             .instance_profile = config.aws.instance_profile};
  for (const std::string& name : config.regions) {
    auto known = config.aws.regions.find(name);
    AwsRegionConfig region = known == config.aws.regions.end() ? AwsRegionConfig{} : known->second;
    made.regions.push_back({.name = name,
                            .subnet_ids = region.subnets,
                            .security_group_ids = region.security_groups,
                            .bucket = region.bucket,
                            .kms_key_id = region.kms_key});
  }
  if (!config.aws.instance_types.empty()) made.instance_types = config.aws.instance_types;
  return made;
}

cloud::CredentialsOf child_credentials(std::shared_ptr<AwsAccess> access, const AwsConfig& config,
                                       const std::string& region) {
  return [access, region, config](const std::string& account_id) {
    aws::Role role{.arn = fmt::format("arn:{}:iam::{}:role/{}", aws::partition_of(region).name,
                                      account_id, config.child_role),
                   .external_id = config.external_id,
                   .region = region};
    return access->roles.get(role, access->client.default_credentials());
  };
}

}  // namespace hallmark::app
