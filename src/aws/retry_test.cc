#include "aws/retry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aws/rate_limit.h"

namespace hallmark::aws {
namespace {

using namespace std::chrono_literals;

Trouble trouble(const char* service, const char* code, int status) {
  return trouble_of(service, ApiError(ErrorKind::failed, "m", code, status, "r"));
}

TEST(Retry, KnowsWhatWaitingHelps) {
  EXPECT_EQ(trouble("ec2", "RequestLimitExceeded", 503), Trouble::throttled);
  EXPECT_EQ(trouble("ssm", "ThrottlingException", 400), Trouble::throttled);
  EXPECT_EQ(trouble("lambda", "TooManyRequestsException", 429), Trouble::throttled);
  EXPECT_EQ(trouble("ec2", "InternalError", 500), Trouble::transient);
  EXPECT_EQ(trouble("x", "Unknown", 503), Trouble::transient);
  EXPECT_EQ(trouble("ec2", "ExpiredToken", 400), Trouble::expired);
  EXPECT_EQ(trouble("ec2", "RequestExpired", 400), Trouble::expired);
  EXPECT_EQ(trouble("ec2", "AuthFailure", 401), Trouble::skewed);
  EXPECT_EQ(trouble("ec2", "InvalidAMIID.NotFound", 400), Trouble::final);
}

TEST(Retry, NeverLoopsOnQuotas) {
  for (const char* service : {"kms", "servicecatalog", "config"}) {
    EXPECT_EQ(trouble(service, "LimitExceededException", 400), Trouble::final) << service;
  }
  EXPECT_EQ(trouble("cloudformation", "LimitExceededException", 400), Trouble::throttled);
  EXPECT_EQ(trouble("ec2", "ResourceLimitExceeded", 400), Trouble::final);
  EXPECT_EQ(trouble("ebs", "ConcurrentLimitExceededException", 400), Trouble::final);
  // Another type or zone may help; the same one does not, although the status is 500.
  EXPECT_EQ(trouble("ec2", "InsufficientInstanceCapacity", 500), Trouble::final);
  EXPECT_EQ(trouble("organizations", "ConcurrentModificationException", 400), Trouble::throttled);
  EXPECT_EQ(trouble("events", "ConcurrentModificationException", 400), Trouble::final);
}

TEST(Retry, DelaysGrowAndHonourWishes) {
  EXPECT_EQ(retry_delay(Trouble::throttled, 1, 0.5, {}), 500ms);
  EXPECT_EQ(retry_delay(Trouble::throttled, 3, 0.5, {}), 2s);
  EXPECT_EQ(retry_delay(Trouble::throttled, 30, 1, {}), 20s);
  EXPECT_EQ(retry_delay(Trouble::transient, 1, 1, {}), 50ms);
  EXPECT_EQ(retry_delay(Trouble::transient, 1, 1, {{"x-amz-retry-after", "1500"}}), 1500ms);
  EXPECT_EQ(retry_delay(Trouble::throttled, 5, 1, {{"X-Amz-Retry-After", "1500"}}), 6500ms);
  EXPECT_EQ(retry_delay(Trouble::throttled, 1, 0, {{"Retry-After", "3"}}), 3s);
  EXPECT_EQ(retry_delay(Trouble::throttled, 1, 0, {{"Retry-After", "999999"}}), 20s);
  EXPECT_EQ(retry_delay(Trouble::transient, 1, 0, {{"Retry-After", "-5"}}), 0ms);
}

TEST(Retry, TheQuotaRunsDryAndRecovers) {
  RetryQuota quota;
  int taken = 0;
  while (quota.take(Trouble::throttled)) ++taken;
  EXPECT_EQ(taken, 100);
  quota.succeeded(std::nullopt);
  EXPECT_FALSE(quota.take(Trouble::throttled));
  quota.succeeded(Trouble::throttled);
  EXPECT_TRUE(quota.take(Trouble::throttled));
}

TEST(Retry, MakingSomethingIsNotRepeatedWithoutAToken) {
  Operation operation;
  auto repeatable = [&](const char* name, const Value& input = Value::object()) {
    operation.name = name;
    return is_repeatable(operation, input);
  };
  EXPECT_TRUE(repeatable("DescribeImages"));
  EXPECT_TRUE(repeatable("TerminateInstances"));
  EXPECT_TRUE(repeatable("PutObject"));
  EXPECT_TRUE(repeatable("CreateTags"));
  EXPECT_FALSE(repeatable("CreateImage"));
  EXPECT_FALSE(repeatable("SendCommand"));
  EXPECT_FALSE(repeatable("Publish"));
  Shape input;
  Member token;
  token.name = "ClientToken";
  input.members = {token};
  operation.input = &input;
  EXPECT_FALSE(repeatable("CopyImage"));
  EXPECT_TRUE(repeatable("CopyImage", {{"ClientToken", "t"}}));
  input.members[0].idempotency_token = true;  // filled by itself
  EXPECT_TRUE(repeatable("RunInstances"));
}

TEST(Retry, ReadsHttpDates) {
  EXPECT_EQ(parse_http_date("Sun, 22 Nov 2026 17:05:01 GMT"), from_rfc3339("2026-11-22T17:05:01Z"));
  EXPECT_EQ(parse_http_date("yesterday"), std::nullopt);
  EXPECT_EQ(parse_http_date(""), std::nullopt);
}

TEST(RateLimit, TheTableIsTheDocumentedOne) {
  auto rate = [](const char* operation, const Value& input = Value::object()) {
    return rates_of("ec2", operation, input).at(0);
  };
  EXPECT_EQ(rate("DescribeImages").size, 100);
  EXPECT_EQ(rate("DescribeImages").refill, 20);
  EXPECT_EQ(rate("DescribeInstances").refill, 10);
  EXPECT_EQ(rate("DescribeInstances", {{"MaxResults", 5}}).refill, 20);
  EXPECT_EQ(rate("CreateImage").refill, 5);
  EXPECT_EQ(rate("CopyImage").refill, 1);
  EXPECT_EQ(rate("RunInstances").size, 5);
  auto resources = rates_of("ec2", "RunInstances", {{"MaxCount", 7}}).at(1);
  EXPECT_EQ(resources.size, 1000);
  EXPECT_EQ(resources.refill, 2);
  EXPECT_EQ(resources.cost, 7);
  EXPECT_EQ(rates_of("ebs", "PutSnapshotBlock", {}).at(0).refill, 1000);
  EXPECT_EQ(rates_of("ssm", "GetParameter", {}).at(0).bucket,
            rates_of("ssm", "PutParameter", {}).at(0).bucket);
  EXPECT_TRUE(rates_of("sts", "AssumeRole", {}).empty());
}

TEST(RateLimit, WaitsWhenTheBucketIsEmpty) {
  ManualClock clock(TimePoint{1s});
  RateLimiter limiter(clock);
  RateScope scope{"1", "us-east-1", "ec2"};
  std::vector<Rate> rates = {{"CopyImage", 3, 2, 1}};
  auto spent = [&](const RateScope& whose) {
    TimePoint before = clock.now();
    limiter.wait(whose, rates, {});
    return clock.now() - before;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(spent(scope), 0ms);
  EXPECT_EQ(spent(scope), 500ms);
  EXPECT_EQ(spent(scope), 500ms);
  EXPECT_EQ(spent({"2", "us-east-1", "ec2"}), 0ms);
  EXPECT_EQ(spent({"1", "us-west-1", "ec2"}), 0ms);
  clock.advance(10s);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(spent(scope), 0ms);
  EXPECT_EQ(spent(scope), 500ms);
  clock.advance(10s);
  limiter.empty(scope, rates);
  EXPECT_EQ(spent(scope), 500ms);
}

TEST(RateLimit, StopsWaiting) {
  ManualClock clock(TimePoint{1s});
  RateLimiter limiter(clock);
  std::stop_source stop;
  stop.request_stop();
  std::vector<Rate> rates = {{"b", 1, 1, 1}};
  limiter.wait({}, rates, stop.get_token());
  EXPECT_THROW(limiter.wait({}, rates, stop.get_token()), Error);
}

}  // namespace
}  // namespace hallmark::aws
