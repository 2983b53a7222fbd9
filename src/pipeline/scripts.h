#pragma once
/// Scripts that Hallmark itself runs in a machine, embedded from scripts/*.sh.

#include <string_view>
#include <utility>
#include <vector>

#include "model/pipeline.h"

namespace hallmark::pipeline {

/// File names and texts, in the order of CMakeLists.txt.
const std::vector<std::pair<std::string_view, std::string_view>>& embedded_scripts();

/// The one of that file name, with the default time limit.
model::Script embedded_script(std::string_view name);

}  // namespace hallmark::pipeline
