#pragma once
/// Whether Inspector has looked at a machine, and how well. Its list of findings cannot tell: it is
/// as empty for a machine that was never looked at.

#include <optional>
#include <string>

#include "model/assessment.h"
#include "scan/inspector/answers.h"

namespace hallmark::scan::inspector {

/// What Inspector says of the scan of a machine's packages.
struct Coverage {
  bool listed = false;        ///< it is there at all
  bool other_listed = false;  ///< rows of other scans are, such as of its network
  std::string code;           ///< "ACTIVE", "INACTIVE"; empty if it does not say
  std::string reason;         ///< "SUCCESSFUL"
  std::string mode;           ///< "EC2_SSM_AGENT_BASED"
  std::string platform;       ///< "LINUX"
  std::optional<TimePoint> scanned_at;
};

/// Takes the rows of one page of ListCoverage that are about the machine. Of several rows on its
/// packages the one that was scanned last counts.
void take_coverage(Coverage& coverage, const Value& page, const std::string& machine_id);

enum class Course {
  waiting,  ///< it will go on by itself
  passing,  ///< usual for a machine that has just started; later it stays so
  ended,
};

struct CoverageVerdict {
  Course course = Course::waiting;
  model::Completeness completeness = model::Completeness::failed;
  model::Login login = model::Login::unknown;
  std::string why;  ///< a sentence; empty if it is complete
};

/// A scan from before the launch is of another life of the machine, or none.
CoverageVerdict judge(const Coverage& coverage, TimePoint launched_at);

/// "ACTIVE, SUCCESSFUL, scanned at 2026-11-22T10:00:00.000Z".
std::string describe(const Coverage& coverage);

}  // namespace hallmark::scan::inspector
