#pragma once
/// Durations as JSON text that golden.yaml could hold too.

#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace hallmark::model {

/// The largest unit that says it exactly, so that reading it gives the same duration.
std::string duration_text(Duration duration);
/// Throws `corrupt` if it is not there, `usage` if it is no duration.
Duration duration_member(const Json& json, const char* key);

}  // namespace hallmark::model
