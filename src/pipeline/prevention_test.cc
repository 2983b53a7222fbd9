#include "pipeline/prevention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cloud/memory/memory_enforcement.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"

namespace hallmark::pipeline {
namespace {

using cloud::LaunchMode;
using cloud::LaunchRule;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<AllowedImage> images(int count) {
  std::vector<AllowedImage> made;
  for (int i = 0; i < count; ++i) made.push_back({kHomeAccount, "image-" + std::to_string(i), {}});
  return made;
}

TEST(LaunchRules, AllowExactlyTheseNames) {
  const auto rules =
      launch_rules({{"2", "b", {}}, {"1", "z", {}}, {"1", "a", {}}, {"1", "z", {}}}, {});
  EXPECT_THAT(allowed_lines(rules), ElementsAre("1 a", "1 z", "2 b"));
  EXPECT_EQ(rules.size(), 2u);
}

TEST(LaunchRules, ForNoImageAllowNone) {
  EXPECT_THAT(launch_rules({}, {}), ElementsAre(LaunchRule{.owners = {cloud::kNoOwner}}));
}

TEST(LaunchRules, OwnersThatAreAllowedNeedNoNames) {
  EXPECT_THAT(
      allowed_lines(launch_rules({{"1", "a", {}}, {"2", "b", {}}}, {"amazon", "1", "amazon"})),
      ElementsAre("1, amazon *", "2 b"));
}

TEST(LaunchRules, ByWatermarkAllowWhatIsMadeFromThem) {
  const std::vector<AllowedImage> marked = {{"1", "a", {"1:web", "1:base"}}, {"1", "b", {}}};
  EXPECT_THAT(allowed_lines(launch_rules(marked, {}, true)),
              ElementsAre("1 a", "1 b", "anybody * with the watermark 1:base",
                          "anybody * with the watermark 1:web"));
  EXPECT_THAT(allowed_lines(launch_rules(marked, {})), ElementsAre("1 a", "1 b"));
}

TEST(LaunchRules, AreWithinTheLimits) {
  const auto rules = launch_rules(images(500), {});
  EXPECT_EQ(rules.size(), cloud::kMaxLaunchRules);
  for (const LaunchRule& rule : rules) EXPECT_LE(rule.names.size(), cloud::kMaxLaunchNames);
  EXPECT_EQ(allowed_lines(rules).size(), 500u);
  EXPECT_THROW(launch_rules(images(501), {}), Error);
}

TEST(DeclarativePolicy, SaysTheSameAndKeepsTheRest) {
  const std::string before =
      R"({"ec2_attributes":{"exception_message":{"@@assign":"ask us"},
          "allowed_images_settings":{"state":{"@@assign":"disabled"}}}})";
  const Json policy = parse_json(
      declarative_policy(before, LaunchMode::audit,
                         {{.owners = {"aws-marketplace"}}, {.owners = {"1"}, .names = {"a", "b"}}}),
      "test");
  EXPECT_EQ(policy, parse_json(R"({"ec2_attributes":{"exception_message":{"@@assign":"ask us"},
      "allowed_images_settings":{"state":{"@@assign":"audit_mode"},"image_criteria":{
        "criteria_1":{"allowed_image_providers":{"@@assign":["aws_marketplace"]}},
        "criteria_2":{"allowed_image_providers":{"@@assign":["1"]},
                      "image_names":{"@@assign":["a","b"]}}}}}})",
                               "test"));
}

TEST(DeclarativePolicy, IsRefusedWhereItCouldNotHold) {
  EXPECT_THROW(declarative_policy("", LaunchMode::enabled, launch_rules({}, {})), Error);
  EXPECT_THROW(declarative_policy(R"({"Statement": []})", LaunchMode::enabled, {}), Error);
  EXPECT_THROW(declarative_policy("[1]", LaunchMode::enabled, {}), Error);
  std::vector<AllowedImage> long_names = images(200);
  for (AllowedImage& image : long_names) image.name += std::string(100, 'x');
  EXPECT_THROW(declarative_policy("", LaunchMode::enabled, launch_rules(long_names, {})), Error);
}

class Prevention : public testing::Test {
 protected:
  void SetUp() override {
    const GoldenImage image = fixture_.product.golden(sample_pipeline());
    fixture_.product.drive(
        start_distribute(*fixture_.product.engine, *fixture_.product.context, image, {}));
    key_ = image.image_key;
  }
  std::vector<PlacePrevention> plan(const PreventionRequest& request) {
    return plan_prevention(*fixture_.product.context, enforcement_, {kChildWest}, request, {});
  }
  /// Plans and does it; the place's problem.
  std::string prevent(const PreventionRequest& request) {
    auto all = plan(request);
    apply_prevention(enforcement_, all, {});
    return all.front().problem;
  }
  cloud::LaunchSettings& settings() { return enforcement_.settings[to_string(kChildWest)]; }

