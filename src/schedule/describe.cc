#include <array>
#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "base/text.h"
#include "schedule/expression.h"
#include "schedule/meaning.h"

namespace hallmark::schedule {

namespace {

constexpr std::array<std::string_view, 12> kMonthNames = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdayNames = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 5> kOrdinals = {"first", "second", "third", "fourth",
                                                       "fifth"};
// More times than these are told by their hours and minutes.
constexpr std::size_t kMostTimes = 4;

std::vector<int> values_of(std::uint64_t bits) {
  std::vector<int> values;
  for (; bits != 0; bits &= bits - 1) values.push_back(std::countr_zero(bits));
  return values;
}

std::string listed(const std::vector<std::string>& words) {
  if (words.size() < 2) return join(words, "");
  return join({words.begin(), words.end() - 1}, ", ") + " and " + words.back();
}

/// "1, 4 to 7 and 9".
std::string runs(const std::vector<int>& values, const std::function<std::string(int)>& name) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < values.size();) {
    std::size_t end = i;
    while (end + 1 < values.size() && values[end + 1] == values[end] + 1) ++end;
    // Two in a row are no range.
    if (end < i + 2) end = i;
    words.push_back(end == i ? name(values[i])
                             : fmt::format("{} to {}", name(values[i]), name(values[end])));
    i = end + 1;
  }
  return listed(words);
}

std::string number(int value) { return fmt::format("{}", value); }
std::string month_name(int month) { return std::string(kMonthNames.at(month - 1)); }
std::string weekday_name(int weekday) { return std::string(kWeekdayNames.at(weekday - 1)); }

/// The n of "every n" if the values are every n-th from 0 on and go evenly into `whole`, else 0.
int even_step(const std::vector<int>& values, int whole) {
  int count = static_cast<int>(values.size());
  if (whole % count != 0) return 0;
  for (int i = 0; i < count; ++i) {
    if (values[static_cast<std::size_t>(i)] != i * (whole / count)) return 0;
  }
  return whole / count;
}

std::string times_of(const Cron& cron) {
  std::vector<int> minutes = values_of(cron.minutes);
  std::vector<int> hours = values_of(cron.hours);
  bool all_day = hours.size() == 24;
  if (!all_day && minutes.size() * hours.size() <= kMostTimes) {
    std::vector<std::string> times;
    for (int hour : hours) {
      for (int minute : minutes) times.push_back(fmt::format("{:02}:{:02}", hour, minute));
    }
    return "at " + listed(times);
  }
  int step = even_step(minutes, 60);
  std::string told = step == 1    ? "every minute"
                     : step == 60 ? "every hour"
                     : step > 1   ? fmt::format("every {} minutes", step)
                                  : "at minute " + runs(minutes, number);
  if (all_day) return step == 0 ? told + " of every hour" : told;
  int hour_step = even_step(hours, 24);
  if (step == 60 && hour_step > 1) return fmt::format("every {} hours from 00:00", hour_step);
  std::string of = runs(hours, [](int hour) { return fmt::format("{:02}", hour); });
  return told + " in the hours " + of;
}

std::string days_of(const Cron& cron) {
  switch (cron.rule) {
    case DayRule::days: {
      std::vector<int> days = values_of(cron.days);
      if (days.size() == 31) return "every day";
      return fmt::format("on day{} {} of the month", days.size() == 1 ? "" : "s",
                         runs(days, number));
    }
    case DayRule::last_day:
      return "on the last day of the month";
    case DayRule::last_workday:
      return "on the last Monday to Friday of the month";
    case DayRule::nearest_workday:
      return fmt::format("on the Monday to Friday nearest to day {} of the month", cron.day);
    case DayRule::weekdays: {
      std::vector<int> weekdays = values_of(cron.weekdays);
      if (weekdays.size() == 7) return "every day";
      return "on " + runs(weekdays, weekday_name);
    }
    case DayRule::last_weekday:
      return fmt::format("on the last {} of the month", weekday_name(cron.weekday));
    case DayRule::numbered_weekday:
      return fmt::format("on the {} {} of the month", kOrdinals.at(cron.occurrence - 1),
                         weekday_name(cron.weekday));
  }
  return "";
}

std::string describe_of(const Rate& rate) {
  if (rate.value == 1) return fmt::format("every {}", rate.unit);
  return fmt::format("every {} {}s", rate.value, rate.unit);
}

std::string describe_of(const At& at) {
  // The wall clock's time, written as if it were UTC's.
  std::string text = to_rfc3339(TimePoint{at.time.time_since_epoch()});
  return fmt::format("once on {} at {}", text.substr(0, 10), text.substr(11, 8));
}

std::string describe_of(const Cron& cron) {
  std::string text = times_of(cron);
  std::string days = days_of(cron);
  bool is_obvious =
      days == "every day" && (text.starts_with("every ") || text.ends_with(" every hour"));
  if (!is_obvious) text += " " + days;
  std::vector<int> months = values_of(cron.months);
  if (months.size() < 12) text += " in " + runs(months, month_name);
  if (!cron.years.all()) {
    std::vector<int> years;
    for (std::size_t i = 0; i < cron.years.size(); ++i) {
      if (cron.years[i]) years.push_back(kFirstYear + static_cast<int>(i));
    }
    text += (months.size() < 12 ? " of " : " in ") + runs(years, number);
  }
  return text;
}

}  // namespace

std::string describe(const Expression& expression) {
  std::string text =
      std::visit([](const auto& when) { return describe_of(when); }, expression.meaning->when);
  // A rate is the same everywhere.
  if (std::holds_alternative<Rate>(expression.meaning->when)) return text;
  return fmt::format("{}, {}", text, expression.time_zone);
}

}  // namespace hallmark::schedule
