#pragma once
/// The shell scripts of this folder, embedded.

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::cloud::on_aws {

/// (file name, text)
const std::vector<std::pair<std::string_view, std::string_view>>& scripts();

/// The one with this file name, which must be there.
inline std::string_view script(std::string_view name) {
  for (const auto& [known, text] : scripts()) {
    if (known == name) return text;
  }
  std::abort();
}

}  // namespace hallmark::cloud::on_aws
