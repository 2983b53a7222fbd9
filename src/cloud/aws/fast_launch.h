#pragma once
/// Windows fast launch. Amazon EC2 User Guide, "Configure Windows fast launch".

#include "cloud/aws/session.h"
#include "cloud/image_services.h"

namespace hallmark::cloud::on_aws {

/// The functions of cloud/image_services.h with the same names; see there.
FastLaunchStatus find_fast_launch(const Session& session, const Place& place,
                                  const std::string& image_id);
void enable_fast_launch(const Session& session, const Place& place, const std::string& image_id,
                        const FastLaunch& wanted);
void disable_fast_launch(const Session& session, const Place& place, const std::string& image_id);

}  // namespace hallmark::cloud::on_aws
