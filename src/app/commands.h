#pragma once
/// The explicit list of commands.

#include "cli/command.h"

namespace hallmark::app {

const cli::CommandTable& commands();

}  // namespace hallmark::app
