#pragma once
/// For tests: times as people write them.

#include <fmt/format.h>

#include <string_view>

#include "base/clock.h"
#include "base/testing.h"

namespace hallmark::schedule {

/// "2026-01-31T03:00", UTC; seconds may follow.
inline TimePoint utc(std::string_view text) {
  return from_rfc3339(fmt::format("{}{}Z", text, text.size() == 16 ? ":00" : ""));
}

}  // namespace hallmark::schedule
