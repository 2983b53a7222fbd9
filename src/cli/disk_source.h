#pragma once
/// What the commands of the noun "disk" look into.

#include "cli/command.h"
#include "fs/system.h"

namespace hallmark::cli {

ArgumentSpec source_argument();
OptionSpec any_backing_file_option();

/// Throws what opening it throws.
fs::System open_source(const Arguments& arguments);

}  // namespace hallmark::cli
