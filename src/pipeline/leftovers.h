#pragma once
/// What a version still has anywhere: the proof behind a decommission.

#include <string>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// Looks at every place the version was ever brought to, and at every region of our own account:
/// images by tag, ids in /GoldenAMI/latest and its index, parameters of versions and channels. One
/// line per thing; empty: no trace.
std::vector<std::string> find_leftovers(Context& context, const GoldenImage& image);

}  // namespace hallmark::pipeline
