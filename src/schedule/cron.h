#pragma once
/// cron(...) on the calendar of a wall clock, without time zones: which minutes it names. What the
/// wildcards mean is told in expression.h.

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace hallmark::schedule {

/// The years that AWS's year field can name, 1970 to 2199.
constexpr int kFirstYear = 1970;
constexpr int kLastYear = 2199;

/// The minutes of a wall clock, counted from 1970.
using WallMinute = std::chrono::local_time<std::chrono::minutes>;

/// How the days of a month are named.
enum class DayRule {
  days,              ///< by day-of-month: those of `days`
  last_day,          ///< L
  last_workday,      ///< LW: the last Monday to Friday
  nearest_workday,   ///< nW: the Monday to Friday nearest to `day`, of the same month
  weekdays,          ///< by day-of-week: those of `weekdays`
  last_weekday,      ///< nL: the last `weekday` of the month
  numbered_weekday,  ///< n#k: the k-th `weekday`
};

/// What the six fields name. Bit n stands for the value n.
struct Cron {
  std::uint64_t minutes = 0;
  std::uint64_t hours = 0;
  std::uint64_t months = 0;
  std::bitset<kLastYear - kFirstYear + 1> years;  ///< from 1970
  DayRule rule = DayRule::days;
  std::uint64_t days = 0;
  std::uint64_t weekdays = 0;  ///< 1 = Sunday .. 7 = Saturday
  int day = 0;                 ///< n of nW
  int weekday = 0;             ///< n of nL and n#k, counted like `weekdays`
  int occurrence = 0;          ///< k of n#k
};

/// `expression` is the whole text, for messages; `fields` what stands in its parentheses. Throws
/// `usage`.
Cron parse_cron(std::string_view expression, std::string_view fields);

/// "schedule "cron(..)": <problem>", with the way out.
Error usage_error(std::string_view expression, std::string_view problem, std::string_view way_out);

/// The first minute later than `after`; none if there is none until the end of 2199.
std::optional<WallMinute> next_minute(const Cron& cron, WallMinute after);
/// The last minute not later than `until`; none if there is none from 1970 on.
std::optional<WallMinute> last_minute(const Cron& cron, WallMinute until);
/// How many minutes are later than `after` and not later than `until`. Takes a look at each month
/// between, not at each minute.
std::int64_t count_minutes(const Cron& cron, WallMinute after, WallMinute until);

}  // namespace hallmark::schedule
