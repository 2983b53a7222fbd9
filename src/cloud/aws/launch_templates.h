#pragma once
/// EC2's launch templates as cloud/launch_templates.h.

#include "cloud/aws/aws_cloud.h"
#include "cloud/launch_templates.h"

namespace hallmark::cloud {

/// As make_aws_cloud().
std::unique_ptr<LaunchTemplates> make_aws_launch_templates(
    AwsCloudConfig config, std::shared_ptr<hallmark::aws::Caller> caller,
    CredentialsOf credentials_of, Clock& clock);

}  // namespace hallmark::cloud
