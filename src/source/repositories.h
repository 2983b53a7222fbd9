#pragma once
/// Which of the machine's own package sources a release is made from.

#include <optional>
#include <string>
#include <vector>

#include "apt/sources.h"

namespace hallmark::source {

/// What a release is installed from, and what it gets its updates from.
struct Repositories {
  apt::Source release;
  std::optional<apt::Source> updates;   ///< "<release>-updates"
  std::optional<apt::Source> security;  ///< "<release>-security"
};

/// The first entries that carry the component main of the release and of its updates. Throws
/// `not_found` if none carries the release itself.
Repositories choose_repositories(const std::vector<apt::Source>& entries,
                                 const std::string& release);

/// A sources.list for the image: main of every repository.
std::string image_sources_list(const Repositories& repositories);

}  // namespace hallmark::source
