#pragma once
/// The AWS Lambda runtime API, from the side of a custom runtime. Source: AWS Lambda Developer
/// Guide, "Using the Lambda runtime API for custom runtimes".

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/json.h"
#include "net/exchange.h"

namespace hallmark::rule::lambda {

struct Invocation {
  std::string id;
  std::string event;  ///< JSON
};

class RuntimeApi {
 public:
  /// `host` as AWS_LAMBDA_RUNTIME_API has it: "127.0.0.1:9001".
  explicit RuntimeApi(const std::string& host);
  /// Waits for as long as it takes. Throws what ConnectionPool::send does, and `unavailable` for an
  /// answer that is no event: the environment is at its end then.
  Invocation next(std::stop_token stop = {});
  void respond(const std::string& id, const Json& answer);
  void fail(const std::string& id, const Error& error);
  /// The runtime could not start.
  void fail_to_start(const Error& error);

 private:
  void post(const std::string& path, const std::string& body, const std::string& error_type);
  std::string root_;
  net::ConnectionPool pool_;
};

/// Answers one event. What it throws is told to Lambda, which may send the event again.
using Handler = std::function<Json(const Json& event)>;

/// One event after the other, until the runtime API has no more; throws what next() throws.
void serve(RuntimeApi& api, const Handler& handler);

}  // namespace hallmark::rule::lambda
