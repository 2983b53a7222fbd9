#pragma once
/// Which of the statements of one package count, and in which order they lie in the file.

#include <deque>
#include <vector>

#include "scan/advisory/advisory.h"
#include "scan/advisory/file_layout.h"
#include "scan/advisory/text_pool.h"
#include "scan/advisory/version_order.h"

namespace hallmark::scan {

/// What statements refer to.
struct AdvisoryTables {
  Texts texts;
  std::deque<FeedInfo> feeds;
  std::vector<AdvisoryRecord> advisories;
  std::vector<TextRef> cves;
};

/// Drops what another statement says better, and sorts as file_layout.h says.
void settle(const AdvisoryTables& tables, VersionOrder order, std::vector<StatementRecord>& group);

}  // namespace hallmark::scan
