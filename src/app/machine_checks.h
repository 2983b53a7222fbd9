#pragma once
/// What `hallmark doctor` looks at.

#include <stop_token>
#include <vector>

#include "cli/app.h"

namespace hallmark::app {

/// Looks at this machine; changes nothing. `state` is where disk space is needed.
std::vector<cli::MachineCheck> examine_machine(const Path& state, std::stop_token stop);

}  // namespace hallmark::app