  Fixture fixture_;
  cloud::MemoryEnforcement enforcement_;
  std::string key_;
};

TEST_F(Prevention, PlansWithoutChangingAnything) {
  const auto planned = plan({.mode = LaunchMode::audit});
  EXPECT_TRUE(planned[0].changes());
  EXPECT_EQ(planned[0].problem, "");
  EXPECT_THAT(enforcement_.done, IsEmpty());
  const Json record = planned[0];
  EXPECT_EQ(record.at("mode_now"), "disabled");
  EXPECT_EQ(record.at("mode"), "audit");
  EXPECT_EQ(record.at("added").size(), 1u);
  EXPECT_FALSE(record.at("done").get<bool>());
}

TEST_F(Prevention, PutsRulesBeforeTheModeAndOnlyOnce) {
  EXPECT_EQ(prevent({.mode = LaunchMode::audit}), "");
  EXPECT_THAT(enforcement_.done,
              ElementsAre("rules " + to_string(kChildWest), "audit " + to_string(kChildWest)));
  prevent({.mode = LaunchMode::audit});
  EXPECT_EQ(enforcement_.done.size(), 2u);
  EXPECT_EQ(prevent({.mode = LaunchMode::enabled}), "");
  EXPECT_EQ(settings().mode, LaunchMode::enabled);
}

TEST_F(Prevention, RefusesNothingThatWasNeverAudited) {
  EXPECT_THAT(prevent({.mode = LaunchMode::enabled}), HasSubstr("--mode audit"));
  EXPECT_EQ(settings().mode, LaunchMode::disabled);
  EXPECT_EQ(prevent({.mode = LaunchMode::enabled, .skip_audit = true}), "");
  EXPECT_EQ(settings().mode, LaunchMode::enabled);
}

TEST_F(Prevention, WithoutAModeItKeepsInStepWhatIsOn) {
  EXPECT_EQ(prevent({}), "");
  EXPECT_THAT(enforcement_.done, IsEmpty()) << "disabled stays disabled";
  prevent({.mode = LaunchMode::audit});
  const auto before = settings().rules;
  add_to_latest(*fixture_.product.cloud, kChildWest, "ami-00000000000000001", "gone/1/1");
  const auto planned = plan({});
  EXPECT_FALSE(planned[0].changes()) << "what is no image is not allowed";
  EXPECT_THAT(planned[0].warnings, ElementsAre(HasSubstr("ami-00000000000000001")));
  const std::string id = read_latest(*fixture_.product.cloud, kChildWest).front();
  const cloud::Image image =
      fixture_.product.cloud->find_image({kHomeAccount, kChildWest.region}, id).value();
  EXPECT_THAT(allowed_lines(before), ElementsAre(std::string(kHomeAccount) + " " + image.name));
  remove_from_latest(*fixture_.product.cloud, kChildWest, id, key_);
  prevent({});
  EXPECT_THAT(settings().rules, ElementsAre(LaunchRule{.owners = {cloud::kNoOwner}}));
}

TEST_F(Prevention, LeavesWhatAPolicyManages) {
  settings().is_managed = true;
  EXPECT_THAT(prevent({.mode = LaunchMode::audit}), HasSubstr("policy of the organization"));
  EXPECT_THAT(enforcement_.done, IsEmpty());
}

TEST_F(Prevention, ForAPolicyOnlyListsMatter) {
  settings().is_managed = true;
  settings().rules = {{.owners = {"999999999999"}, .names = {"old"}}};
  const PreventionRequest request{.mode = LaunchMode::audit, .by_policy = true};
  auto planned = plan(request);
  EXPECT_EQ(planned[0].problem, "");
  EXPECT_THAT(allowed_lines(planned[0].then.rules), ElementsAre(HasSubstr(kHomeAccount)));

  // Where the list cannot be read the old rules stand in the plan: nobody may take them for new.
  fixture_.world->fail("get_parameter", 1, Error(ErrorKind::denied, "denied"));
  planned = plan(request);
  EXPECT_THAT(planned[0].problem, HasSubstr("denied"));
}

TEST_F(Prevention, OnePlaceKeepsNoOtherFromIt) {
  enforcement_.refused = kHomeAccount;
  auto all = plan_prevention(*fixture_.product.context, enforcement_, {kWest, kChildWest},
                             {.mode = LaunchMode::audit}, {});
  apply_prevention(enforcement_, all, {});
  EXPECT_THAT(all[0].problem, HasSubstr("denied"));
  EXPECT_TRUE(all[1].done);
}

TEST_F(Prevention, RefusesOwnersThatAreNone) {
  for (const char* owner : {"", "me", "none", "12345", "1111222233334"}) {
    EXPECT_THROW(plan({.also = {owner}}), Error) << owner;
  }
}

}  // namespace
}  // namespace hallmark::pipeline
