#pragma once
/// What an approver reads: an assessment, side by side with the one it replaces. Pure.

#include <optional>
#include <string>

#include "base/json.h"
#include "model/assessment.h"

namespace hallmark::scan {

struct ReportInput {
  std::string title;        ///< "Web-1.0/Debian-12/3"
  std::string before_name;  ///< "source image"
  std::optional<model::Assessment> before;
  std::string after_name;  ///< "candidate ami-..."
  model::Assessment after;
  std::string evidence_digest;  ///< what an approval is bound to; may be empty
};

/// {"title", "before", "after", "fixed": [..], "new": [..], "unchanged": [..], "gaps", ...}
Json report_json(const ReportInput& input);
/// A table of at most 100 columns, without colour.
std::string report_text(const ReportInput& input);
/// One self-contained page: works with no network, light and dark, any text escaped.
std::string report_html(const ReportInput& input);

}  // namespace hallmark::scan
