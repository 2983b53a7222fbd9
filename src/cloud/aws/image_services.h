#pragma once
/// EC2 and KMS as cloud/image_services.h.

#include "aws/needs.h"
#include "cloud/aws/aws_cloud.h"
#include "cloud/image_services.h"

namespace hallmark::cloud {

/// What watermarks take of the models, which older ones have not; without it there are none.
hallmark::aws::Need watermark_need();

/// As make_aws_cloud().
std::shared_ptr<ImageServices> make_aws_image_services(
    AwsCloudConfig config, std::shared_ptr<hallmark::aws::Caller> caller,
    CredentialsOf credentials_of, bool watermarks, Clock& clock);

}  // namespace hallmark::cloud
