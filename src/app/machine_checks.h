#pragma once
/// What `hallmark doctor` looks at.

#include <stop_token>
#include <vector>

#include "cli/app.h"

namespace hallmark::app {

/// Looks at this machine and at what `state` says of its work; changes nothing.
std::vector<cli::MachineCheck> examine_machine(const Path& state, std::stop_token stop);

}  // namespace hallmark::app
