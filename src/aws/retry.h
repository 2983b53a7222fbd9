#pragma once
/// When a call is made again, and after what wait: the SDKs' "standard" mode, with more patience
/// for throttling, and without doing a thing twice.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws/api_error.h"
#include "aws/credentials/profiles.h"
#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"
#include "base/clock.h"
#include "base/sync.h"

namespace hallmark::aws {

enum class Trouble {
  final,      ///< trying again is pointless
  throttled,  ///< nothing was done, later it may be
  transient,  ///< it may have been done
  skewed,     ///< our clock differs from the service's
  expired,    ///< the credentials have ended
};

/// What a service's refusal means for the retry.
Trouble trouble_of(std::string_view service, const ApiError& error);

/// Whether sending it twice does it once: reads, deletions, puts, and what carries a token. Not
/// CreateImage, which makes two.
bool is_repeatable(const Operation& operation, const Value& input);

/// How often in all. Throttling says that nothing was done and that waiting helps, and a fan-out
/// over a hundred accounts meets it often.
constexpr int kAttempts = 3;
constexpr int kAttemptsWhenThrottled = 9;

/// The user's own limit for both: AWS_MAX_ATTEMPTS, else the profile's max_attempts; nothing if
/// neither is set. Throws `usage` if it is no number from 1 on, or if AWS_RETRY_MODE or retry_mode
/// is no mode that AWS's tools know; all modes mean the standard one here.
/// AWS SDKs and Tools Reference Guide, "Retry behavior".
std::optional<int> attempts_setting(const Profiles& profiles, const std::string& profile,
                                    const Environment& environment);

/// Before attempt `attempt` + 1. `random` is in [0, 1). The service's own wish is honoured.
Duration retry_delay(Trouble trouble, int attempt, double random, const NamedValues& headers);

/// Keeps retries from making an overload worse: each takes from the same 500, each success gives
/// back. Thread-safe.
class RetryQuota {
 public:
  /// False if there is not enough left.
  bool take(Trouble trouble);
  /// After a call: what its last retry took, or one if there was none.
  void succeeded(std::optional<Trouble> last_retry);

 private:
  Sync<int> left_{500};
};

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nothing if it is none.
std::optional<TimePoint> parse_http_date(std::string_view text);

}  // namespace hallmark::aws
