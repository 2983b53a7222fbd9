#include "aws/retry.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "aws/error_codes.h"

namespace hallmark::aws {

using namespace std::chrono_literals;

namespace {

template <typename Values, typename Value>
bool among(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Where these are quotas that no waiting lifts.
constexpr std::array<std::string_view, 3> kHardQuotas = {"kms", "servicecatalog", "config"};
constexpr std::array<std::string_view, 6> kSkewed = {
    "RequestTimeTooSkewed",  "RequestInTheFuture", "InvalidSignatureException",
    "SignatureDoesNotMatch", "AuthFailure",        "SignatureExpired"};
constexpr std::array<std::string_view, 4> kExpired = {"ExpiredToken", "ExpiredTokenException",
                                                      "RequestExpired", "TokenRefreshRequired"};
constexpr std::array<std::string_view, 4> kTransient = {"RequestTimeout", "RequestTimeoutException",
                                                        "InternalError", "IDPCommunicationError"};
constexpr std::array<int, 4> kTransientStatus = {500, 502, 503, 504};

// Verbs that make something new each time.
constexpr std::array<std::string_view, 11> kMaking = {"Create",   "Register",  "Copy",   "Run",
                                                      "Start",    "Send",      "Import", "Restore",
                                                      "Allocate", "Provision", "Invoke"};
// Making, by their names, but of what is there already.
constexpr std::array<std::string_view, 2> kRepeatable = {"CreateTags", "StartInstances"};
constexpr std::array<std::string_view, 5> kTokens = {
    "ClientToken", "ClientRequestToken", "IdempotencyToken", "CallerReference", "OperationId"};

constexpr Duration kLongestDelay = 20s;

}  // namespace

Trouble trouble_of(std::string_view service, const ApiError& error) {
  const std::string& code = error.code();
  if (among(kExpired, code)) return Trouble::expired;
  if (among(kSkewed, code)) return Trouble::skewed;
  if (is_throttling(code)) {
    bool hard = code == "LimitExceededException" && among(kHardQuotas, service);
    return hard ? Trouble::final : Trouble::throttled;
  }
  // There it is normal and passes; elsewhere somebody else's change came first.
  if (code == "ConcurrentModificationException") {
    return service == "organizations" ? Trouble::throttled : Trouble::final;
  }
  // Another instance type or zone may have what this one lacks; the same one will not soon.
  if (code.starts_with("Insufficient")) return Trouble::final;
  if (among(kTransient, code)) return Trouble::transient;
  if (error.status() == 429) return Trouble::throttled;
  return among(kTransientStatus, error.status()) ? Trouble::transient : Trouble::final;
}

bool is_repeatable(const Operation& operation, const Value& input) {
  if (among(kRepeatable, operation.name)) return true;
  bool makes = std::any_of(kMaking.begin(), kMaking.end(),
                           [&](auto verb) { return operation.name.starts_with(verb); });
  if (!makes && operation.name != "Publish") return true;
  if (!operation.input) return false;
  return std::any_of(
      operation.input->members.begin(), operation.input->members.end(), [&](const Member& member) {
        return member.idempotency_token || (among(kTokens, member.name) && input.is_object() &&
                                            input.contains(std::string(member.name)));
      });
}

std::optional<int> attempts_setting(const Profiles& profiles, const std::string& profile,
                                    const Environment& environment) {
  struct Setting {
    std::string name;
    std::optional<std::string> value;
  };
  auto setting = [&](const std::string& variable, const std::string& key) {
    if (auto value = environment(variable)) return Setting{variable, value};
    return Setting{key + " in profile " + profile, profiles.setting(profile, key)};
  };
  const Setting mode = setting("AWS_RETRY_MODE", "retry_mode");
  if (mode.value && *mode.value != "standard" && *mode.value != "adaptive" &&
      *mode.value != "legacy") {
    throw Error(ErrorKind::usage, "{} is \"{}\"", mode.name, *mode.value)
        .hint("use standard, adaptive or legacy");
  }
  const Setting most = setting("AWS_MAX_ATTEMPTS", "max_attempts");
  if (!most.value) return std::nullopt;
  int attempts = 0;
  const char* end = most.value->data() + most.value->size();
  auto [stopped, failure] = std::from_chars(most.value->data(), end, attempts);
  if (failure != std::errc() || stopped != end || attempts < 1) {
    throw Error(ErrorKind::usage, "{} is \"{}\"", most.name, *most.value)
        .hint("use a number from 1 on: how often a call is tried in all");
  }
  return attempts;
}

Duration retry_delay(Trouble trouble, int attempt, double random, const NamedValues& headers) {
  double base = trouble == Trouble::throttled ? 1000 : 50;
  double most = std::min(base * std::ldexp(1, std::min(attempt - 1, 20)),
                         static_cast<double>(kLongestDelay.count()));
  Duration delay(static_cast<std::int64_t>(random * most));
  if (auto wish = header(headers, "x-amz-retry-after")) {
    Duration asked(std::atol(wish->c_str()));
    delay = std::clamp<Duration>(delay, asked, asked + 5s);
  } else if (auto seconds = header(headers, "retry-after")) {
    delay = std::max<Duration>(delay, std::chrono::seconds(std::atol(seconds->c_str())));
  }
  return std::clamp<Duration>(delay, 0ms, kLongestDelay);
}

namespace {
int cost_of(Trouble trouble) { return trouble == Trouble::throttled ? 5 : 14; }
}  // namespace

bool RetryQuota::take(Trouble trouble) {
  auto left = left_.lock();
  if (*left < cost_of(trouble)) return false;
  *left -= cost_of(trouble);
  return true;
}

void RetryQuota::succeeded(std::optional<Trouble> last_retry) {
  auto left = left_.lock();
  *left = std::min(500, *left + (last_retry ? cost_of(*last_retry) : 1));
}

std::optional<TimePoint> parse_http_date(std::string_view text) {
  std::string copy(text);
  std::tm parts{};
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!end || *end != '\0') return std::nullopt;
  return TimePoint(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace hallmark::aws
