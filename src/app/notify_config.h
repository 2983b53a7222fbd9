#pragma once
/// The section `notices` of config.yaml: who is told of what happens.

#include "app/config.h"
#include "cli/app.h"
#include "notify/desk.h"

namespace hallmark::app {

/// Throws `usage` for what does not fit together, naming the receiver: settings of one kind that
/// are given to another, or that are missing.
std::vector<notify::Receiver> read_receivers(const Config& config);

/// Everything that is needed to tell them. `app` must outlive it.
notify::Desk open_desk(cli::App& app);

}  // namespace hallmark::app
