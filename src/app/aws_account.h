#pragma once
/// The commands that set up an AWS account, with the real client.

#include "base/clock.h"
#include "base/files.h"
#include "cli/aws_account.h"

namespace hallmark::app {

/// Reads `state`/config.yaml when first needed. `clock` must outlive it.
cli::AwsAccount aws_account(const Path& state, Clock& clock);

}  // namespace hallmark::app
