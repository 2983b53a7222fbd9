#pragma once
/// The built-in scanner: reads a disk without booting it and matches it against advisories.

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "disk/block_reader.h"
#include "model/assessment.h"

namespace hallmark::scan {

/// What is installed. Never throws for something that cannot be read inside the image: that is a gap.
/// Throws only what reading the disk itself throws.
model::Inventory take_inventory(disk::BlockReader& disk);

/// The security suite of a Debian release, as its archive publishes it: for each package the newest
/// version there. Opaque; made by `fetch_security_suite`, kept in a cache directory.
struct SecuritySuite;

/// Where the suite's archive is and how its signature is checked.
struct SuiteSource {
  std::string url;       ///< archive root, e.g. from apt's configuration
  std::string suite;     ///< "bookworm-security"
  std::string component = "main";
  std::string architecture = "amd64";
  Path keyring;          ///< checked with gpgv
};

/// The machine's own apt configuration says which mirror carries the security suite of `codename`.
/// Throws `not_found` with a hint if none does.
SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture);

/// Downloads InRelease and Packages (only when changed), checks signature and digest, and caches them
/// under `cache`. Throws `unavailable` if the mirror cannot be reached, `corrupt` if a signature or
/// digest does not hold.
std::shared_ptr<const SecuritySuite> fetch_security_suite(const SuiteSource& source,
                                                          const Path& cache, Clock& clock,
                                                          std::stop_token stop);

/// Every installed package of which the suite has a newer version is a pending security update.
/// Packages whose version cannot be compared, and a distribution without a suite, become gaps.
model::Assessment assess(const model::Inventory& inventory, const SecuritySuite& suite,
                         Clock& clock);

}  // namespace hallmark::scan
