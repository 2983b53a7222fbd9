#pragma once
/// Debian's version order. The one place that knows libapt-pkg.

#include <string>

namespace hallmark::scan {

/// Whether `version` is made as Debian policy 5.6.12 wants it, so that comparing it means
/// something.
bool is_valid_version(const std::string& version);

/// Negative if `a` is older than `b`, positive if newer, 0 if they are equal. Both must be valid.
int compare_versions(const std::string& a, const std::string& b);

}  // namespace hallmark::scan
