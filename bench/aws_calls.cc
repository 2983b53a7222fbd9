/// What a call to AWS costs besides the network: validate, serialize, sign, read the answer. The
/// cases come from bench/aws_calls, which has botocore do the same. Usage: bench_aws_calls CASES
/// [SECONDS]; CASES is a JSON array of {name, service, operation, input, status, headers,
/// body_file}. JSON lines on stdout: {"name", "microseconds"}.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "aws/credentials/renewing.h"
#include "aws/http_client.h"
#include "base/files.h"
#include "base/json.h"

namespace hallmark::aws {
namespace {

using Steady = std::chrono::steady_clock;

/// Rounds of which the fastest counts: what else the machine does only makes a round slower.
constexpr int kRounds = 5;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double microseconds_per_call(HttpClient& client, const Call& call, const Value& input,
                             double seconds) {
  client.call(call, input, {});
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    int calls = 0;
    const auto start = Steady::now();
    do {
      client.call(call, input, {});
      ++calls;
    } while (seconds_since(start) < seconds / kRounds);
    best = std::min(best, seconds_since(start) * 1e6 / calls);
  }
  return best;
}

void run(const Path& file, double seconds) {
  SystemClock clock;
  net::ExchangeResponse canned;
  HttpClient client(
      clock,
      {.region = "us-east-1",
       .credentials = std::make_shared<FixedCredentials>(Credentials{
           .access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret", .source = "bench"}),
       .limit_rates = false,
       .environment = [](const std::string&) { return std::nullopt; },
       .home = "/nonexistent",
       .exchange = [&](const net::ExchangeRequest&, std::stop_token) { return canned; }});
  for (const Value& given : Value::parse(read_file(file))) {
    canned = {.status = given.at("status").get<int>(),
              .body = read_file(given.at("body_file").get<std::string>())};
    for (const auto& [name, value] : given.at("headers").items()) {
      canned.headers.emplace_back(name, value.get<std::string>());
    }
    Call call{.service = given.at("service").get<std::string>(),
              .operation = given.at("operation").get<std::string>(),
              .region = "us-east-1"};
    Json line = {{"name", given.at("name").get<std::string>()},
                 {"microseconds", microseconds_per_call(client, call, given.at("input"), seconds)}};
    fmt::print("{}\n", compact(line));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace hallmark::aws

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench_aws_calls CASES [SECONDS]\n");
    return 2;
  }
  try {
    hallmark::aws::run(argv[1], argc > 2 ? std::stod(argv[2]) : 2);
  } catch (const hallmark::Error& error) {
    fmt::print(stderr, "{}\n", error.full_text());
    return hallmark::traits(error.kind()).exit_code;
  }
}
