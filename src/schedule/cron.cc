#include "schedule/cron.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/text.h"

namespace hallmark::schedule {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"SUN", "MON", "TUE", "WED",
                                                       "THU", "FRI", "SAT"};

struct Field {
  std::string_view name;  ///< as AWS's documents call it
  int lowest;
  int highest;
  std::span<const std::string_view> names;  ///< of the values from `lowest` on
  bool steps;                               ///< whether a/n is allowed
  bool wraps;                               ///< whether a range may pass the highest value
  std::string_view hint;                    ///< which values there are
};

constexpr Field kMinutes{"minutes", 0, 59, {}, true, true, "use 0 to 59"};
constexpr Field kHours{"hours", 0, 23, {}, true, true, "use 0 to 23; midnight is 0"};
constexpr Field kDays{
    "day-of-month", 1, 31, {}, true, true, "use 1 to 31, L, LW, a day with W such as 15W, or ?"};
constexpr Field kMonthsOfYear{"month", 1, 12, kMonths, true, true, "use 1 to 12 or JAN to DEC"};
constexpr Field kDaysOfWeek{"day-of-week",
                            1,
                            7,
                            kWeekdays,
                            false,
                            true,
                            "use 1 (Sunday) to 7 (Saturday) or SUN to SAT, L, the last one such as "
                            "6L, or the n-th such as 2#1"};
constexpr Field kYears{"year", kFirstYear, kLastYear, {}, true, false, "use 1970 to 2199 or *"};

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// One field of one expression: reads it, and complains about it.
class FieldReader {
 public:
  FieldReader(std::string_view expression, const Field& field, std::string_view text)
      : expression_(expression), field_(field), text_(text) {}

  [[noreturn]] void refuse(std::string_view value, std::string_view problem,
                           std::string_view way_out) const {
    throw usage_error(expression_, fmt::format("{} \"{}\" {}", field_.name, value, problem),
                      way_out);
  }

  /// The number of a value or name. `whole` is what the complaint shows.
  int value(std::string_view text, std::string_view whole) const {
    for (std::size_t i = 0; i < field_.names.size(); ++i) {
      if (field_.names[i] == text) return field_.lowest + static_cast<int>(i);
    }
    if (!is_number(text)) refuse_letters(whole);
    // As many digits as the highest value has: 07 is an hour, 007 is a slip.
    int number = text.size() <= std::to_string(field_.highest).size() ? std::stoi(std::string(text))
                                                                      : field_.highest + 1;
    if (number < field_.lowest || number > field_.highest) {
      refuse(whole, fmt::format("is not from {} to {}", field_.lowest, field_.highest),
             field_.hint);
    }
    return number;
  }

  /// Calls `add` with each value that the list names.
  void each(const std::function<void(int)>& add) const {
    for (const std::string& item : split(text_, ',')) each_of_item(item, add);
  }

  std::uint64_t bits() const {
    std::uint64_t found = 0;
    each([&](int value) { found |= std::uint64_t{1} << value; });
    return found;
  }

 private:
  [[noreturn]] void refuse_letters(std::string_view whole) const {
    if (whole.find('?') != whole.npos) {
      refuse(whole, "is no value",
             field_.name == kDays.name || field_.name == kDaysOfWeek.name
                 ? "? stands alone in its field"
                 : "? is only for day-of-month and day-of-week; use * for every value");
    }
    if (whole.find('*') != whole.npos) {
      refuse(whole, "is no value", "* stands alone, or before a step as in */5");
    }
    bool special = whole.find_first_of("LW#") != whole.npos && !kind_has_names();
    refuse(whole, special ? "has a letter that this field does not know" : "is no value",
           field_.hint);
  }
  bool kind_has_names() const { return !field_.names.empty(); }

  void each_of_item(std::string_view item, const std::function<void(int)>& add) const {
    if (item.empty()) {
      refuse(text_, "has an empty value",
             "separate values by one comma, and fields by spaces without commas");
    }
    if (item == "*" && text_ != "*") {
      refuse(text_, "names all values and others", "leave out the * or the others");
    }
    std::size_t slash = item.find('/');
    std::string_view range = item.substr(0, slash);
    int step = slash == item.npos ? 1 : step_of(item, item.substr(slash + 1));
    std::size_t dash = range.find('-');
    int from = field_.lowest;
    int to = field_.highest;
    if (dash != range.npos) {
      from = value(range.substr(0, dash), item);
      to = value(range.substr(dash + 1), item);
    } else if (range != "*") {
      from = value(range, item);
      if (slash == item.npos) to = from;
    }
    if (to < from) {
      if (!field_.wraps) refuse(item, "ends before it begins", "write the earlier one first");
      to += field_.highest - field_.lowest + 1;
    }
    for (int number = from; number <= to; number += step) {
      add(number > field_.highest ? number - (field_.highest - field_.lowest + 1) : number);
    }
  }

