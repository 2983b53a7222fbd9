#pragma once
/// Time behind a seam: everything that asks for the time or waits takes a Clock, so that tests
/// neither sleep nor depend on the date.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

namespace hallmark {

using Duration = std::chrono::milliseconds;
/// Wall-clock time with millisecond precision, UTC.
using TimePoint = std::chrono::sys_time<Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  /// Waits until `deadline` or until `stop` is requested. Returns false if stopped.
  virtual bool sleep_until(TimePoint deadline, std::stop_token stop) = 0;
};

/// The machine's clock. A jump of the wall clock moves deadlines with it; waits re-check the wall
/// clock at least once a second so that a jump forward is noticed.
class SystemClock : public Clock {
 public:
  TimePoint now() const override;
  bool sleep_until(TimePoint deadline, std::stop_token stop) override;
};

/// A clock that moves only when told to: sleeping advances it at once. Thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(TimePoint start);
  TimePoint now() const override;
  bool sleep_until(TimePoint deadline, std::stop_token stop) override;
  void advance(Duration by);

 private:
  mutable std::mutex mutex_;
  TimePoint now_;
};

/// "2026-11-22T17:05:01.250Z"; the inverse also accepts it without milliseconds. Throws `corrupt`.
std::string to_rfc3339(TimePoint time);
TimePoint from_rfc3339(std::string_view text);

/// "90s", "15m", "48h", "7d", "250ms", or a sum such as "1h30m". Throws `usage` otherwise.
Duration parse_duration(std::string_view text);
/// "1h02m", "3m05s", "4.2s", "120ms": for people.
std::string format_duration(Duration duration);

}  // namespace hallmark
