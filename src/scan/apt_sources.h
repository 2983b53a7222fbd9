#pragma once
/// apt's own configuration of package sources.

#include <string>
#include <vector>

#include "base/files.h"
#include "scan/scan.h"

namespace hallmark::scan {

/// One archive and suite, as sources.list(5) describes them.
struct AptSource {
  std::string url;
  std::string suite;
  std::vector<std::string> components;
  std::vector<std::string> architectures;  ///< empty: all
  std::string signed_by;                   ///< as written; may be empty
  std::string origin;                      ///< "file:line", for messages
};

/// All enabled sources of binary packages under `root` (usually /etc/apt): sources.list and what
/// lies in sources.list.d, in the order apt reads them. Lines that make no sense are skipped with a
/// warning in the log, as apt's own errors would tell the user.
std::vector<AptSource> read_apt_sources(const Path& root);

/// As security_source_from_apt, for a configuration that lies elsewhere. The keyring is what
/// Signed-By names, else Debian's own archive keyring.
SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture,
                                     const Path& root);

}  // namespace hallmark::scan
