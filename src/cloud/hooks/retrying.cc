#include "cloud/hooks/retrying.h"

#include <algorithm>
#include <cmath>

namespace hallmark::cloud {

Retrying::Retrying(Clock& clock, RetryPolicy policy, std::uint64_t seed)
    : clock_(clock), policy_(policy), random_(std::mt19937_64(seed)) {}

Duration Retrying::wait_after(int attempt, ErrorKind kind) {
  Duration first = kind == ErrorKind::throttled ? policy_.throttled_wait : policy_.other_wait;
  double longest = std::min(static_cast<double>(policy_.longest_wait.count()),
                            static_cast<double>(first.count()) * std::exp2(attempt - 1));
  std::uniform_real_distribution<double> part(0, longest);
  // At least one millisecond, or a clock of milliseconds would not move at all.
  return std::max(Duration(1), Duration(static_cast<Duration::rep>(part(*random_.lock()))));
}

void Retrying::around(const CallInfo& info, const std::function<void()>& call) {
  TimePoint latest = clock_.now() + policy_.total_time;
  for (int attempt = 1;; ++attempt) {
    TimePoint again{};
    try {
      return call();
    } catch (Error& error) {
      bool may_repeat = info.repeatable || error.kind() == ErrorKind::throttled;
      if (!traits(error.kind()).retry || !may_repeat) throw;
      again = clock_.now() + wait_after(attempt, error.kind());
      if (attempt >= policy_.attempts || again > latest) {
        error.note(fmt::format("after {} attempts of {}", attempt, info.operation));
        throw;
      }
    }
    if (!clock_.sleep_until(again, info.stop)) {
      throw Error(ErrorKind::cancelled, "stopped while waiting to repeat {}", info.operation);
    }
  }
}

}  // namespace hallmark::cloud
