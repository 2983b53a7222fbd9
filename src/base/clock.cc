#include "base/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/error.h"

namespace hallmark {

using namespace std::chrono_literals;

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

bool SystemClock::sleep_until(TimePoint deadline, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    Duration left = deadline - now();
    if (left <= Duration::zero()) return true;
    wake.wait_for(lock, stop, std::min<Duration>(left, 1s), [] { return false; });
  }
  return false;
}

ManualClock::ManualClock(TimePoint start) : now_(start) {}

TimePoint ManualClock::now() const {
  std::lock_guard lock(mutex_);
  return now_;
}

bool ManualClock::sleep_until(TimePoint deadline, std::stop_token stop) {
  if (stop.stop_requested()) return false;
  std::lock_guard lock(mutex_);
  now_ = std::max(now_, deadline);
  return true;
}

void ManualClock::advance(Duration by) {
  std::lock_guard lock(mutex_);
  now_ += by;
}

std::string to_rfc3339(TimePoint time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  std::time_t raw = seconds.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&raw, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     (time - seconds).count());
}

TimePoint from_rfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  const std::string copy(text);
  const int got = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour,
                              &minute, &second, &used);
  std::string_view rest = got == 6 ? std::string_view(copy).substr(used) : "";
  int millis = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    int unit = 100;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1), unit /= 10) {
      millis += (rest[0] - '0') * unit;
    }
    if (unit == 100) rest = "";
  }
  const auto date = std::chrono::year(year) / month / day;
  // A leap second counts as the one before it.
  const bool is_time =
      hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
  if (rest != "Z" || !date.ok() || !is_time) {
    throw Error(ErrorKind::corrupt, "\"{}\" is not a time like 2026-11-22T17:05:01Z", text);
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(std::min(second, 59)) + Duration(millis);
}

Duration parse_duration(std::string_view text) {
  auto refuse = [&]() -> Error {
    return Error(ErrorKind::usage, "\"{}\" is not a duration", text)
        .hint("write a number and a unit, such as 250ms, 90s, 15m, 48h or 7d");
  };
  Duration total{};
  std::string_view rest = text;
  if (rest.empty()) throw refuse();
  while (!rest.empty()) {
    long long count = 0;
    auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (failure != std::errc() || count < 0 || count > 100'000'000'000) throw refuse();
    rest.remove_prefix(end - rest.data());
    auto take = [&](std::string_view unit) {
      if (!rest.starts_with(unit)) return false;
      rest.remove_prefix(unit.size());
      return true;
    };
    if (take("ms")) {
      total += Duration(count);
    } else if (take("s")) {
      total += std::chrono::seconds(count);
    } else if (take("m")) {
      total += std::chrono::minutes(count);
    } else if (take("h")) {
      total += std::chrono::hours(count);
    } else if (take("d")) {
      total += std::chrono::hours(24) * count;
    } else {
      throw refuse();
    }
  }
  return total;
}

std::string format_duration(Duration duration) {
  long long ms = duration.count();
  if (ms < 0) return "-" + format_duration(-duration);
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  long long s = ms / 1000;
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
  return fmt::format("{}d{:02}h", s / 86'400, s % 86'400 / 3600);
}

}  // namespace hallmark
