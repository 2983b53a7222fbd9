/// What golden.yaml says under `image`, and encrypted images, over a whole life.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using workflow::RunState;

constexpr const char* kEastKey = "arn:aws:kms:us-east-1:111122223333:key/east";
constexpr const char* kDataKey = "arn:aws:kms:us-east-1:111122223333:key/data";
constexpr const char* kWestKey = "arn:aws:kms:us-west-2:111122223333:key/west";

class Settings : public testing::Test {
 protected:
  Fixture fixture_{{.cloud = {.keys = {kEastKey, kDataKey, kWestKey}}}};
  Product& product_ = fixture_.product;
  cloud::Cloud& cloud_ = *product_.cloud;
  model::Pipeline pipeline_ = sample_pipeline();
  GoldenImage image_;

  void SetUp() override {
    pipeline_.targets = {{.account_id = kHomeAccount, .regions = {"us-east-1"}},
                         {.account_id = kChildAccount, .regions = {"us-east-1", "us-west-2"}}};
  }
  workflow::RunInfo distribute() {
    return product_.drive(start_distribute(*product_.engine, *product_.context, image_, {}));
  }
  workflow::RunInfo decommission() {
    return product_.drive(start_decommission(*product_.engine, *product_.context, image_, false));
  }
  std::map<cloud::Place, PlaceCheck> checks() {
    std::map<cloud::Place, PlaceCheck> found;
    for (PlaceCheck& check :
         check_placements(*product_.context, image_, placements(image_, pipeline_.targets))) {
      found[check.place] = check;
    }
    return found;
  }
  void expect_correct() {
    for (const auto& [place, check] : checks()) {
      EXPECT_EQ(to_string(check.presence), "correct") << cloud::to_string(place);
      EXPECT_THAT(check.problems, IsEmpty());
    }
  }
  cloud::Image west() {
    return cloud_.find_image(kWest, cloud_.get_parameter(kWest, kVersionParameter)->value).value();
  }
};

