#pragma once
/// From what came out of the machine to an assessment: how complete the look was, and its findings.

#include <functional>
#include <string>
#include <string_view>

#include "model/assessment.h"
#include "scan/openscap/openscap.h"
#include "scan/openscap/output.h"
#include "scan/openscap/results.h"

namespace hallmark::scan::openscap {

/// The rule as a finding. `source` is the scanner's name.
model::Finding finding_of(const RuleOutcome& outcome, const std::string& source);

/// A file that goes with the evidence: name without the scanner's, media type, bytes.
using KeepFile =
    std::function<void(const std::string& name, const char* media_type, std::string_view bytes)>;

/// Reads nothing but its arguments, so the same command gives the same assessment. `keep` is given
/// each file as it came; of what cannot be read the whole output.
model::Assessment assess(const OpenscapConfig& config, const MachineCommand& command,
                         std::string_view mark, const KeepFile& keep);

}  // namespace hallmark::scan::openscap
