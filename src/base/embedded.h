#pragma once
/// Files that embed_text (cmake/embed.cmake) put into the program.

#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace hallmark {

using EmbeddedFiles = std::vector<std::pair<std::string_view, std::string_view>>;

/// The text of the file of that name. Throws `internal` if it was not embedded.
inline std::string_view embedded_file(const EmbeddedFiles& files, std::string_view name) {
  for (const auto& [known, text] : files) {
    if (known == name) return text;
  }
  throw Error(ErrorKind::internal, "{} is not in the program", name);
}

}  // namespace hallmark
