#pragma once
/// Help, made from the list of commands: examples first, exit codes last.

#include <string>

#include "cli/command.h"

namespace hallmark::cli {

std::string program_help(const CommandTable& table);
std::string noun_help(const CommandTable& table, const std::string& noun);
std::string command_help(const Command& command);
/// docs/cli.md: all of it in one page.
std::string markdown(const CommandTable& table);

}  // namespace hallmark::cli
