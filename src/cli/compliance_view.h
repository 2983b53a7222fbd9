#pragma once
/// What a check of compliance, or the last ones, say, for people.

#include "cli/app.h"

namespace hallmark::cli {

/// `record`: a ComplianceReport as JSON, perhaps with "verdicts" that were put.
void render_compliance(const Json& record, App& app);

}  // namespace hallmark::cli
