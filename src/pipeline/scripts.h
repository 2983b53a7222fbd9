#pragma once
/// Scripts that Hallmark itself runs in a machine, embedded from scripts/*.sh.

#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::pipeline {

/// File name and text: update_packages.sh.
const std::vector<std::pair<std::string_view, std::string_view>>& embedded_scripts();

}  // namespace hallmark::pipeline
