#pragma once
/// Two assessments side by side: what the build made of its source. Pure functions.

#include <string>
#include <vector>

#include "model/assessment.h"

namespace hallmark::scan {

struct ReportSide {
  std::string image_id;
  std::string image_name;
  model::Assessment assessment;
};

struct ReportInput {
  std::string title;  ///< "hardened-web 1.4.0"
  ReportSide source;
  ReportSide candidate;
  std::string evidence_digest;  ///< what an approval is bound to; may be empty
  std::string made_at;          ///< RFC 3339
};

/// A finding that both images have. The two may differ in versions.
struct SharedFinding {
  model::Finding source;
  model::Finding candidate;
};

struct Comparison {
  std::vector<model::Finding> introduced;  ///< only the candidate has them
  std::vector<SharedFinding> unchanged;
  std::vector<model::Finding> fixed;  ///< only the source has them
};

/// Findings are the same if package, architecture and finding_id are; of the rest, those with the
/// same package, architecture and advisory source: a newer advisory replaced an older one. If one
/// side is not complete, "fixed" may also mean "not seen": the reports say so.
Comparison compare(const model::Assessment& source, const model::Assessment& candidate);

/// SHA-256 of an assessment's compact JSON.
std::string assessment_digest(const model::Assessment& assessment);

Json report_json(const ReportInput& input);
/// For a terminal: no colour, no more than needed in width.
std::string report_text(const ReportInput& input);
/// One self-contained page: no script, nothing loaded from anywhere, light and dark.
std::string report_html(const ReportInput& input);

std::string escape_html(std::string_view text);

}  // namespace hallmark::scan
