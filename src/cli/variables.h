#pragma once
/// --var NAME=VALUE, for every command that reads a pipeline file.

#include "cli/command.h"
#include "model/yaml_document.h"

namespace hallmark::cli {

OptionSpec variable_option();
/// Throws `usage` for what is not NAME=VALUE.
model::Variables variables_of(const Arguments& arguments);

}  // namespace hallmark::cli
