#pragma once
/// Staying below AWS's rates instead of running into them: one bucket of tokens per account, region
/// and API, shared by all threads.

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/value.h"
#include "base/clock.h"
#include "base/sync.h"

namespace hallmark::aws {

/// A bucket that a call takes from.
struct Rate {
  std::string bucket;  ///< of the service: "DescribeImages", "RunInstances/resources"
  double size = 0;     ///< tokens at most
  double refill = 0;   ///< tokens per second
  double cost = 1;     ///< tokens that this call takes
};

/// The documented rates for a call; none for what has no documented one.
std::vector<Rate> rates_of(std::string_view service, std::string_view operation,
                           const Value& input);

/// Whose buckets.
struct RateScope {
  std::string account;  ///< an id, or the access key while the account is not known
  std::string region;
  std::string service;
};

class RateLimiter {
 public:
  explicit RateLimiter(Clock& clock) : clock_(clock) {}
  /// Takes the tokens, waiting for them in the order of arrival. Throws `cancelled`.
  void wait(const RateScope& scope, const std::vector<Rate>& rates, std::stop_token stop);
  /// AWS's bucket is empty although ours is not: somebody else works in that account.
  void empty(const RateScope& scope, const std::vector<Rate>& rates);

 private:
  struct Bucket {
    double tokens = 0;  ///< negative: promised to those who wait
    TimePoint at{};     ///< when `tokens` was right
  };
  Bucket& filled(std::map<std::string, Bucket>& buckets, const RateScope& scope, const Rate& rate,
                 TimePoint now);

  Clock& clock_;
  Sync<std::map<std::string, Bucket>> buckets_;
};

}  // namespace hallmark::aws
