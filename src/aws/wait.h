#pragma once
/// Waiting until a service says that something is so.

#include <optional>
#include <string>

#include "aws/api_error.h"
#include "aws/client.h"
#include "aws/model.h"
#include "base/clock.h"

namespace hallmark::aws {

struct WaitLimits {
  Duration time_limit = std::chrono::minutes(30);
  /// Between looks; nothing: what the model says.
  std::optional<Duration> delay;
};

/// Asks as the model's waiter says until it says success, and returns the last answer (an empty
/// object if an error was what was waited for). Throws `failed` with the reason that the service
/// gives if that state cannot come any more, `timeout` with the last state seen, `cancelled`, and
/// what the calls throw. `caller` tries throttled calls again by itself.
Value wait_until(Caller& caller, const Model& model, const std::string& waiter, Call call,
                 const Value& input, const WaitLimits& limits, Clock& clock, std::stop_token stop);

/// What the waiter says to an answer, or to a refusal if there is one; nothing if it has no word
/// for it.
std::optional<Acceptor::State> judge(const Waiter& waiter, const Value& answer,
                                     const ApiError* refusal);

/// The state and reason that stand in an answer, for people: "failed: Client.InternalError ...";
/// empty if there are none.
std::string state_text(const Value& answer);

}  // namespace hallmark::aws
