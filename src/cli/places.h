#pragma once
/// Accounts, regions and targets as they are written on the command line.

#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/command.h"
#include "cloud/cloud.h"
#include "model/pipeline.h"

namespace hallmark::cli {

/// --account and --region.
std::vector<OptionSpec> place_options();

/// The one place that the options name: our own account and the cloud's first region by default.
/// Throws `usage` for a malformed account or an unknown region.
cloud::Place place_of(App& app, const Arguments& arguments);

/// All known places that the options leave: with neither option all of them.
std::vector<cloud::Place> places_of(App& app, const Arguments& arguments);

/// "111122223333=us-east-1,us-west-2", or a unit in place of the account. Throws `usage`.
model::Target parse_target(const std::string& text);
/// The same, or an account or a unit alone: it has no regions then.
model::Target parse_target_or_account(const std::string& text);

}  // namespace hallmark::cli
