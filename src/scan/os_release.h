#pragma once
/// os-release(5).

#include <string_view>

#include "model/assessment.h"

namespace hallmark::scan {

/// Missing keys stay empty, except ID, which is "linux" then. Never throws: lines that make no
/// sense are skipped, as the format's page asks.
model::Distribution parse_os_release(std::string_view text);

}  // namespace hallmark::scan
