#include <algorithm>
#include <bit>

#include "schedule/cron.h"

namespace hallmark::schedule {

using std::chrono::day;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::months;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month;
using std::chrono::year_month_day;

namespace {

constexpr year_month kFirstMonth = year{kFirstYear} / 1;
constexpr year_month kLastMonth = year{kLastYear} / 12;
constexpr int kMinutesOfDay = 24 * 60;

std::uint64_t bit(int value) { return std::uint64_t{1} << value; }

/// Bits from 0 to `value`.
std::uint64_t bits_to(int value) { return value >= 63 ? ~std::uint64_t{0} : bit(value + 1) - 1; }

/// 0 = Sunday .. 6 = Saturday.
int weekday_of(year_month month, int number) {
  auto date = month / day(static_cast<unsigned>(number));
  return static_cast<int>(weekday{local_days{date}}.c_encoding());
}

bool is_workday(int weekday) { return weekday != 0 && weekday != 6; }

/// The days of the month that the cron expression names, as bits.
std::uint64_t days_of(const Cron& cron, year_month month) {
  int number_of_year = static_cast<int>(month.year()) - kFirstYear;
  int number_of_month = static_cast<int>(static_cast<unsigned>(month.month()));
  bool named = cron.years[static_cast<std::size_t>(number_of_year)] &&
               (cron.months & bit(number_of_month)) != 0;
  if (!named) return 0;
  int last =
      static_cast<int>(static_cast<unsigned>(year_month_day{month / std::chrono::last}.day()));
  int first_weekday = weekday_of(month, 1);
  auto weekday_on = [&](int number) { return (first_weekday + number - 1) % 7; };
  switch (cron.rule) {
    case DayRule::days:
      return cron.days & bits_to(last);
    case DayRule::last_day:
      return bit(last);
    case DayRule::last_workday:
      while (!is_workday(weekday_on(last))) --last;
      return bit(last);
    case DayRule::nearest_workday: {
      if (cron.day > last) return 0;
      int weekday = weekday_on(cron.day);
      if (is_workday(weekday)) return bit(cron.day);
      // Saturday goes back and Sunday on, but never into another month.
      int step = weekday == 6 ? (cron.day > 1 ? -1 : 2) : (cron.day < last ? 1 : -2);
      return bit(cron.day + step);
    }
    case DayRule::weekdays: {
      std::uint64_t found = 0;
      for (int number = 1; number <= last; ++number) {
        if (cron.weekdays & bit(weekday_on(number) + 1)) found |= bit(number);
      }
      return found;
    }
    case DayRule::last_weekday:
      while (weekday_on(last) + 1 != cron.weekday) --last;
      return bit(last);
    case DayRule::numbered_weekday: {
      int number = 1 + (cron.weekday - 1 - first_weekday + 7) % 7 + 7 * (cron.occurrence - 1);
      return number <= last ? bit(number) : 0;
    }
  }
  return 0;
}

struct Moment {
  year_month month;
  int day;
  int minute;  ///< of the day
};

Moment split_minute(WallMinute time) {
  local_days date = floor<days>(time);
  year_month_day parts{date};
  return {parts.year() / parts.month(), static_cast<int>(static_cast<unsigned>(parts.day())),
          static_cast<int>((time - date).count())};
}

WallMinute join_minute(year_month month, int number, int minute) {
  return local_days{month / day(static_cast<unsigned>(number))} + minutes{minute};
}

/// The first named minute of a day from `from` on, or -1.
int first_of_day(const Cron& cron, int from) {
  if (from >= kMinutesOfDay) return -1;
  int hour = from / 60;
  std::uint64_t rest = cron.minutes & ~bits_to(from % 60 - 1);
  if ((cron.hours & bit(hour)) != 0 && rest != 0) return hour * 60 + std::countr_zero(rest);
  std::uint64_t later = cron.hours & ~bits_to(hour);
  if (later == 0) return -1;
  return std::countr_zero(later) * 60 + std::countr_zero(cron.minutes);
}

/// The last named minute of a day until `until`, or -1.
int last_of_day(const Cron& cron, int until) {
  int hour = until / 60;
  std::uint64_t rest = cron.minutes & bits_to(until % 60);
  auto highest = [](std::uint64_t bits) { return 63 - std::countl_zero(bits); };
  if ((cron.hours & bit(hour)) != 0 && rest != 0) return hour * 60 + highest(rest);
  std::uint64_t earlier = cron.hours & bits_to(hour - 1);
  return earlier == 0 ? -1 : highest(earlier) * 60 + highest(cron.minutes);
}

/// How many minutes of a day are named until `until`; -1 is before the day.
std::int64_t count_of_day(const Cron& cron, int until) {
  if (until < 0) return 0;
  int hour = until / 60;
  std::int64_t count =
      std::int64_t{std::popcount(cron.hours & bits_to(hour - 1))} * std::popcount(cron.minutes);
  if (cron.hours & bit(hour)) count += std::popcount(cron.minutes & bits_to(until % 60));
  return count;
}

WallMinute first_possible() { return join_minute(kFirstMonth, 1, 0); }
WallMinute last_possible() { return join_minute(kLastMonth, 31, kMinutesOfDay - 1); }

}  // namespace

std::optional<WallMinute> next_minute(const Cron& cron, WallMinute after) {
  if (after >= last_possible()) return std::nullopt;
  Moment from = split_minute(std::max(after + minutes{1}, first_possible()));
  std::uint64_t named = days_of(cron, from.month);
  if (named & bit(from.day)) {
    int minute = first_of_day(cron, from.minute);
    if (minute >= 0) return join_minute(from.month, from.day, minute);
  }
  named &= ~bits_to(from.day);
  for (year_month month = from.month; month <= kLastMonth;) {
    if (named != 0) return join_minute(month, std::countr_zero(named), first_of_day(cron, 0));
    month += months{1};
    if (month <= kLastMonth) named = days_of(cron, month);
  }
  return std::nullopt;
}

std::optional<WallMinute> last_minute(const Cron& cron, WallMinute until) {
  if (until < first_possible()) return std::nullopt;
  Moment from = split_minute(std::min(until, last_possible()));
  std::uint64_t named = days_of(cron, from.month);
  if (named & bit(from.day)) {
    int minute = last_of_day(cron, from.minute);
    if (minute >= 0) return join_minute(from.month, from.day, minute);
  }
  named &= bits_to(from.day - 1);
  for (year_month month = from.month; month >= kFirstMonth;) {
    if (named != 0) {
      int number = 63 - std::countl_zero(named);
      return join_minute(month, number, last_of_day(cron, kMinutesOfDay - 1));
    }
    month -= months{1};
    if (month >= kFirstMonth) named = days_of(cron, month);
  }
  return std::nullopt;
}

std::int64_t count_minutes(const Cron& cron, WallMinute after, WallMinute until) {
  after = std::max(after, first_possible() - minutes{1});
  until = std::min(until, last_possible());
  if (after >= until) return 0;
  Moment from = split_minute(after + minutes{1});
  Moment to = split_minute(until);
  std::int64_t whole_day = count_of_day(cron, kMinutesOfDay - 1);
  std::int64_t count = 0;
  for (year_month month = from.month; month <= to.month; month += months{1}) {
    std::uint64_t named = days_of(cron, month);
    if (month == from.month) {
      named &= ~bits_to(from.day - 1);
      if (named & bit(from.day)) count -= count_of_day(cron, from.minute - 1);
    }
    if (month == to.month) {
      named &= bits_to(to.day);
      if (named & bit(to.day)) count -= whole_day - count_of_day(cron, to.minute);
    }
    count += std::popcount(named) * whole_day;
  }
  return count;
}

}  // namespace hallmark::schedule
