#pragma once
/// The wait for people between evidence and registration.

#include <string>

#include "base/error.h"
#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "workflow/engine.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// Returns once enough people have approved exactly this evidence: whether the last of them wants
/// it distributed. Throws `rejected` if one of them says no or the deadline passes; reminders
/// before it are notes of the run and in the audit log. Holds no thread meanwhile.
bool await_approval(Context& context, workflow::Run& run, const model::Pipeline& pipeline,
                    const std::string& requested_by, const std::string& evidence_digest);

/// Sends an approval as `decide` does (workflows.h), with the wish that the image is distributed
/// once it is golden: the build records that run itself, so nobody has to be there any more.
std::string approve_and_distribute(workflow::Engine& engine, Context& context,
                                   const GoldenImage& image, Decision decision);

/// Notes why, for the record that is made once everything is cleaned up, and throws the error.
[[noreturn]] void reject(Context& context, workflow::Run& run, const Error& error);

}  // namespace hallmark::pipeline
