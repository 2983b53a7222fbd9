#pragma once
/// How an image leaves a place that it was brought to: consumers first (parameters, shares), then
/// what they pointed at. Steps of a run, which may be repeated.

#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// Withdraws the ids that are published there, and the share.
void leave_place(Context& context, const GoldenImage& image, const ImageTarget& target,
                 workflow::Run& run);

/// Then, when every place of a region has been left: removes the copy, unless it was a share, and
/// records the target as removed.
void remove_from_place(Context& context, const GoldenImage& image, const ImageTarget& target,
                       workflow::Run& run);

}  // namespace hallmark::pipeline
