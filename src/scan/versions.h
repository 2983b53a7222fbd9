#pragma once
/// Debian's version order. The one place that knows libapt-pkg.

#include <string_view>

namespace hallmark::scan {

/// Whether `version` is made as Debian policy 5.6.12 wants it, so that comparing it means
/// something.
bool is_valid_version(std::string_view version);

/// Negative if `a` is older than `b`, positive if newer, 0 if they are equal. Both must be valid.
int compare_versions(std::string_view a, std::string_view b);

}  // namespace hallmark::scan
