#pragma once
/// The one place where an error becomes text for people or programs, and an exit code.

#include <exception>

#include "cli/app.h"

namespace hallmark::cli {

/// Tells about the error on stderr, as text and, with `json`, as {"type":"error","error":{..}}
/// instead. Returns the exit code. What is not an Error is a bug: 70.
int report_error(const Terminal& terminal, bool json, const std::exception& error);

}  // namespace hallmark::cli
