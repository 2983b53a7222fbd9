#pragma once
/// AWS as a cloud: EC2, EBS direct, Systems Manager and S3 behind cloud/cloud.h.
///
/// Places are accounts and regions. Our own account is entered with the credentials that `Caller`
/// brings; any other with those that `credentials_of` makes, normally by assuming a role there.
/// Things get tags of our own beside those they are given; they are not shown in `tags`:
/// `hallmark:call-token`, by which a call that is made again finds what the first one made.

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aws/client.h"
#include "aws/needs.h"
#include "cloud/cloud.h"

namespace hallmark::cloud {

/// Where machines of one region stand. `hallmark aws setup` makes all of it.
struct AwsRegion {
  std::string name;  ///< "us-east-1"
  std::vector<std::string>
      subnet_ids;  ///< tried in order when one has no capacity; empty: default VPC
  std::vector<std::string> security_group_ids;  ///< empty: the VPC's default
  /// Receives the output of commands. Without one, output past what Systems Manager itself keeps
  /// (24,000 characters) is dropped and said so.
  std::string bucket;
  /// Encrypts volumes and snapshots. Empty: the account's default key, with which an image cannot
  /// be shared with other accounts.
  std::string kms_key_id;
};

struct AwsCloudConfig {
  std::string account_id;  ///< ours
  std::vector<AwsRegion> regions;
  /// For machines: lets Systems Manager in and the output out to the bucket.
  std::string instance_profile;
  /// Tried in order when one has no capacity, after the size that a machine asks for.
  std::vector<std::string> instance_types = {"t3.medium", "t3a.medium", "m5.large"};
  /// How long AWS may take to check the image id of a parameter: seconds, on a bad day a minute.
  Duration image_check_limit{60'000};
};

/// Whose credentials to use in an account that is not ours. Called often; caches.
using CredentialsOf = std::function<std::shared_ptr<hallmark::aws::CredentialProvider>(
    const std::string& account_id)>;

/// What the cloud says to AWS and models of 2022, such as Debian 12's, do not know; for
/// hallmark::aws::require.
std::span<const hallmark::aws::Need> aws_model_needs();

/// Throws `usage` if the configuration is malformed. Makes no call. `clock` must outlive the cloud.
std::unique_ptr<Cloud> make_aws_cloud(AwsCloudConfig config,
                                      std::shared_ptr<hallmark::aws::Caller> caller,
                                      CredentialsOf credentials_of, Clock& clock);

}  // namespace hallmark::cloud
