#pragma once
/// Which mirror of the machine's own apt configuration carries a release's security suite.

#include <string>

#include "base/files.h"
#include "scan/scan.h"

namespace hallmark::scan {

/// As security_source_from_apt, for a configuration that lies elsewhere. The keyring is what
/// Signed-By names, else Debian's own archive keyring.
SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture,
                                     const Path& root);

}  // namespace hallmark::scan
