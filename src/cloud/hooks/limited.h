#pragma once
/// Keeps calls below the rates a cloud allows, instead of running into its throttling.

#include <map>
#include <tuple>

#include "base/clock.h"
#include "base/sync.h"
#include "cloud/hooks/call_hook.h"

namespace hallmark::cloud {

/// A bucket of `burst` calls that refills at `per_second`.
struct Rate {
  double burst = 1;
  double per_second = 1;
};

struct RateTable {
  std::map<std::string, Rate, std::less<>> operations;
  /// For operations that the table does not name. The defaults are what EC2 allows an account per
  /// region and operation ("Request throttling for the Amazon EC2 API").
  Rate reading = {.burst = 100, .per_second = 20};
  Rate mutating = {.burst = 50, .per_second = 5};
};

/// Waits until the bucket of the call's (account, region, operation) has room. Callers are served
/// in the order in which they came. Share one object between all clouds of a process that use the
/// same accounts. Throws `cancelled` if the call's stop is requested while waiting.
class Limited : public CallHook {
 public:
  /// Throws `usage` if a rate is not positive.
  Limited(Clock& clock, RateTable rates);
  void around(const CallInfo& info, const std::function<void()>& call) override;

 private:
  struct Bucket {
    double calls;  ///< negative: as many callers wait
    TimePoint filled;
  };
  using BucketKey = std::tuple<std::string, std::string, std::string>;

  const Rate& rate_of(const CallInfo& info) const;

  Clock& clock_;
  RateTable rates_;
  Sync<std::map<BucketKey, Bucket>> buckets_;
};

}  // namespace hallmark::cloud
