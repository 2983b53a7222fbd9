#pragma once
/// What an expression means, read.

#include <variant>

#include "base/clock.h"
#include "schedule/cron.h"
#include "schedule/zone.h"

namespace hallmark::schedule {

struct Rate {
  std::int64_t value = 1;
  std::string_view unit;  ///< "minute", "hour", "day"
  Duration every{};
};

struct At {
  WallTime time;
};

struct Meaning {
  std::variant<Rate, Cron, At> when;
  Zone zone;
};

}  // namespace hallmark::schedule
