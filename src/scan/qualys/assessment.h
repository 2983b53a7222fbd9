#pragma once
/// From what Qualys told of one scan to an assessment: how complete its look was, and its findings.

#include <optional>
#include <string>
#include <vector>

#include "model/assessment.h"
#include "scan/qualys/answers.h"
#include "scan/qualys/findings.h"
#include "scan/qualys/qualys.h"

namespace hallmark::scan::qualys {

/// All that was read of a scan.
struct ScanAnswers {
  std::optional<ListedScan> listed;
  std::optional<ScanResults> results;
  std::vector<DetectedHost> hosts;
  Knowledge knowledge;
};

enum class Course {
  running,      ///< also: a state that nobody knows
  interrupted,  ///< paused: goes on only when somebody says so
  ended,
};

/// Where a scan stands. "Finished" alone is no end: its results may still be loading.
Course course_of(const ListedScan& scan);
/// "Finished (No_Host), not processed yet".
std::string describe_state(const ListedScan& scan);

/// Completeness, reasons, login, versions and findings. Reads nothing but its arguments, so the
/// same answers give the same assessment.
model::Assessment assess(const QualysConfig& config, const ScanTarget& target,
                         const ScanAnswers& answers);

/// The QIDs whose entries in the knowledge base `assess` wants.
std::vector<std::string> qids_of(const ScanResults& results);

}  // namespace hallmark::scan::qualys
