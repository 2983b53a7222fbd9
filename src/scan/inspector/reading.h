#pragma once
/// All that Inspector lists of one resource, a machine or an image.

#include <functional>
#include <stop_token>
#include <string>

#include "model/assessment.h"
#include "scan/inspector/api.h"
#include "scan/inspector/findings.h"

namespace hallmark::scan::inspector {

/// Fills `found` with the resource's findings and their details, and lowers the assessment for what
/// is missing of them. Answers are kept as "inspector/findings-1.jsonl",
/// "inspector/details-1.jsonl" and so on. Throws what Api::each_page throws.
void read_findings(const Api& api, FoundOnMachine& found, const KeepRaw& keep_raw,
                   model::Assessment& assessment, std::stop_token stop);

/// Runs `read`. What it throws makes the assessment partial, with `what` as the reason, unless
/// somebody stops us or a later try or a right may help with all of it: then it goes on up.
void bearably(model::Assessment& assessment, const std::string& what,
              const std::function<void()>& read);

}  // namespace hallmark::scan::inspector
