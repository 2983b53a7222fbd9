#pragma once
/// Feeds kept on this machine, and the file that is compiled of them.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "scan/advisory/advisory_file.h"

namespace hallmark::scan {

/// Advisories that are older tell too little: flaws become known every day.
inline constexpr Duration kDefaultMaxAge = std::chrono::days(7);

/// One feed of config.yaml, or of an import.
struct FeedSource {
  std::string name;       ///< "debian", "osv-pypi": letters, digits, "-._"
  std::string kind;       ///< see feeds.h; empty: the name is one of known_feed_names
  std::string place;      ///< https://, http://, file:// or a path
  std::string ecosystem;  ///< "amzn:2023", for a feed that does not say it itself
  std::string sha256;     ///< of the file, or where a file lies that begins with it; may be empty
  std::string signature;  ///< where its detached OpenPGP signature lies; may be empty
  std::string keyring;    ///< a path; who may have signed it
  Duration max_age = kDefaultMaxAge;  ///< since it was fetched; then it is a coverage gap
};

struct AdvisoryConfig {
  std::vector<FeedSource> feeds;
  Duration max_age = kDefaultMaxAge;  ///< of each feed
  std::string mirror;                 ///< has each URL below it, without "https://"; may be empty
  std::vector<std::string> vex;       ///< documents that say what does not affect our images: paths
};

/// "debian", "redhat", "oracle", "alpine:3.19", "osv:PyPI": feeds by their short name. Throws
/// `usage` for another one.
std::vector<FeedSource> known_feed(const std::string& name);
/// For help and messages.
const std::vector<std::string>& known_feed_names();

struct FeedOutcome {
  std::string name;
  /// "new", "unchanged"; "failed": then what was kept stays in use; "left out": what was kept is
  /// damaged.
  std::string state;
  std::string why;  ///< it failed
};

/// Fetches what changed, checks digests and signatures where the source gives them, and compiles
/// all that is kept if anything changed or the compiled file cannot be used. A repomd.xml stands
/// for the updateinfo it names, an archive_latest.txt for its archive, each with the digest it is
/// listed with. `names`: only these; empty: all. A feed that fails does not stop the others, nor
/// does one whose kept file is damaged: it is left out, and is a coverage gap. A file that has lost
/// most of its records is refused. Throws `usage` for two feeds of one name.
std::vector<FeedOutcome> update_feeds(const AdvisoryConfig& config,
                                      const std::vector<std::string>& names, const Path& directory,
                                      Clock& clock, std::stop_token stop = {});

/// Keeps a file as it is, in place of what is kept under that name, and compiles. Throws what
/// reading it throws; then nothing has changed.
void import_feed(const FeedSource& source, const Path& directory, Clock& clock);

/// Forgets a feed and compiles. Throws `not_found`.
void remove_feed(const std::string& name, const Path& directory);

/// Null if nothing was compiled yet. Throws `corrupt`.
std::shared_ptr<const AdvisoryFile> open_advisories(const Path& directory);

}  // namespace hallmark::scan
