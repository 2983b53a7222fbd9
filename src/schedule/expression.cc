#include "schedule/expression.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "schedule/meaning.h"

namespace hallmark::schedule {

using std::chrono::floor;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;

namespace {

// The longest that AWS's API takes as ScheduleExpression.
constexpr std::size_t kLongestText = 256;
constexpr TimePoint kBegin = sys_days{year{kFirstYear} / 1 / 1};
constexpr TimePoint kEnd = sys_days{year{kLastYear + 1} / 1 / 1};

constexpr std::string_view kForms =
    "write rate(5 minutes), cron(0 3 * * ? *) or at(2030-01-31T03:00:00)";

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 3> kUnits = {
    {{"minute", minutes{1}}, {"hour", std::chrono::hours{1}}, {"day", std::chrono::hours{24}}}};

/// Digits alone, and not too many for an int64.
std::optional<std::int64_t> number_of(std::string_view text) {
  bool digits =
      !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == text.npos;
  if (!digits) return std::nullopt;
  return std::stoll(std::string(text));
}

Rate parse_rate(std::string_view expression, std::string_view inside) {
  std::size_t space = inside.find_first_of(" \t");
  std::string_view value = inside.substr(0, space);
  std::string_view unit = space == inside.npos ? "" : trim(inside.substr(space));
  constexpr std::string_view kWayOut = "write rate(1 day), rate(12 hours), rate(5 minutes)";
  if (value.empty() || unit.empty()) {
    throw usage_error(expression, "rate has not a value and a unit", kWayOut);
  }
  std::optional<std::int64_t> number = number_of(value);
  if (!number || *number < 1) {
    throw usage_error(
        expression, fmt::format("value \"{}\" is not a whole number of 1 or more", value), kWayOut);
  }
  for (const Unit& known : kUnits) {
    std::string plural = fmt::format("{}s", known.name);
    if (unit != known.name && unit != plural) continue;
    if ((unit == known.name) != (*number == 1)) {
      throw usage_error(
          expression, fmt::format("unit \"{}\" does not go with {}", unit, *number),
          fmt::format("write rate({} {})", *number, *number == 1 ? known.name : plural));
    }
    if (*number > (kEnd - kBegin) / known.length) {
      throw usage_error(expression,
                        fmt::format("value \"{}\" is longer than all years from {} to {}", value,
                                    kFirstYear, kLastYear),
                        "shorten it, or use at(..) for a single time");
    }
    return {*number, known.name, *number * known.length};
  }
  throw usage_error(expression, fmt::format("unit \"{}\" is not known", unit),
                    "use minute, hour, day or their plurals");
}

At parse_at(std::string_view expression, std::string_view inside) {
  // A digit for each 0.
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  bool shaped = inside.size() == kShape.size() &&
                std::equal(inside.begin(), inside.end(), kShape.begin(), [](char c, char form) {
                  return form == '0' ? c >= '0' && c <= '9' : c == form;
                });
  if (!shaped) {
    throw usage_error(expression, fmt::format("time \"{}\" is not yyyy-mm-ddThh:mm:ss", inside),
                      "write such as at(2030-01-31T03:00:00), and the time zone apart from it");
  }
  auto part = [&](std::size_t from, std::size_t size) {
    return static_cast<int>(*number_of(inside.substr(from, size)));
  };
  auto date = year{part(0, 4)} / part(5, 2) / part(8, 2);
  if (part(0, 4) < kFirstYear || part(0, 4) > kLastYear) {
    throw usage_error(
        expression,
        fmt::format("year \"{}\" is not from {} to {}", inside.substr(0, 4), kFirstYear, kLastYear),
        "name a year that AWS knows");
  }
  if (!date.ok()) {
    throw usage_error(expression,
                      fmt::format("date \"{}\" is not in the calendar", inside.substr(0, 10)),
                      "name a day that there is");
  }
  if (part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 59) {
    throw usage_error(expression, fmt::format("time \"{}\" is not of a day", inside.substr(11)),
                      "use 00:00:00 to 23:59:59");
  }
  seconds of_day = std::chrono::hours{part(11, 2)} + minutes{part(14, 2)} + seconds{part(17, 2)};
  return {WallTime{sys_days{date}.time_since_epoch() + of_day}};
}

std::optional<TimePoint> next_of(const Rate& rate, const Zone&, TimePoint after, TimePoint anchor) {
  if (after < anchor) return anchor;
  return anchor + ((after - anchor) / rate.every + 1) * rate.every;
}

std::optional<TimePoint> next_of(const Cron& cron, const Zone& zone, TimePoint after, TimePoint) {
  // A wall clock's minute counts when its first second comes.
  auto from = floor<minutes>(shown_until(zone, floor<seconds>(after)));
  while (auto minute = next_minute(cron, from)) {
    if (auto instant = instant_of(zone, *minute)) return *instant;
    from = *minute;
  }
  return std::nullopt;
}

std::optional<TimePoint> next_of(const At& at, const Zone& zone, TimePoint after, TimePoint) {
  std::optional<Instant> instant = instant_of(zone, at.time);
  if (!instant || *instant <= after) return std::nullopt;
  return *instant;
}

Missed missed_of(const Rate& rate, const Zone&, TimePoint last, TimePoint now, TimePoint anchor) {
  if (now < anchor) return {};
  std::int64_t until = (now - anchor) / rate.every;
  std::int64_t before = last < anchor ? -1 : (last - anchor) / rate.every;
  if (until == before) return {};
  return {until - before, anchor + until * rate.every};
}

Missed missed_of(const Cron& cron, const Zone& zone, TimePoint last, TimePoint now, TimePoint) {
  auto from = floor<minutes>(shown_until(zone, floor<seconds>(last)));
  auto until = floor<minutes>(shown_until(zone, floor<seconds>(now)));
  std::int64_t count = count_minutes(cron, from, until);
  for (const Shift& shift : zone.shifts) {
    if (shift.after <= shift.before || shift.at <= last || shift.at > now) continue;
    // What the clock jumps over: the second before the first skipped one, and the last.
    WallTime begin{shift.at.time_since_epoch() + shift.before - seconds{1}};
    WallTime end{shift.at.time_since_epoch() + shift.after - seconds{1}};
    count -= count_minutes(cron, floor<minutes>(begin), floor<minutes>(end));
  }
  if (count <= 0) return {};
  for (auto minute = last_minute(cron, until); minute;
       minute = last_minute(cron, *minute - minutes{1})) {
    if (auto instant = instant_of(zone, *minute)) return {count, *instant};
  }
  return {};
}

Missed missed_of(const At& at, const Zone& zone, TimePoint last, TimePoint now, TimePoint) {
  std::optional<Instant> instant = instant_of(zone, at.time);
  if (!instant || *instant <= last || *instant > now) return {};
  return {1, *instant};
}

void check_anchor(const Expression& expression, TimePoint anchor) {
  if (!std::holds_alternative<Rate>(expression.meaning->when)) return;
  if (anchor >= kBegin && anchor < kEnd) return;
  throw usage_error(
      expression.text,
      fmt::format("its start is not within the years {} to {}", kFirstYear, kLastYear),
      "start it at a time within them");
}

/// Far ahead of what is due, and far enough from the ends of time for arithmetic.
TimePoint clamp(TimePoint time) {
  return std::clamp(time, kBegin - std::chrono::hours{48}, kEnd + std::chrono::hours{48});
}

}  // namespace

Expression parse(std::string_view text, std::string_view time_zone) {
  if (text.size() > kLongestText) {
    throw Error(ErrorKind::usage, "a schedule of {} characters is too long", text.size())
        .hint(fmt::format("{} are allowed", kLongestText));
  }
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return (c < ' ' || c > '~') && c != '\t'; })) {
    throw Error(ErrorKind::usage, "a schedule has a character that is not printable ASCII")
        .hint(std::string(kForms));
  }
  std::size_t open = text.find('(');
  std::string_view kind = text.substr(0, open);
  if (open == text.npos || !text.ends_with(')') ||
      (kind != "rate" && kind != "cron" && kind != "at")) {
    throw usage_error(text, "it is not rate(..), cron(..) or at(..)", kForms);
  }
  std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  Meaning meaning;
  if (kind == "rate") meaning.when = parse_rate(text, inside);
  if (kind == "cron") meaning.when = parse_cron(text, inside);
  if (kind == "at") meaning.when = parse_at(text, inside);
  meaning.zone = load_zone(time_zone);
  Expression expression{std::string(text), std::string(time_zone),
                        std::make_shared<const Meaning>(std::move(meaning))};
  if (never_fires(expression, TimePoint::min())) {
    throw usage_error(text, fmt::format("it is never due in {}", time_zone),
                      kind == "at" ? "the clock jumps over this time; name another"
                                   : "no month, year and change of the clock gives such a day "
                                     "and time; name others");
  }
  return expression;
}

