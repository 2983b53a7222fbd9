#pragma once
/// The built-in scanner: reads a disk without booting it and matches it against advisories.

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "disk/block_reader.h"
#include "fs/system.h"
#include "model/assessment.h"

namespace hallmark::scan {

struct InventoryOptions {
  /// Each file once: packages of programming languages and hardening facts. Without that only what
  /// package managers know and the kernels are read, in a few milliseconds.
  bool files = true;
  bool languages = true;  ///< packages of programming languages too
};

/// What is installed. Never throws for something that cannot be read inside the image: that is a
/// gap. Throws only what reading the disk itself throws.
model::Inventory take_inventory(disk::BlockReader& disk, const InventoryOptions& options = {});
/// The same of a system that is open already. Sizes are 0 where it lies on no disk.
model::Inventory take_inventory(fs::System& system, const InventoryOptions& options = {});

/// The security suite of a Debian release, as its archive publishes it: for each package the newest
/// version there. Opaque; made by `fetch_security_suite`, kept in a cache directory.
struct SecuritySuite;

/// Where the suite's archive is and how its signature is checked.
struct SuiteSource {
  std::string url;    ///< archive root, e.g. from apt's configuration
  std::string suite;  ///< "bookworm-security"
  std::string component = "main";
  std::string architecture = "amd64";
  Path keyring;  ///< checked with gpgv
};

/// The machine's own apt configuration says which mirror carries the security suite of `codename`.
/// Throws `not_found` with a hint if none does.
SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture);

/// Downloads InRelease and Packages (only when changed), checks signature and digest, and caches
/// them under `cache`. Throws `unavailable` if the mirror cannot be reached, `corrupt` if a
/// signature or digest does not hold. If the mirror is away and there is a cached state, that is
/// used: its age is in AdvisorySource::fetched_at. An expired state is used too and is a gap in
/// `assess`.
std::shared_ptr<const SecuritySuite> fetch_security_suite(const SuiteSource& source,
                                                          const Path& cache, Clock& clock,
                                                          std::stop_token stop);

/// Every installed package of which the suite has a newer version is a pending security update. A
/// package that has none under its own name is one as well if the suite has a newer version of its
/// source and neither is any package of that version installed nor does another package of that
/// source have a finding: an old kernel, whose update has another name. The suite says nothing of
/// severity: it is `unknown`.
/// Gaps: those of the inventory, versions that cannot be compared, packages for an architecture
/// other than the suite's, a suite that has expired, a distribution that the suite does not cover
/// (then `inconclusive`). No gap: `complete`; else `partial`. Findings are sorted by package.
model::Assessment assess(const model::Inventory& inventory, const SecuritySuite& suite,
                         Clock& clock);

}  // namespace hallmark::scan
