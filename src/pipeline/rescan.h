#pragma once
/// Outside scanners look again at a golden image: at a machine that is launched for it and removed
/// as soon as they have seen it, whatever they say; at the image alone if none of them needs one.

#include <set>
#include <string>
#include <vector>

#include "model/assessment.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// In a branch of a run of many images. Returns why nobody could look, empty if all did; a scanner
/// that failed says so in its own assessment. The machine has the size that the pipeline builds
/// with and the architecture of the image; it is in the run's ledger, whose clean-up must remove
/// what is left.
std::string rescan(Context& context, workflow::Run& run, const std::string& image_run_id,
                   const std::string& image_key);

/// What they saw in this run. Throws `not_found`.
std::vector<model::Assessment> read_rescans(const Context& context, const std::string& run_id,
                                            const GoldenImage& image);

/// Puts what was seen of the image since it was built in place of what was seen then: ours, and
/// each outside scanner's newest. `assessments` are those of the build, ours first; records of
/// `except_ids` do not count.
void use_newest(const Context& context, const std::string& image_run_id,
                std::vector<model::Assessment>& assessments,
                const std::set<std::string>& except_ids = {});

}  // namespace hallmark::pipeline
