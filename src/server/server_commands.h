#pragma once
/// hallmark server and hallmark token; app/commands.cc puts them into the one list.

#include <vector>

#include "cli/command.h"

namespace hallmark::server {

/// `table` is asked when they run, as they are in the table.
std::vector<cli::Command> server_commands(const cli::CommandTable& (*table)());
std::vector<cli::Command> token_commands();
std::vector<cli::Command> login_commands();
/// `hallmark internal openapi` makes docs/openapi.json.
cli::Command openapi_command(const cli::CommandTable& (*table)());

}  // namespace hallmark::server
