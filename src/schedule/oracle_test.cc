// Compares next() and missed() with the plainest way there is: a look at every minute, with the
// wall clock of the C library.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "schedule/expression.h"
#include "schedule/testing.h"

namespace hallmark::schedule {
namespace {

struct Minute {
  TimePoint instant;
  std::tm wall;
  bool is_repeated;  ///< the clock has shown this or a later time before
};

/// Every minute of some days as the C library sees it.
std::vector<Minute> minutes_of(const std::string& zone, const std::string& start, int days) {
  setenv("TZ", (":" + zone).c_str(), 1);
  tzset();
  std::vector<Minute> minutes;
  TimePoint begin = utc(start);
  std::time_t latest = 0;
  for (int i = -2 * 24 * 60; i < days * 24 * 60; ++i) {
    Minute minute{begin + std::chrono::minutes{i}, {}, false};
    std::time_t time = std::chrono::system_clock::to_time_t(minute.instant);
    localtime_r(&time, &minute.wall);
    std::time_t shown = time + minute.wall.tm_gmtoff;
    minute.is_repeated = shown <= latest;
    latest = std::max(latest, shown);
    if (i >= 0) minutes.push_back(minute);
  }
  return minutes;
}

/// A field as a person would read it.
class Matcher {
 public:
  explicit Matcher(const std::string& fields) : fields_(split(fields, ' ')) {
    for (int i = 0; i < 60; ++i) minutes_.at(i) = in_list(fields_[0], i, 0, 59);
    for (int i = 0; i < 24; ++i) hours_.at(i) = in_list(fields_[1], i, 0, 23);
  }

  bool names_day(const std::tm& wall) const {
    return in_list(fields_[3], wall.tm_mon + 1, 1, 12) &&
           in_list(fields_[5], wall.tm_year + 1900, 1970, 2199) &&
           (fields_[4] == "?" ? names_day_of_month(wall) : names_day_of_week(wall));
  }
  bool names_time(const std::tm& wall) const {
    return minutes_.at(wall.tm_min) && hours_.at(wall.tm_hour);
  }

 private:
  static bool in_list(const std::string& list, int value, int lowest, int highest) {
    for (const std::string& item : split(list, ',')) {
      int size = highest - lowest + 1;
      std::vector<std::string> parts = split(item, '/');
      std::vector<std::string> ends = split(parts[0], '-');
      int step = parts.size() == 2 ? std::stoi(parts[1]) : 1;
      int from = ends[0] == "*" ? lowest : std::stoi(ends[0]);
      int to = ends.size() == 2                      ? std::stoi(ends[1])
               : ends[0] == "*" || step_given(parts) ? highest
                                                     : from;
      // How far from the start, around the end if need be.
      int way = (value - from + size) % size;
      if (way <= (to - from + size) % size && way % step == 0) return true;
    }
    return false;
  }
  static bool step_given(const std::vector<std::string>& parts) { return parts.size() == 2; }

  static int days_in_month(const std::tm& wall) {
    constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = wall.tm_year + 1900;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return kDays.at(wall.tm_mon) + (wall.tm_mon == 1 && leap ? 1 : 0);
  }
  static int weekday_of(const std::tm& wall, int day) {
    return ((wall.tm_wday + day - wall.tm_mday) % 7 + 7) % 7;
  }
  static bool is_workday(const std::tm& wall, int day) {
    return weekday_of(wall, day) >= 1 && weekday_of(wall, day) <= 5;
  }

  bool names_day_of_month(const std::tm& wall) const {
    const std::string& field = fields_[2];
    int last = days_in_month(wall);
    int today = wall.tm_mday;
    if (field == "L") return today == last;
    if (field == "LW") {
      for (int day = last; day > today; --day) {
        if (is_workday(wall, day)) return false;
      }
      return is_workday(wall, today);
    }
    if (!field.ends_with("W")) return in_list(field, today, 1, 31);
    int wanted = std::stoi(field);
    if (wanted > last) return false;
    // The nearest of the month's workdays.
    int best = 0;
    for (int day = 1; day <= last; ++day) {
      bool nearer = best == 0 || std::abs(day - wanted) < std::abs(best - wanted);
      if (is_workday(wall, day) && nearer) best = day;
    }
    return today == best;
  }

  bool names_day_of_week(const std::tm& wall) const {
    const std::string& field = fields_[4];
    int weekday = wall.tm_wday + 1;
    if (field == "L") return weekday == 7;
    if (field.find('#') != field.npos) {
      return weekday == std::stoi(field) && (wall.tm_mday - 1) / 7 + 1 == field.back() - '0';
    }
    if (field.ends_with("L")) {
      return weekday == std::stoi(field) && wall.tm_mday + 7 > days_in_month(wall);
    }
    return in_list(field, weekday, 1, 7);
  }

