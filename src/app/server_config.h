#pragma once
/// `server` of config.yaml.

#include "cli/app.h"
#include "server/server_commands.h"

namespace hallmark::app {

/// Throws `usage`, naming file and member.
server::Settings read_server_settings(cli::App& app);

}  // namespace hallmark::app
