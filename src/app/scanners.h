#pragma once
/// The scanners of config.yaml, made when golden.yaml first calls for them.

#include <functional>
#include <memory>

#include "app/aws_access.h"
#include "app/config.h"
#include "base/clock.h"
#include "cloud/cloud.h"
#include "pipeline/context.h"

namespace hallmark::app {

/// The same client for all who ask.
using AwsAccessOf = std::function<std::shared_ptr<AwsAccess>()>;

/// `cloud` and `clock` must outlive the result. The result throws `usage` for a name that
/// config.yaml does not have, and what secret_value and the scanners' makers throw.
pipeline::OutsideScanners outside_scanners(const Config& config, AwsAccessOf aws,
                                           cloud::Cloud& cloud, Clock& clock);

}  // namespace hallmark::app
