#pragma once
/// Runs and steps as the records that commands answer with.

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/app.h"
#include "workflow/engine.h"

namespace hallmark::cli {

Json run_record(const workflow::RunInfo& run);
Json step_record(const workflow::StepInfo& step);

/// Sentences that say why the run stands where it stands and what can be done about it.
std::vector<std::string> why(const App& app, const workflow::RunInfo& run,
                             const std::vector<workflow::StepInfo>& steps);

/// The run whose id starts with `prefix`. Throws `not_found`, with a suggestion, or `usage` if
/// there are several.
std::string find_run(workflow::Engine& engine, const std::string& prefix);

}  // namespace hallmark::cli
