#pragma once
/// The parts of help that its forms (text, docs/cli.md, man pages) are made from.

#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace hallmark::cli {

/// A name and what it means.
using Rows = std::vector<std::pair<std::string, std::string>>;

Rows option_rows(const std::vector<OptionSpec>& options);
Rows argument_rows(const Command& command);
/// Ascending.
Rows exit_rows(const Command& command);
Rows all_exit_rows();
/// "hallmark image build FILE [options]".
std::string usage(const Command& command);
const std::vector<Example>& program_examples();

}  // namespace hallmark::cli
