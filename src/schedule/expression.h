#pragma once
/// When something is due, told as AWS tells it: rate(..), cron(..) and at(..), in a time zone.
///
/// What the expressions mean is from AWS's documents:
///  - EventBridge User Guide, "Cron expressions reference" and "Rate expressions reference":
///    fields, values, wildcards and their limits, singular and plural units;
///  - EventBridge Scheduler User Guide, "Schedule types": one-time schedules, the first occurrence
///    of a rate, time zones, daylight saving time.
/// Where they are silent, the choice is told below by "AWS does not say".
///
/// rate(5 minutes)  minute, hour, day with 1; minutes, hours, days else. The anchor is the first
///     occurrence, every later one is a multiple after it. A day is 24 hours in every time zone.
/// cron(minutes hours day-of-month month day-of-week year)
///     0-59 0-23 1-31 1-12|JAN-DEC 1-7|SUN-SAT 1970-2199, letters in any case.
///     , lists; - ranges; * every value; a/n every n-th from a on, a-b/n every n-th of a range
///     (neither in day-of-week); ? in exactly one of day-of-month and day-of-week.
///     Day-of-month alone: L the last day, nW the Monday to Friday nearest to day n.
///     Day-of-week: L is Saturday, nL the last such day of the month, n#k the k-th.
///     AWS does not say: LW (the last Monday to Friday) is as in CloudWatch's rules; a range that
///     ends before it begins goes on from the lowest value (22-2, FRI-MON), but not for years; nW
///     stays in its month, and a month without day n has none; lists do not take L, W or #.
///     The year may not be left out, which the Scheduler allows: five fields are most often Unix's,
///     in which days of the week have other numbers.
/// at(yyyy-mm-ddThh:mm:ss)  once.
///
/// Wall clock times of cron and at are those of the time zone. A time that the clock jumps over is
/// not due; a time that it shows twice is due once, at first.
/// Nothing is due before 1970 or after 2199.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace hallmark::schedule {

struct Meaning;

/// An expression that is due at least once, with its time zone as the database had it when it was
/// parsed. Copies share what they mean.
struct Expression {
  std::string text;
  std::string time_zone;  ///< IANA's name
  std::shared_ptr<const Meaning> meaning;
};

/// Throws `usage` if the text is not exactly what AWS allows, if the time zone is not known, or if
/// nothing is ever due, such as on 31 February; `not_found` if a time zone other than UTC is
/// wanted where the package tzdata is not installed.
Expression parse(std::string_view text, std::string_view time_zone = "UTC");

/// The first due time later than `after`; none if there is none. Only rate() looks at the anchor;
/// one that is not within 1970 to 2199 throws `usage`.
std::optional<TimePoint> next(const Expression& expression, TimePoint after, TimePoint anchor);

/// Whether nothing is due any more later than `from`: an `at` or the last year has passed. For a
/// rate that starts then.
bool never_fires(const Expression& expression, TimePoint from);

/// What was due later than `last_fired` and not later than `now`.
struct Missed {
  std::int64_t count = 0;
  std::optional<TimePoint> latest;  ///< set exactly if the count is not 0
};

/// To catch up once: run if the count is not 0, then remember `latest` as last fired. Takes at most
/// a look at each month between, however many were missed.
Missed missed(const Expression& expression, TimePoint last_fired, TimePoint now, TimePoint anchor);

/// For people: "at 03:00 on the first Monday of the month, Europe/Berlin".
std::string describe(const Expression& expression);

}  // namespace hallmark::schedule