  std::vector<std::string> fields_;
  std::array<bool, 60> minutes_{};
  std::array<bool, 24> hours_{};
};

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  int roll(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  std::string list(int lowest, int highest, bool steps, bool wraps) {
    std::vector<std::string> items;
    for (int count = roll(0, 3) == 0 ? roll(2, 4) : 1; count > 0; --count) {
      int a = roll(lowest, highest);
      int b = roll(wraps ? lowest : a, highest);
      std::string item = roll(0, 1) == 0 ? std::to_string(a) : fmt::format("{}-{}", a, b);
      if (steps && roll(0, 3) == 0) item += fmt::format("/{}", roll(1, highest));
      items.push_back(item);
    }
    return join(items, ",");
  }
  std::string fields() {
    std::string minutes = roll(0, 3) == 0 ? "*" : roll(0, 3) == 0 ? "*/7" : list(0, 59, true, true);
    std::string hours = roll(0, 2) == 0 ? "*" : list(0, 23, true, true);
    std::string of_month = "?", of_week = "?";
    switch (roll(0, 7)) {
      case 0:
        of_month = "L";
        break;
      case 1:
        of_month = "LW";
        break;
      case 2:
        of_month = fmt::format("{}W", roll(1, 31));
        break;
      case 3:
        of_month = list(1, 31, true, true);
        break;
      case 4:
        of_week = fmt::format("{}L", roll(1, 7));
        break;
      case 5:
        of_week = fmt::format("{}#{}", roll(1, 7), roll(1, 5));
        break;
      case 6:
        of_week = roll(0, 5) == 0 ? "L" : list(1, 7, false, true);
        break;
      default:
        (roll(0, 1) == 0 ? of_month : of_week) = "*";
    }
    std::string months = roll(0, 2) > 0 ? "*" : list(1, 12, true, true);
    std::string years = roll(0, 4) > 0 ? "*" : roll(0, 1) == 0 ? "2000/2" : "2010-2028/3";
    return fmt::format("{} {} {} {} {} {}", minutes, hours, of_month, months, of_week, years);
  }

 private:
  std::mt19937 random_;
};

std::vector<TimePoint> due_of(const std::vector<Minute>& minutes, const Matcher& matcher) {
  std::vector<TimePoint> due;
  int day = 0;
  bool is_named = false;
  for (const Minute& minute : minutes) {
    if (minute.wall.tm_mday != day) {
      day = minute.wall.tm_mday;
      is_named = matcher.names_day(minute.wall);
    }
    if (is_named && !minute.is_repeated && matcher.names_time(minute.wall)) {
      due.push_back(minute.instant);
    }
  }
  return due;
}

/// Other expressions for every seed.
void compare(const std::string& zone, const std::string& start, int days, unsigned seed) {
  // Enough to meet every operator several times; more find nothing more.
  constexpr int kExpressions = 60;
  std::vector<Minute> minutes = minutes_of(zone, start, days);
  TimePoint begin = minutes.front().instant;
  TimePoint end = minutes.back().instant;
  Dice dice(seed);
  int due_at_all = 0;
  for (int i = 0; i < kExpressions; ++i) {
    std::string fields = dice.fields();
    std::string text = fmt::format("cron({})", fields);
    SCOPED_TRACE(fmt::format("{} {}", text, zone));
    std::vector<TimePoint> wanted = due_of(minutes, Matcher(fields));
    Expression expression;
    try {
      expression = parse(text, zone);
    } catch (const Error& error) {
      // Such as 31 February.
      ASSERT_TRUE(wanted.empty());
      ASSERT_NE(error.message().find("never due"), std::string::npos) << error.message();
      continue;
    }
    due_at_all += wanted.empty() ? 0 : 1;
    std::vector<TimePoint> found;
    TimePoint after = begin - Duration{1};
    while (auto due = next(expression, after, begin)) {
      if (*due > end) break;
      found.push_back(*due);
      // Between one and the next, nothing changes.
      after = *due + Duration{dice.roll(0, 59'999)};
    }
    ASSERT_EQ(found, wanted);
    for (int part = 0; part < 20; ++part) {
      TimePoint from =
          begin + Duration{std::int64_t{dice.roll(0, days * 1440 - 1)} * 60'000 + dice.roll(-1, 1)};
      TimePoint until = from + Duration{std::int64_t{dice.roll(0, days * 1440)} * 60'000};
      until = std::min(until, end);
      if (until < from) continue;
      auto first = std::upper_bound(wanted.begin(), wanted.end(), from);
      auto last = std::upper_bound(wanted.begin(), wanted.end(), until);
      Missed all = missed(expression, from, until, begin);
      ASSERT_EQ(all.count, last - first) << to_rfc3339(from) << " " << to_rfc3339(until);
      if (first == last) {
        ASSERT_FALSE(all.latest);
      } else {
        ASSERT_EQ(all.latest, *std::prev(last));
      }
    }
  }
  EXPECT_GT(due_at_all, kExpressions / 3);
  unsetenv("TZ");
  tzset();
}

TEST(Oracle, Utc) { compare("UTC", "2027-12-20T00:00", 75, 1); }
TEST(Oracle, BerlinSpring) { compare("Europe/Berlin", "2026-03-15T00:00", 30, 2); }
TEST(Oracle, BerlinAutumn) { compare("Europe/Berlin", "2026-10-10T00:00", 30, 3); }
TEST(Oracle, NewYorkSpring) { compare("America/New_York", "2026-02-25T00:00", 30, 4); }
TEST(Oracle, NewYorkAutumn) { compare("America/New_York", "2026-10-20T00:00", 30, 5); }
TEST(Oracle, Kolkata) { compare("Asia/Kolkata", "2028-02-15T00:00", 30, 6); }
// Half an hour of daylight saving.
TEST(Oracle, LordHoweSpring) { compare("Australia/Lord_Howe", "2026-09-20T00:00", 30, 7); }
TEST(Oracle, LordHoweAutumn) { compare("Australia/Lord_Howe", "2026-03-20T00:00", 30, 8); }
// Shifts at midnight, so that a day begins at one or ends twice.
TEST(Oracle, BeirutSpring) { compare("Asia/Beirut", "2026-03-15T00:00", 30, 9); }
TEST(Oracle, BeirutAutumn) { compare("Asia/Beirut", "2026-10-10T00:00", 30, 10); }
// A day left out, and a zone by the rule beyond its table.
TEST(Oracle, Apia) { compare("Pacific/Apia", "2011-12-20T00:00", 30, 11); }
TEST(Oracle, StJohnsInAHundredYears) { compare("America/St_Johns", "2126-03-01T00:00", 30, 12); }

}  // namespace
}  // namespace hallmark::schedule
