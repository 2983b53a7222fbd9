#pragma once
/// hallmark ci.

#include <vector>

#include "cli/command.h"

namespace hallmark::cli {

std::vector<Command> ci_commands();

}  // namespace hallmark::cli
