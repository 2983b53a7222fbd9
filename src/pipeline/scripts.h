#pragma once
/// Scripts that Hallmark itself runs in a machine; their text is embedded from scripts/*.sh.

#include <string_view>

namespace hallmark::pipeline::scripts {

extern const std::string_view kUpdatePackages;

}  // namespace hallmark::pipeline::scripts
