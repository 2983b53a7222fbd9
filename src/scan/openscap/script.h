#pragma once
/// The script that runs in the machine, and what goes with it.

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scan/openscap/openscap.h"

namespace hallmark::scan::openscap {

/// The shell scripts of this folder, embedded: (file name, text).
const std::vector<std::pair<std::string_view, std::string_view>>& scripts();

/// With what every line of the script's own begins. Another title has another one, so that no file
/// or message can be taken for results.
std::string mark_of(const ScanTarget& target);

/// Throws `usage` if content and tailoring are not such files, or hold no profile of that name, or
/// are too large to be sent. Content in the machine cannot be looked at from here.
void check_content(const OpenscapConfig& config);

/// The same configuration and title give the same text. Throws like check_content, but does not
/// look for the profile.
std::string make_script(const OpenscapConfig& config, const ScanTarget& target);

}  // namespace hallmark::scan::openscap
