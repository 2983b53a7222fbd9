/// Which versions a policy retires, and when.

#include "pipeline/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/fixture.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

const TimePoint kNow = from_rfc3339("2026-11-22T00:00:00Z");

/// Of "Web-1.0/Debian-12", so many days old.
VersionFacts version(int number, int days_old, GoldenState state = GoldenState::active) {
  VersionFacts facts;
  facts.image.product = "Web-1.0";
  facts.image.os = "Debian-12";
  facts.image.image_key = "Web-1.0/Debian-12/" + std::to_string(number);
  facts.image.run_id = "run-" + std::to_string(number);
  facts.image.state = state;
  facts.image.created_at = to_rfc3339(kNow - 24h * days_old);
  facts.image.state_since = facts.image.created_at;
  facts.image.pipeline = sample_pipeline();
  return facts;
}

std::vector<VersionFacts> with_policy(std::vector<VersionFacts> versions,
                                      const model::Retention& policy) {
  model::Pipeline pipeline = sample_pipeline();
  pipeline.retention = policy;
  for (VersionFacts& each : versions) each.image.pipeline = pipeline;
  return versions;
}

/// "1 deprecate", or "1 deprecate in 3d" if it is not due.
std::vector<std::string> planned(const std::vector<VersionFacts>& versions) {
  std::vector<std::string> lines;
  for (const Retirement& next : plan_retirements(versions, kNow)) {
    std::string line = next.image_key.substr(next.image_key.rfind('/') + 1) + " " +
                       std::string(to_string(next.stage));
    if (next.due_at > kNow) line += " in " + std::to_string((next.due_at - kNow) / 24h) + "d";
    lines.push_back(line);
  }
  return lines;
}

TEST(Retention, WithoutAPolicyEverythingStays) {
  EXPECT_THAT(planned({version(1, 900), version(2, 1), version(0, 900, GoldenState::deprecated)}),
              IsEmpty());
}

TEST(Retention, OlderVersionsThanAreKeptGo) {
  auto versions = with_policy({version(1, 9), version(4, 1), version(2, 5), version(3, 3)},
                              {.keep_versions = 2});
  EXPECT_THAT(planned(versions), ElementsAre("2 deprecate", "1 deprecate"));
  EXPECT_THAT(plan_retirements(versions, kNow).front().reason,
              "2 newer are there, the newest 2 are kept");
}

TEST(Retention, EachStageWaitsForTheOneBefore) {
  auto versions =
      with_policy({version(9, 1), version(1, 31, GoldenState::deprecated),
                   version(2, 10, GoldenState::deprecated), version(3, 8, GoldenState::disabled),
                   version(4, 2, GoldenState::disabled)},
                  {.keep_versions = 1, .disable_after = 24h * 30, .decommission_after = 24h * 7});
  EXPECT_THAT(planned(versions), ElementsAre("3 decommission", "1 disable", "4 decommission in 5d",
                                             "2 disable in 20d"));
}

TEST(Retention, OldAgeTakesAllButTheNewest) {
  auto versions = with_policy({version(1, 100), version(2, 91), version(3, 40), version(4, 95)},
                              {.max_age = 24h * 90});
  // 3 is the newest, 4 was built before it.
  EXPECT_THAT(planned(versions), ElementsAre("1 deprecate", "4 deprecate", "2 deprecate"));
  EXPECT_THAT(planned(with_policy({version(1, 900)}, {.max_age = 24h})), IsEmpty());
}

TEST(Retention, AFailingGateRetiresAllButTheNewest) {
  std::vector<VersionFacts> versions = {version(1, 9), version(2, 5), version(3, 1)};
  for (VersionFacts& each : versions) each.gate_fails = each.image.run_id != "run-2";
  EXPECT_THAT(planned(with_policy(versions, {.when_gate_fails = true})),
              ElementsAre("1 deprecate"));
  EXPECT_THAT(planned(with_policy(versions, {.keep_versions = 9})), IsEmpty());
}

TEST(Retention, WhatWasRestoredStaysForAWhile) {
  auto versions = with_policy({version(1, 9), version(2, 1)}, {.keep_versions = 1});
  versions[0].image.kept_until = to_rfc3339(kNow + 24h * 3);
  EXPECT_THAT(planned(versions), ElementsAre("1 deprecate in 3d"));
  versions[0].image.kept_until = to_rfc3339(kNow - 1s);
  EXPECT_THAT(planned(versions), ElementsAre("1 deprecate"));
}

TEST(Retention, WhatHasChangedSinceItWasPlannedIsNotDue) {
  auto versions =
      with_policy({version(9, 1), version(1, 40, GoldenState::disabled)}, {.keep_versions = 1});
  const Retirement planned = plan_retirements(versions, kNow).front();
  GoldenImage image = versions[1].image;
  EXPECT_TRUE(is_due(planned, image, kNow));
  EXPECT_FALSE(is_due(planned, image, planned.due_at - 1s));
  image.kept_until = to_rfc3339(kNow + 1h);
  EXPECT_FALSE(is_due(planned, image, kNow));
  image.kept_until.clear();
  image.state = GoldenState::active;
  EXPECT_FALSE(is_due(planned, image, kNow));
}

TEST(Retention, ProductsAreApartAndNeedAnActiveVersion) {
  auto versions = with_policy({version(1, 9), version(2, 1)}, {.keep_versions = 1});
  versions[1].image.os = "Debian-13";
  EXPECT_THAT(planned(versions), IsEmpty());
  EXPECT_THAT(planned(with_policy(
                  {version(1, 99, GoldenState::deprecated), version(2, 99, GoldenState::disabled)},
                  {.keep_versions = 1})),
              IsEmpty());
}

}  // namespace
}  // namespace hallmark::pipeline
