#pragma once
/// Calls that failed for a passing reason are made again.

#include <random>

#include "base/clock.h"
#include "base/error.h"
#include "base/sync.h"
#include "cloud/hooks/call_hook.h"

namespace hallmark::cloud {

struct RetryPolicy {
  /// In all. The three of AWS's SDKs are too few when a hundred accounts are worked on at once.
  int attempts = 8;
  /// No attempt begins later than this after the first one.
  Duration total_time = std::chrono::minutes(2);
  /// The longest wait before the second attempt; it doubles with each one, up to `longest_wait`.
  Duration throttled_wait = std::chrono::seconds(1);
  Duration other_wait = std::chrono::milliseconds(100);
  Duration longest_wait = std::chrono::seconds(20);
};

/// Retries the kinds of error that the error table calls passing (`throttled`, `unavailable`),
/// waiting a random part of the back-off so that many callers do not come back together. Creating
/// calls are safe to repeat because of their tokens; calls that are not repeatable are made again
/// only after `throttled`, when they were refused and cannot have happened. Throws `cancelled` if
/// the call's stop is requested while waiting.
class Retrying : public CallHook {
 public:
  explicit Retrying(Clock& clock, RetryPolicy policy = {},
                    std::uint64_t seed = std::random_device{}());
  void around(const CallInfo& info, const std::function<void()>& call) override;

 private:
  Duration wait_after(int attempt, ErrorKind kind);

  Clock& clock_;
  RetryPolicy policy_;
  Sync<std::mt19937_64> random_;
};

}  // namespace hallmark::cloud
