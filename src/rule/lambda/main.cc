/// The bootstrap of the Lambda function behind the Config rule. Reads AWS_LAMBDA_RUNTIME_API,
/// AWS_REGION, LAMBDA_TASK_ROOT and HALLMARK_CONFIG_RULE; the rest of the environment is the AWS
/// client's.

#include <cstdio>

#include "aws/http_client.h"
#include "base/log.h"
#include "rule/lambda/answer.h"
#include "rule/lambda/runtime_api.h"

namespace hallmark::rule::lambda {
namespace {

std::string needed(const aws::Environment& environment, const char* name) {
  if (auto value = environment(name); value && !value->empty()) return *value;
  throw Error(ErrorKind::usage, "the environment variable {} is not set", name);
}

/// The certificates that came with the package: no other place for them is sure.
aws::Environment with_own_certificates(aws::Environment environment) {
  return [environment](const std::string& name) -> std::optional<std::string> {
    auto value = environment(name);
    if (value || name != "AWS_CA_BUNDLE") return value;
    auto root = environment("LAMBDA_TASK_ROOT");
    if (!root) return std::nullopt;
    const Path file = Path(*root) / "ca.pem";
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return std::nullopt;
    return file.string();
  };
}

void serve_from(RuntimeApi& api, const aws::Environment& environment) {
  SystemClock clock;
  std::optional<aws::HttpClient> client;
  std::optional<Surroundings> here;
  try {
    const std::string region = needed(environment, "AWS_REGION");
    client.emplace(clock, aws::ClientOptions{.region = region, .environment = environment});
    here.emplace(Surroundings{*client, region, needed(environment, "HALLMARK_CONFIG_RULE")});
  } catch (const Error& error) {
    api.fail_to_start(error);
    throw;
  }
  serve(api, [&](const Json& event) { return answer(*here, event, {}); });
}

int run() {
  log_to_stderr(LogLevel::info);
  try {
    const aws::Environment environment = with_own_certificates(aws::process_environment());
    RuntimeApi api(needed(environment, "AWS_LAMBDA_RUNTIME_API"));
    serve_from(api, environment);
  } catch (const std::exception& error) {
    log_error("{}", error.what());
  }
  // serve() ends by an error only; Lambda starts the runtime again.
  return 1;
}

}  // namespace
}  // namespace hallmark::rule::lambda

int main() { return hallmark::rule::lambda::run(); }
