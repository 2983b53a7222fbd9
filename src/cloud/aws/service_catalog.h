#pragma once
/// AWS Service Catalog as a catalog. Templates lie in the region's bucket, one object for each
/// version, of our own account. Products and portfolios get tags of our own, which are not shown.

#include <memory>

#include "cloud/aws/aws_cloud.h"
#include "cloud/catalog.h"

namespace hallmark::cloud {

/// Makes no call. `clock` must outlive the catalog.
std::unique_ptr<Catalog> make_aws_catalog(AwsCloudConfig config,
                                          std::shared_ptr<hallmark::aws::Caller> caller,
                                          CredentialsOf credentials_of, Clock& clock);

}  // namespace hallmark::cloud
