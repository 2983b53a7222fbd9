#include "rule/lambda/runtime_api.h"

#include "base/log.h"
#include "base/text.h"

namespace hallmark::rule::lambda {

namespace {

/// Between two events the environment is frozen: hours by the clock that counts on meanwhile.
constexpr Duration kForever = std::chrono::hours(24 * 365);

std::string header(const net::ExchangeResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (to_lower(key) == name) return value;
  }
  return "";
}

Json error_body(const Error& error) {
  return {{"errorMessage", redacted(error.full_text())},
          {"errorType", "Hallmark." + std::string(traits(error.kind()).name)},
          {"stackTrace", Json::array()}};
}

}  // namespace

RuntimeApi::RuntimeApi(const std::string& host)
    : root_("http://" + host + "/2018-06-01/runtime/") {}

Invocation RuntimeApi::next(std::stop_token stop) {
  net::ExchangeResponse response = pool_.send({.method = "GET",
                                               .url = root_ + "invocation/next",
                                               .time_limit = kForever,
                                               .stall_limit = kForever,
                                               .use_proxy = false},
                                              stop);
  Invocation invocation{header(response, "lambda-runtime-aws-request-id"), response.body};
  if (response.status != 200 || invocation.id.empty()) {
    throw Error(ErrorKind::unavailable, "the runtime API answered {} instead of an event",
                response.status);
  }
  return invocation;
}

void RuntimeApi::post(const std::string& path, const std::string& body,
                      const std::string& error_type) {
  net::ExchangeRequest request{.method = "POST",
                               .url = root_ + path,
                               .headers = {{"Content-Type", "application/json"}},
                               .body = body,
                               .use_proxy = false};
  if (!error_type.empty()) {
    request.headers.emplace_back("Lambda-Runtime-Function-Error-Type", error_type);
  }
  const net::ExchangeResponse response = pool_.send(request);
  // An event that ran out of time is answered too late: the next one is what counts.
  if (response.status >= 300) {
    log_error("the runtime API answered {} to {}: {}", response.status, path, response.body);
  }
}

void RuntimeApi::respond(const std::string& id, const Json& answer) {
  post("invocation/" + id + "/response", compact(answer), "");
}

void RuntimeApi::fail(const std::string& id, const Error& error) {
  const Json body = error_body(error);
  post("invocation/" + id + "/error", compact(body), body.at("errorType"));
}

void RuntimeApi::fail_to_start(const Error& error) {
  const Json body = error_body(error);
  post("init/error", compact(body), body.at("errorType"));
}

void serve(RuntimeApi& api, const Handler& handler) {
  while (true) {
    const Invocation invocation = api.next();
    try {
      api.respond(invocation.id, handler(parse_json(invocation.event, "the event")));
    } catch (const Error& error) {
      log_error("{}: {}", invocation.id, error.full_text());
      api.fail(invocation.id, error);
    } catch (const std::exception& error) {
      log_error("{}: {}", invocation.id, error.what());
      api.fail(invocation.id, Error(ErrorKind::internal, error.what()));
    }
  }
}

}  // namespace hallmark::rule::lambda
