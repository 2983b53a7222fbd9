#pragma once
/// The wait for people between evidence and registration.

#include <string>

#include "base/error.h"
#include "model/pipeline.h"
#include "pipeline/context.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// Returns once enough people have approved exactly this evidence. Throws `rejected` if one of them
/// says no or the deadline passes; reminders before it are notes of the run and in the audit log.
/// Holds no thread meanwhile.
void await_approval(Context& context, workflow::Run& run, const model::Pipeline& pipeline,
                    const std::string& requested_by, const std::string& evidence_digest);

/// Notes why, for the record that is made once everything is cleaned up, and throws the error.
[[noreturn]] void reject(Context& context, workflow::Run& run, const Error& error);

}  // namespace hallmark::pipeline
