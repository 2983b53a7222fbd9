#include "aws/rate_limit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace hallmark::aws {
namespace {

struct Row {
  std::string_view operation;
  double size;
  double refill;
};

// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
constexpr std::array<Row, 21> kEc2 = {{
    {"RunInstances", 5, 2},
    {"StartInstances", 5, 2},
    {"TerminateInstances", 100, 5},
    {"CopyImage", 100, 1},
    {"ModifyImageAttribute", 100, 5},
    {"DeregisterImage", 100, 5},
    {"ModifySnapshotAttribute", 100, 5},
    {"CreateSnapshot", 100, 5},
    {"CreateSnapshots", 100, 5},
    {"DeleteSnapshot", 100, 5},
    {"CreateLaunchTemplateVersion", 100, 5},
    {"ModifyLaunchTemplate", 100, 5},
    {"CreateVolume", 100, 5},
    {"CreateTags", 100, 10},
    {"DeleteTags", 100, 10},
    {"CreateNatGateway", 10, 1},
    {"CreateStoreImageTask", 50, 0.1},
    {"CreateRestoreImageTask", 50, 0.1},
    {"EnableFastLaunch", 5, 2},
    {"EnableImageBlockPublicAccess", 1, 0.1},
    {"DisableImageBlockPublicAccess", 1, 0.1},
}};
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html
constexpr std::array<Row, 6> kEbs = {{
    {"StartSnapshot", 10, 10},
    {"CompleteSnapshot", 10, 10},
    {"ListSnapshotBlocks", 50, 50},
    {"ListChangedBlocks", 50, 50},
    {"GetSnapshotBlock", 1000, 1000},
    {"PutSnapshotBlock", 1000, 1000},
}};
// Larger answers, so half the rate without a filter or a page size.
constexpr std::array<std::string_view, 7> kHalvedWhenUnbounded = {
    "DescribeInstances",           "DescribeInstanceStatus", "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",      "DescribeSnapshots",      "DescribeVolumes",
    "DescribeSpotInstanceRequests"};
constexpr Row kEc2Reading{"", 100, 20};
constexpr Row kEc2ReadingUnbounded{"", 50, 10};
constexpr Row kEc2Changing{"", 50, 5};

template <typename Names>
bool among(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <typename Rows>
const Row* find(const Rows& rows, std::string_view operation) {
  auto row = std::find_if(rows.begin(), rows.end(),
                          [&](const Row& each) { return each.operation == operation; });
  return row == rows.end() ? nullptr : &*row;
}

Rate to_rate(const Row& row, std::string_view operation) {
  return {std::string(operation), row.size, row.refill, 1};
}

bool is_unbounded(const Value& input) {
  return !input.is_object() || (!input.contains("Filters") && !input.contains("MaxResults"));
}

/// How many instances a call is about; they have buckets of their own.
double instance_count(const Value& input) {
  if (!input.is_object()) return 1;
  if (auto count = input.find("MaxCount"); count != input.end() && count->is_number()) {
    return std::max(1.0, count->get<double>());
  }
  if (auto ids = input.find("InstanceIds"); ids != input.end() && ids->is_array()) {
    return std::max<double>(1, static_cast<double>(ids->size()));
  }
  return 1;
}

std::vector<Rate> ec2_rates(std::string_view operation, const Value& input) {
  std::vector<Rate> rates;
  bool reading = operation.starts_with("Describe") || operation.starts_with("Get") ||
                 operation.starts_with("List");
  const Row* row = find(kEc2, operation);
  if (!row && reading) {
    bool half = among(kHalvedWhenUnbounded, operation) && is_unbounded(input);
    row = half ? &kEc2ReadingUnbounded : &kEc2Reading;
  }
  rates.push_back(to_rate(row ? *row : kEc2Changing, operation));
  double refill = operation == "RunInstances" || operation == "StartInstances"        ? 2
                  : operation == "TerminateInstances" || operation == "StopInstances" ? 20
                                                                                      : 0;
  constexpr double kResourceTokens = 1000;
  if (refill > 0) {
    rates.push_back({std::string(operation) + "/resources", kResourceTokens, refill,
                     std::min(instance_count(input), kResourceTokens)});
  }
  return rates;
}

}  // namespace

std::vector<Rate> rates_of(std::string_view service, std::string_view operation,
                           const Value& input) {
  if (service == "ec2") return ec2_rates(operation, input);
  if (service == "ebs") {
    if (const Row* row = find(kEbs, operation)) return {to_rate(*row, operation)};
  }
  // Parameter Store's default throughput is one for all of these together.
  constexpr std::array<std::string_view, 4> kParameters = {"GetParameter", "GetParameters",
                                                           "GetParametersByPath", "PutParameter"};
  if (service == "ssm" && among(kParameters, operation)) return {{"parameters", 40, 40, 1}};
  return {};
}

RateLimiter::Bucket& RateLimiter::filled(std::map<std::string, Bucket>& buckets,
                                         const RateScope& scope, const Rate& rate, TimePoint now) {
  std::string name = scope.account + "/" + scope.region + "/" + scope.service + "/" + rate.bucket;
  auto [entry, fresh] = buckets.emplace(name, Bucket{rate.size, now});
  Bucket& bucket = entry->second;
  if (fresh || now <= bucket.at) return bucket;
  double seconds = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(rate.size, bucket.tokens + seconds * rate.refill);
  bucket.at = now;
  return bucket;
}

void RateLimiter::wait(const RateScope& scope, const std::vector<Rate>& rates,
                       std::stop_token stop) {
  TimePoint now = clock_.now();
  TimePoint deadline = now;
  {
    auto buckets = buckets_.lock();
    for (const Rate& rate : rates) {
      Bucket& bucket = filled(*buckets, scope, rate, now);
      bucket.tokens -= rate.cost;
      if (bucket.tokens >= 0) continue;
      auto missing =
          Duration(static_cast<std::int64_t>(std::ceil(-bucket.tokens / rate.refill * 1000)));
      deadline = std::max(deadline, now + missing);
    }
  }
  if (deadline > now && !clock_.sleep_until(deadline, stop)) {
    throw Error(ErrorKind::cancelled, "stopped while waiting for the rate of {} in {}",
                scope.service, scope.region);
  }
}

void RateLimiter::empty(const RateScope& scope, const std::vector<Rate>& rates) {
  TimePoint now = clock_.now();
  auto buckets = buckets_.lock();
  for (const Rate& rate : rates) {
    Bucket& bucket = filled(*buckets, scope, rate, now);
    bucket.tokens = std::min(bucket.tokens, 0.0);
  }
}

}  // namespace hallmark::aws
