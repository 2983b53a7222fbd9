#pragma once
/// Fast launch of Windows images, as golden.yaml wants it under `image.fast_launch`.

#include <optional>
#include <string>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "workflow/run.h"

namespace hallmark::pipeline {

/// What is wrong with it, one sentence; nothing: it is as wanted, or not wanted, or the cloud has
/// none, or it is no Windows image.
std::optional<std::string> fast_launch_problem(const Context& context,
                                               const model::ImageSettings& settings,
                                               const cloud::Image& image);

/// Begins it where fast_launch_problem finds something.
void begin_fast_launch(const Context& context, const cloud::Place& place,
                       const model::ImageSettings& settings, const cloud::Image& image);

/// Begins to end it, and says whether it has ended.
bool end_fast_launch(const Context& context, const cloud::Place& place,
                     const std::string& image_id);

/// The same in a run, until it has ended.
void await_fast_launch_off(Context& context, workflow::Run& run, const GoldenImage& image,
                           const cloud::Place& place, const std::string& image_id);

}  // namespace hallmark::pipeline
