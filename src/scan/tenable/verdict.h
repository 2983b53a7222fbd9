#pragma once
/// What Tenable's words mean: how far a scan came, and what its report says of one machine.

#include <string_view>

#include "model/assessment.h"
#include "scan/scanner.h"
#include "scan/tenable/nessus.h"

namespace hallmark::scan::tenable {

/// Whether a scan in this status changes no more by itself. Words that are new do not end it.
bool has_ended(std::string_view status);
/// Whether one in this status may have results.
bool has_results(std::string_view status);
/// Lowers the assessment as far as the status alone demands.
void judge_status(std::string_view status, model::Assessment& assessment);

/// Takes over what the report says of the target and nothing that it says of other machines, and
/// lowers the assessment for each reason to doubt that everything was seen. "No findings" is never
/// a reason to trust.
void take_report(NessusReport report, const ScanTarget& target, model::Assessment& assessment);

/// The date of a plugin feed, "202106091012", as RFC 3339; empty if it is none.
std::string feed_date(std::string_view feed);

}  // namespace hallmark::scan::tenable
