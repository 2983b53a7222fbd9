#pragma once
/// All images against today's advisories at once: a look that records nothing and starts nothing.

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "pipeline/context.h"

namespace hallmark::pipeline {

/// The kept inventory of every active and deprecated version, or of those whose key is `image_key`,
/// against what is known now. For each: `image_key`, `image_id`, `packages`, `findings`, `gaps`,
/// `completeness`, `since` (when it was last assessed), `introduced` (what that assessment did not
/// have: `id`, `package`, `severity`, `fixed_version`) and `fixed` (how many it had that are gone);
/// or `error`. Those with the most and worst that is new come first. Throws `not_found` if
/// `image_key` is given and none has it.
Json assess_images(Context& context, const std::string& image_key, std::stop_token stop);

}  // namespace hallmark::pipeline
