#pragma once
/// The security suite in memory, and how it lies in the cache.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "scan/scan.h"

namespace hallmark::scan {

struct SuitePackage {
  std::string name;
  std::string architecture;
  std::string version;
  std::string source_name;
  std::string source_version;
};

struct SecuritySuite {
  std::string name;          ///< "bookworm-security"
  std::string architecture;  ///< of the index; packages for "all" are in it too
  std::string digest;        ///< SHA-256 of the uncompressed Packages file
  std::string
      release_digest;       ///< SHA-256 of Packages as the Release file names it: has it changed?
  std::string date;         ///< of the Release file, RFC 3339
  std::string valid_until;  ///< RFC 3339; empty if the archive sets no limit
  std::string fetched_at;   ///< when the archive last confirmed this index, RFC 3339
  std::string etag;
  std::string last_modified;
  int unreadable = 0;  ///< paragraphs of Packages that were skipped because they make no sense
  /// The newest version of each, sorted by name, then architecture.
  std::vector<SuitePackage> packages;
};

/// Fills `packages`, `unreadable` and `digest` from the text of a Packages file.
void read_packages_index(SecuritySuite& suite, std::string_view packages);

/// One text for the cache; carries its own digest.
std::string pack_suite(const SecuritySuite& suite);
/// Throws `corrupt` if the text was changed or cut.
SecuritySuite unpack_suite(std::string_view text);

/// What a Release file says, as far as it matters here.
struct Release {
  std::string suite;
  std::string codename;
  std::optional<TimePoint> date;
  std::optional<TimePoint> valid_until;
  bool by_hash = false;
  struct File {
    std::string path, sha256;
    std::uint64_t size_bytes = 0;
  };
  std::vector<File> files;  ///< from the SHA256 list
  const File* find(std::string_view path) const;
};

/// Throws `corrupt` if it is no Release file.
Release parse_release(std::string_view text);

/// "Sat, 21 Nov 2026 00:53:02 UTC". Throws `corrupt`.
TimePoint parse_release_date(std::string_view text);

/// The signed text of an InRelease file. Throws `corrupt` if no key of `keyring` made a good
/// signature, or if there is anything outside the signed text; `not_found` if gpgv or the keyring
/// is missing. An armoured keyring (.asc) is fine.
std::string verified_text(const std::string& in_release, const Path& keyring, std::stop_token stop);

/// Uncompresses .xz. Throws `corrupt` if it is broken or longer than `limit`.
std::string unpack_xz(std::string_view packed, std::size_t limit);

}  // namespace hallmark::scan
