#pragma once
/// apt's own configuration: where this machine's packages come from. Reads both formats of
/// sources.list(5).

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace hallmark::apt {

/// One archive and suite.
struct Source {
  std::string url;    ///< without a trailing slash
  std::string suite;  ///< "bookworm", "bookworm-security"
  std::vector<std::string> components;
  std::vector<std::string> architectures;  ///< empty: all
  std::string signed_by;                   ///< as written; may be empty
  std::string origin;                      ///< "file:line", for messages
};

bool has_component(const Source& source, std::string_view component);

/// All enabled sources of binary packages under `directory` (usually /etc/apt): sources.list and
/// what lies in sources.list.d, in the order apt reads them. Lines that make no sense are skipped
/// with a warning in the log, as apt's own errors would tell the user.
std::vector<Source> read_sources(const Path& directory);

}  // namespace hallmark::apt
