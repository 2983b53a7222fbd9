#pragma once
/// Shell completion, written out from the list of commands: no call of hallmark while typing.

#include <string>

#include "cli/command.h"

namespace hallmark::cli {

/// `shell`: bash, zsh or fish.
std::string completion_script(const CommandTable& table, const std::string& shell);

/// The command itself; `table` is asked when it runs, as the command is in the table.
Command completion_command(const CommandTable& (*table)());

}  // namespace hallmark::cli
