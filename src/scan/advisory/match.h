#pragma once
/// What is installed against compiled advisories.

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "model/assessment.h"
#include "scan/advisory/advisory_file.h"
#include "scan/advisory/matches.h"

namespace hallmark::scan {

/// What the statements of an ecosystem, "debian:12", say of one package.
PackageMatch match_package(const AdvisoryFile& file, std::string_view ecosystem,
                           const model::Package& package);

/// Whether any feed is about the distribution's own packages; one that names a few of them, or
/// cannot be read, is none.
bool covers(const AdvisoryFile& file, const model::Distribution& distribution);

/// Findings are sorted by package, then id. A gap is: what the inventory lacks; a version that
/// cannot be compared, of a package or of an advisory; packages of which no feed speaks; a release
/// without feed, which is `inconclusive`; a feed that is too old, or of which not all can be read.
/// `advisories` names the feeds that speak of what is installed.
model::Assessment match(const model::Inventory& inventory, Matches& matches, Clock& clock);
/// The same of one image.
model::Assessment match(const model::Inventory& inventory, const AdvisoryFile& file, Clock& clock);

/// Only what the system's own package manager knows: what a distribution's suite speaks of.
model::Inventory system_part(const model::Inventory& inventory);

/// With what the distribution's own suite says of the system's part, if it says anything. Where a
/// feed speaks of the release, a pending update whose package has a finding with a fix is the same
/// thing said with less, and is left out; else the suite stands for the feed.
model::Assessment match_with_suite(const model::Inventory& inventory, Matches& matches,
                                   const std::optional<model::Assessment>& suite, Clock& clock);
model::Assessment match_with_suite(const model::Inventory& inventory, const AdvisoryFile& file,
                                   const std::optional<model::Assessment>& suite, Clock& clock);

/// Without any feed: everything is a gap.
const std::shared_ptr<const AdvisoryFile>& no_advisories();

}  // namespace hallmark::scan