  int step_of(std::string_view item, std::string_view step) const {
    if (!field_.steps) {
      refuse(item, "has a step, which this field does not know",
             "name the days, such as MON,WED,FRI");
    }
    // No field has more than 2200 values.
    bool fits = is_number(step) && step.size() <= 4;
    int number = fits ? std::stoi(std::string(step)) : 0;
    if (number == 0) {
      refuse(item, "has no step of 1 or more behind its /", "write it as in 0/15 or 9-17/2");
    }
    return number;
  }

  std::string_view expression_;
  const Field& field_;
  std::string_view text_;
};

void read_day_of_month(const FieldReader& reader, std::string_view text, Cron& cron) {
  if (text == "L") {
    cron.rule = DayRule::last_day;
  } else if (text == "LW") {
    cron.rule = DayRule::last_workday;
  } else if (text.find_first_of("LW") == text.npos) {
    cron.rule = DayRule::days;
    cron.days = reader.bits();
  } else if (text.find_first_of(",-/*") != text.npos || !text.ends_with('W') ||
             !is_number(text.substr(0, text.size() - 1))) {
    reader.refuse(text, "is no day", "L, LW and a day with W such as 15W stand alone");
  } else {
    cron.rule = DayRule::nearest_workday;
    cron.day = reader.value(text.substr(0, text.size() - 1), text);
  }
}

void read_day_of_week(const FieldReader& reader, std::string_view text, Cron& cron) {
  std::size_t hash = text.find('#');
  if (hash != text.npos) {
    if (text.find_first_of(",-/*") != text.npos || text.find('#', hash + 1) != text.npos) {
      reader.refuse(text, "has more than one day with #",
                    "an n-th weekday stands alone, such as 2#1");
    }
    std::string_view occurrence = text.substr(hash + 1);
    cron.weekday = reader.value(text.substr(0, hash), text);
    if (occurrence.size() != 1 || occurrence[0] < '1' || occurrence[0] > '5') {
      reader.refuse(text, "has no 1 to 5 behind its #",
                    "a month has its weekdays four or five times; the last one is such as 6L");
    }
    cron.rule = DayRule::numbered_weekday;
    cron.occurrence = occurrence[0] - '0';
  } else if (text == "L") {
    // The last day of AWS's week.
    cron.rule = DayRule::weekdays;
    cron.weekdays = std::uint64_t{1} << 7;
  } else if (text.find('L') != text.npos) {
    if (text.find_first_of(",-/*") != text.npos || !text.ends_with('L')) {
      reader.refuse(text, "is no day", "a last weekday stands alone, such as 6L or FRIL");
    }
    cron.rule = DayRule::last_weekday;
    cron.weekday = reader.value(text.substr(0, text.size() - 1), text);
  } else {
    cron.rule = DayRule::weekdays;
    cron.weekdays = reader.bits();
  }
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& word : split(replace_all(std::string(text), "\t", " "), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

}  // namespace

Error usage_error(std::string_view expression, std::string_view problem, std::string_view way_out) {
  return Error(ErrorKind::usage, "schedule \"{}\": {}", expression, problem)
      .hint(std::string(way_out));
}

Cron parse_cron(std::string_view expression, std::string_view fields) {
  std::vector<std::string> words = words_of(fields);
  if (words.size() != 6) {
    throw usage_error(
        expression, fmt::format("cron has {} fields, not 6", words.size()),
        words.size() == 5
            ? "write minutes hours day-of-month month day-of-week year; * is every year, days of "
              "the week count from 1 = Sunday"
            : "write minutes hours day-of-month month day-of-week year, such as cron(0 3 * * ? *)");
  }
  for (std::string& word : words) {
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  const std::string& of_month = words[2];
  const std::string& of_week = words[4];
  if ((of_month == "?") == (of_week == "?")) {
    std::string both = fmt::format("day-of-month \"{}\" and day-of-week \"{}\"", of_month, of_week);
    throw of_month == "?"
        ? usage_error(expression, both + " name no day", "write * in one of them for every day")
        : usage_error(expression, both + " both name days", "write ? in the one that is not meant");
  }
  auto reader = [&](const Field& field, int word) {
    return FieldReader(expression, field, words[static_cast<std::size_t>(word)]);
  };
  Cron cron;
  cron.minutes = reader(kMinutes, 0).bits();
  cron.hours = reader(kHours, 1).bits();
  if (of_week == "?") read_day_of_month(reader(kDays, 2), of_month, cron);
  cron.months = reader(kMonthsOfYear, 3).bits();
  if (of_month == "?") read_day_of_week(reader(kDaysOfWeek, 4), of_week, cron);
  reader(kYears, 5).each(
      [&](int year) { cron.years.set(static_cast<std::size_t>(year - kFirstYear)); });
  return cron;
}

}  // namespace hallmark::schedule
