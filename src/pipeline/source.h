#pragma once
/// Which image a build starts from.

#include <string>

#include "base/json.h"
#include "model/pipeline.h"
#include "pipeline/context.h"

namespace hallmark::pipeline {

struct SourceImage {
  std::string image_id;
  cloud::Platform platform = cloud::Platform::linux;
  /// How golden.yaml asks for it and what that came to; kept with the run and its evidence.
  Json record;
};

/// Finds the one image that `source` means as things are now. Throws `not_found` with what was
/// looked for and where, `conflict` if what is found cannot be built on.
SourceImage find_source(Context& context, const cloud::Place& home, const model::SourceRef& source);

/// Throws `usage` if the pipeline asks for what images of this platform do not have.
void check_platform(const model::Pipeline& pipeline, const SourceImage& source);

}  // namespace hallmark::pipeline
