#pragma once
/// What launches machines from images on AWS: launch templates and Auto Scaling groups.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// The function of cloud/cloud.h with the same name; see there.
std::vector<ImageUse> list_image_uses(const Session& session, const Place& place);

}  // namespace hallmark::cloud::on_aws
