#pragma once
/// The same as the page that an approver decides by, for programs and terminals.

#include <string>

#include "base/json.h"
#include "evidence/subject.h"

namespace hallmark::evidence {

/// Every scanner with its completeness, login and score, the gate's rules, every merged finding
/// with who saw it, its verdict and why, what changed, and who decided. Text of scanners is made
/// valid and harmless.
Json report_json(const Subject& subject);

/// `report` is what report_json made. No colour, no control characters; the findings that decide
/// first. At most kMostLines findings of each list are shown, and it says how many are not.
std::string report_text(const Json& report);

/// Each of the gate's rules, and each finding that fails, needs review or is waived, with the
/// reason; those that passed if asked for.
std::string why_text(const Json& report, bool also_passed);

/// More than that nobody reads in a terminal; report.json has them all.
inline constexpr std::size_t kMostLines = 1000;

}  // namespace hallmark::evidence
