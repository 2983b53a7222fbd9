#pragma once
/// What the exit codes of hallmark mean: the codes come from the table in base/error.h.

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace hallmark::cli {

/// What an error of that kind means to whoever called the command.
std::string meaning_of(ErrorKind kind);

/// Every code with its meaning, ascending, 0 first.
std::vector<std::pair<int, std::string>> exit_codes();

}  // namespace hallmark::cli
