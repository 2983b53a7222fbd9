#pragma once
/// The machine's own apt configuration: where packages come from. Reads both of apt's formats, see
/// sources.list(5).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace hallmark::source {

/// One repository: a URI with one suite.
struct AptEntry {
  std::string uri;    ///< without a trailing slash
  std::string suite;  ///< "bookworm", "bookworm-security"
  std::vector<std::string> components;
};

/// Lines of a .list file: `deb [options] uri suite component ..`. Entries for source packages,
/// comments and lines that make no sense are left out, as apt only warns about some of them too.
std::vector<AptEntry> parse_one_line_sources(std::string_view text);
/// Stanzas of a .sources file. Disabled ones and source packages are left out.
std::vector<AptEntry> parse_deb822_sources(std::string_view text);
/// All entries under `directory` (normally /etc/apt) in the order apt reads them.
std::vector<AptEntry> read_apt_sources(const Path& directory);

/// What a release is installed from, and what it gets its updates from.
struct Repositories {
  AptEntry release;
  std::optional<AptEntry> updates;   ///< "<release>-updates"
  std::optional<AptEntry> security;  ///< "<release>-security"
};

/// The first entries that carry the component main of the release and of its updates. Throws
/// `not_found` if none carries the release itself.
Repositories choose_repositories(const std::vector<AptEntry>& entries, const std::string& release);

/// A sources.list for the image: main of every repository.
std::string image_sources_list(const Repositories& repositories);

}  // namespace hallmark::source
