#pragma once
/// What can be said of the feeds themselves: whether they are about what is installed, and whether
/// all of them could be read and is new enough.

#include <string>
#include <vector>

#include "base/clock.h"
#include "model/finding.h"
#include "model/inventory.h"
#include "scan/advisory/advisory_file.h"

namespace hallmark::scan {

/// A distribution's feed names hundreds of packages; one that names fewer than this was cut short,
/// or names them in passing.
inline constexpr std::uint32_t kFewPackages = 10;

/// Whether a feed that could be read is about the ecosystem.
bool is_covered(const AdvisoryFile& file, const std::string& ecosystem);
/// "no feed of advisories speaks of", "feeds say too little of".
std::string why_not_covered(const AdvisoryFile& file, const std::string& ecosystem);

/// Why no findings of this feed is not the same as none: records that could not be read, its age.
std::vector<model::CoverageGap> gaps_of(const FeedInfo& feed, TimePoint now);

/// "1 record cannot be read", "2 records cannot be read".
std::string unreadable_text(std::uint64_t count);

bool speaks_of(const std::vector<std::string>& ecosystems, const std::string& name);

}  // namespace hallmark::scan
