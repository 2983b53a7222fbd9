#pragma once
/// AWS Organizations as cloud/organizations.h.

#include "cloud/aws/aws_cloud.h"
#include "cloud/organizations.h"

namespace hallmark::cloud {

/// As make_aws_cloud(). Our own account must manage the organization, or a policy of it must let it
/// read (AWS Organizations User Guide, "Delegated administrator").
std::unique_ptr<Organizations> make_aws_organizations(AwsCloudConfig config,
                                                      std::shared_ptr<hallmark::aws::Caller> caller,
                                                      CredentialsOf credentials_of, Clock& clock);

}  // namespace hallmark::cloud
