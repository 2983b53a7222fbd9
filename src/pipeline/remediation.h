#pragma once
/// What is done about machines that are not compliant, by a policy that somebody has written down;
/// without one, nothing. Only machines that are non-compliant: what is unknown is left alone,
/// and so is what is known of it.

#include <optional>
#include <string>
#include <vector>

#include "model/remediation_file.h"
#include "pipeline/compliance.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

/// Starts the workflow `remediate`: checks the places now, and does what the policy says. Throws
/// `usage` for a policy that does nothing, and `conflict` while such a run has not ended or if
/// there is a run of this id.
std::string start_remediation(workflow::Engine& engine, const model::RemediationPolicy& policy,
                              const std::vector<cloud::Place>& places,
                              std::optional<std::string> run_id = std::nullopt);

/// Its result: {"machines": [{"account_id", "region", "machine_id", "image_id", "name", "reason",
/// "since", "is_new", "tagged", "stopped", "problem"}], "fine_again": [{"account_id", "region",
/// "machine_id", "value": of the tag that was taken off, "problem"}], "problems": [what could not
/// be looked at], "failed": how many machines have a problem}.
Json remediate(Context& context, workflow::Run& run);

/// Of a notice; its body is {"new": [machines], "stopped": [machines]}.
inline constexpr const char* kComplianceNotice = "non-compliant";

}  // namespace hallmark::pipeline
