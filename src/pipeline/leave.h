#pragma once
/// How an image leaves places that it was brought to: consumers first (parameters, shares), then
/// what they pointed at. Steps of a run, which may be repeated.

#include <string>
#include <vector>

#include "base/error.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// What failed at a place with its way out, in one line.
std::string with_hint(const Error& error);

/// Where the image is, or may be: what has an id and was not removed, and in any case where it was
/// built.
std::vector<ImageTarget> present_targets(const Context& context, const GoldenImage& image);

/// Withdraws what is published at each target, and the shares; the images stay. A line for each
/// place that failed.
std::vector<std::string> withdraw_from_places(Context& context, const GoldenImage& image,
                                              const std::vector<ImageTarget>& targets,
                                              workflow::Run& run);

/// Withdraws what is published at each target, and the shares; then removes the copies and records
/// the targets as removed. One place that cannot be reached does not keep the others from being
/// left, but no copy is removed then. A line for each failure.
std::vector<std::string> leave_places(Context& context, const GoldenImage& image,
                                      const std::vector<ImageTarget>& targets, workflow::Run& run);

}  // namespace hallmark::pipeline