TEST_F(Settings, AreSetOnTheImageAndItsCopiesAndMended) {
  pipeline_.image = {.kms_keys = {},
                     .imds_v2_only = true,
                     .is_protected = true,
                     .deprecate_after = Duration{24 * 3600'000}};
  image_ = product_.golden(pipeline_);
  ASSERT_EQ(distribute().state, RunState::succeeded);
  for (const cloud::Image& image : {west(), *cloud_.find_image(kHome, image_.image_id)}) {
    EXPECT_TRUE(image.imds_v2_only);
    EXPECT_TRUE(image.is_protected);
    EXPECT_THAT(image.deprecated_at, Optional(from_rfc3339("2026-11-23T12:00:00Z")));
  }
  expect_correct();
  cloud_.protect_image(kWest, west().image_id, false);
  EXPECT_THAT(checks().at(kWest).problems, ElementsAre(HasSubstr("is not protected")));
  ASSERT_EQ(distribute().state, RunState::succeeded);
  expect_correct();
  ASSERT_EQ(decommission().state, RunState::succeeded);
  EXPECT_THAT(fixture_.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST_F(Settings, AreOffUnlessTheyAreAskedFor) {
  image_ = product_.golden(pipeline_);
  ASSERT_EQ(distribute().state, RunState::succeeded);
  EXPECT_FALSE(west().is_protected);
  EXPECT_FALSE(west().deprecated_at);
  EXPECT_FALSE(west().is_encrypted);
}

class Encrypted : public Settings {
 protected:
  int launches_ = 0;
  void build(const std::map<std::string, std::string>& keys, const std::string& home_key) {
    pipeline_.image.kms_keys = keys;
    image_ = product_.golden(pipeline_);
    fixture_.world->encrypt_image(image_.image_id, home_key);
  }
  bool can_launch(const cloud::Place& place) {
    const std::string id = cloud_.get_parameter(place, kVersionParameter)->value;
    try {
      const std::string token = "launch " + std::to_string(++launches_);
      cloud_.remove_machine(place, cloud_.launch_machine(place, {.image_id = id}, token, {}));
      return true;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::denied);
      return false;
    }
  }
};

TEST_F(Encrypted, AccountsGetAGrantWithTheirShareAndLoseItWithTheImage) {
  build({{"us-west-2", kWestKey}}, kEastKey);
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  expect_correct();
  EXPECT_EQ(cloud_.find_image_keys(kWest, west().image_id).at(0).key_id, kWestKey);
  EXPECT_TRUE(can_launch(kChildWest));
  EXPECT_TRUE(can_launch({kChildAccount, "us-east-1"}));

  cloud_.revoke_key(kWest, kWestKey, west().image_id, kChildAccount);
  EXPECT_FALSE(can_launch(kChildWest));
  EXPECT_THAT(checks().at(kChildWest).problems, ElementsAre(HasSubstr("may not use the key")));
  ASSERT_EQ(distribute().state, RunState::succeeded);
  EXPECT_TRUE(can_launch(kChildWest));

  ASSERT_EQ(decommission().state, RunState::succeeded);
  EXPECT_THAT(fixture_.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST_F(Encrypted, ACopyOfTheAccountsOwnNeedsTheGrantOnlyWhileItIsMade) {
  pipeline_.targets = {
      {.account_id = kChildAccount, .regions = {"us-east-1"}, .delivery = model::Delivery::copy}};
  build({}, kEastKey);
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_TRUE(can_launch({kChildAccount, "us-east-1"}));
  EXPECT_THAT(cloud_.list_key_grants(kHome, kEastKey, image_.image_id), IsEmpty());
  expect_correct();
}

TEST_F(Encrypted, EachVolumeMayHaveAKeyOfItsOwn) {
  build({{"us-west-2", kWestKey}}, kEastKey);
  fixture_.world->encrypt_image(image_.image_id, kDataKey);
  const cloud::Place child{kChildAccount, "us-east-1"};
  workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  for (const char* key : {kEastKey, kDataKey}) {
    EXPECT_THAT(cloud_.list_key_grants(kHome, key, image_.image_id), ElementsAre(kChildAccount));
  }
  EXPECT_TRUE(can_launch(child));

  cloud_.revoke_key(kHome, kDataKey, image_.image_id, kChildAccount);
  EXPECT_FALSE(can_launch(child));
  EXPECT_THAT(checks().at(child).problems, ElementsAre(HasSubstr("may not use the key")));
  ASSERT_EQ(distribute().state, RunState::succeeded);
  expect_correct();

  ASSERT_EQ(decommission().state, RunState::succeeded);
  EXPECT_THAT(fixture_.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST_F(Encrypted, AShareBecomesACopyOnlyOnceTheCopyIsThere) {
  const cloud::Place child{kChildAccount, "us-east-1"};
  pipeline_.targets = {{.account_id = kChildAccount, .regions = {"us-east-1"}}};
  build({}, kEastKey);
  ASSERT_EQ(distribute().state, RunState::succeeded);
  ASSERT_EQ(cloud_.get_parameter(child, kVersionParameter)->value, image_.image_id);

  pipeline_.targets.front().delivery = model::Delivery::copy;
  const auto to_copy = [&] {
    return product_.drive(
        start_distribute(*product_.engine, *product_.context, image_, pipeline_.targets));
  };
  fixture_.world->fail_next_image("quota");
  const workflow::RunInfo failed = to_copy();
  ASSERT_EQ(failed.state, RunState::failed);
  EXPECT_EQ(cloud_.get_parameter(child, kVersionParameter)->value, image_.image_id)
      << "what was shared goes on being used";
  EXPECT_THAT(read_latest(cloud_, child), ElementsAre(image_.image_id));
  EXPECT_TRUE(can_launch(child));

  const workflow::RunInfo run = to_copy();
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  const std::string copy = cloud_.get_parameter(child, kVersionParameter)->value;
  EXPECT_NE(copy, image_.image_id);
  EXPECT_THAT(read_latest(cloud_, child), ElementsAre(copy));
  EXPECT_TRUE(can_launch(child));
  EXPECT_THAT(cloud_.list_shares(kHome, image_.image_id), IsEmpty());
  EXPECT_THAT(cloud_.list_key_grants(kHome, kEastKey, image_.image_id), IsEmpty());
  expect_correct();
}

TEST_F(Encrypted, WhatTheKeysPolicyLacksIsTold) {
  build({{"us-west-2", kWestKey}}, kEastKey);
  fixture_.world->fail("grant_key", 1,
                       Error(ErrorKind::denied, "not authorized").hint("its policy lacks this"));
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("not authorized; its policy lacks this"));
}

TEST_F(Encrypted, WithTheManagedKeyItIsRefusedBeforeAnythingIsShared) {
  build({{"us-west-2", kWestKey}}, cloud::kManagedKey);
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("444455556666/us-east-1: image " + image_.image_id +
                                                " is encrypted with alias/aws/ebs"));
  EXPECT_THAT(cloud_.list_shares(kHome, image_.image_id), IsEmpty());
  EXPECT_FALSE(cloud_.get_parameter({kChildAccount, "us-east-1"}, kVersionParameter));
  EXPECT_EQ(to_string(checks().at(kChildWest).presence), "correct") << "that one is good";
  EXPECT_TRUE(can_launch(kChildWest));
}

TEST_F(Encrypted, AKeyThatIsNotThereFailsTheCopyWithItsReason) {
  build({{"us-west-2", "arn:aws:kms:us-west-2:111122223333:key/none"}}, kEastKey);
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("Given key ID is not accessible"));
  EXPECT_TRUE(can_launch({kChildAccount, "us-east-1"}));
  EXPECT_THAT(product_.ledger->open(), IsEmpty());
}

}  // namespace
}  // namespace hallmark::pipeline
