#pragma once
/// The part of `hallmark doctor` that is about what is kept and served here.

#include <vector>

#include "app/config.h"
#include "cli/app.h"

namespace hallmark::app {

/// The state directory can be written to.
cli::MachineCheck check_state_directory(const Path& state);
/// config.yaml; reads it into `config` if it is good.
cli::MachineCheck check_config(const Path& state, Config& config);
cli::MachineCheck check_database(const Config& config);
/// The machine's clock is kept in step.
cli::MachineCheck check_clock();

}  // namespace hallmark::app
