#pragma once
/// The day of a time, "2026-11-23", in UTC: how records for people and for trends count.

#include <string>

#include "base/clock.h"

namespace hallmark::pipeline {

inline std::string day_of(TimePoint time) { return to_rfc3339(time).substr(0, 10); }

}  // namespace hallmark::pipeline