std::optional<TimePoint> next(const Expression& expression, TimePoint after, TimePoint anchor) {
  check_anchor(expression, anchor);
  std::optional<TimePoint> due = std::visit(
      [&](const auto& when) {
        return next_of(when, expression.meaning->zone, clamp(after), anchor);
      },
      expression.meaning->when);
  if (due && std::holds_alternative<Rate>(expression.meaning->when) && *due >= kEnd) return {};
  return due;
}

bool never_fires(const Expression& expression, TimePoint from) {
  // Any time within the years is an anchor.
  TimePoint anchor = std::clamp(from, kBegin, kEnd - Duration{1});
  return !next(expression, from, anchor).has_value();
}

Missed missed(const Expression& expression, TimePoint last_fired, TimePoint now, TimePoint anchor) {
  check_anchor(expression, anchor);
  if (now <= last_fired) return {};
  return std::visit(
      [&](const auto& when) {
        // A rate ends with the years; a wall clock behind UTC shows 2199 for some hours more.
        TimePoint until = clamp(now);
        if constexpr (std::is_same_v<std::decay_t<decltype(when)>, Rate>) {
          until = std::min(until, kEnd - Duration{1});
        }
        TimePoint last = std::min(clamp(last_fired), until);
        return missed_of(when, expression.meaning->zone, last, until, anchor);
      },
      expression.meaning->when);
}

}  // namespace hallmark::schedule
