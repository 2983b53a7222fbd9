#include "cloud/hooks/limited.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hallmark::cloud {

namespace {

void check_rate(std::string_view what, const Rate& rate) {
  // A burst below one call would never let a call pass.
  if (!(rate.burst >= 1) || !(rate.per_second > 0)) {
    throw Error(ErrorKind::usage, "the rate of {} ({} calls, {} per second) lets no call pass",
                what, rate.burst, rate.per_second);
  }
}

}  // namespace

Limited::Limited(Clock& clock, RateTable rates) : clock_(clock), rates_(std::move(rates)) {
  for (const auto& [operation, rate] : rates_.operations) check_rate(operation, rate);
  check_rate("reading calls", rates_.reading);
  check_rate("mutating calls", rates_.mutating);
}

const Rate& Limited::rate_of(const CallInfo& info) const {
  auto found = rates_.operations.find(info.operation);
  if (found != rates_.operations.end()) return found->second;
  return info.mutating ? rates_.mutating : rates_.reading;
}

void Limited::around(const CallInfo& info, const std::function<void()>& call) {
  const Rate& rate = rate_of(info);
  BucketKey key{info.place.account_id, info.place.region, std::string(info.operation)};
  TimePoint turn{};
  {
    auto buckets = buckets_.lock();
    TimePoint now = clock_.now();
    Bucket& bucket = buckets->try_emplace(key, Bucket{rate.burst, now}).first->second;
    double passed = std::chrono::duration<double>(now - bucket.filled).count();
    // A wall clock set back must not empty the bucket.
    bucket.calls = std::min(rate.burst, bucket.calls + std::max(0.0, passed) * rate.per_second);
    bucket.filled = now;
    bucket.calls -= 1;
    double wait_seconds = std::max(0.0, -bucket.calls / rate.per_second);
    turn = now + Duration(static_cast<Duration::rep>(std::ceil(wait_seconds * 1000)));
  }
  if (turn > clock_.now() && !clock_.sleep_until(turn, info.stop)) {
    buckets_.lock()->at(key).calls += 1;
    throw Error(ErrorKind::cancelled, "stopped while waiting for the turn of {}", info.operation);
  }
  call();
}

}  // namespace hallmark::cloud
