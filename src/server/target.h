#pragma once
/// What follows the method in a request: path and query, taken apart.

#include <string>
#include <string_view>

#include "base/json.h"

namespace hallmark::server {

struct Target {
  std::string path;             ///< decoded, begins with "/"
  Json query = Json::object();  ///< each name with a text, or with a list of them
};

/// Throws `usage` for what is malformed, no UTF-8, holds control characters, or has "." or ".." as
/// a part of its path.
Target parse_target(std::string_view text);

}  // namespace hallmark::server
