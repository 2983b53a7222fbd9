#include "pipeline/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using workflow::RunState;

const std::vector<model::Target> kOnlyWest = {
    {.account_id = kHomeAccount, .regions = {"us-west-2"}}};

class Placement : public testing::Test {
 protected:
  Fixture fixture_;
  cloud::Cloud& cloud_ = *fixture_.product.cloud;
  Context& context_ = *fixture_.product.context;
  GoldenImage image_ = fixture_.product.golden(sample_pipeline());
  std::vector<model::Target> targets_ = sample_pipeline().targets;

  workflow::RunInfo distribute_to(const std::optional<std::vector<model::Target>>& targets,
                                  const DistributeOptions& options = {}) {
    return fixture_.product.drive(
        start_distribute(*fixture_.product.engine, context_, image_, targets, options));
  }
  std::map<cloud::Place, PlaceCheck> checks(const std::vector<model::Target>& targets) {
    std::map<cloud::Place, PlaceCheck> found;
    for (PlaceCheck& check : check_placements(context_, image_, placements(image_, targets))) {
      found[check.place] = check;
    }
    return found;
  }
  std::vector<std::string> presences(const std::vector<model::Target>& targets) {
    std::vector<std::string> found;
    for (const auto& [place, check] : checks(targets)) {
      found.emplace_back(to_string(check.presence));
    }
    return found;
  }
  void expect_correct() {
    for (const auto& [place, check] : checks(targets_)) {
      EXPECT_EQ(to_string(check.presence), "correct") << cloud::to_string(place);
      EXPECT_THAT(check.problems, IsEmpty());
    }
  }
  /// What a repeated distribution should set right.
  void expect_mended() {
    const workflow::RunInfo run = distribute_to({});
    ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
    expect_correct();
    EXPECT_THAT(fixture_.product.ledger->open(), IsEmpty());
  }
};

TEST_F(Placement, TellsWhatIsMissingAndThenThatAllIsCorrect) {
  auto before = checks(targets_);
  EXPECT_EQ(before.at(image_.home).presence, Presence::correct) << "building published it there";
  EXPECT_EQ(before.at(kWest).presence, Presence::missing);
  EXPECT_EQ(before.at(kChildWest).presence, Presence::missing);
  expect_mended();
}

TEST_F(Placement, ACopyThatWasRemovedBehindOurBackIsMadeAgain) {
  distribute_to({});
  const std::string lost = cloud_.get_parameter(kWest, kVersionParameter)->value;
  cloud_.unshare_image(kWest, lost, kChildAccount);
  cloud_.remove_image(kWest, lost);
  EXPECT_THAT(checks(targets_).at(kWest).problems, Contains(HasSubstr("is gone")));
  expect_mended();
  EXPECT_NE(cloud_.get_parameter(kWest, kVersionParameter)->value, lost);
  EXPECT_THAT(read_latest(cloud_, kChildWest), Not(Contains(lost)));
}

TEST_F(Placement, WhatWasWithdrawnOrUnsharedIsPutBack) {
  distribute_to({});
  const std::string id = cloud_.get_parameter(kWest, kVersionParameter)->value;
  withdraw_parameter(cloud_, kWest, kVersionParameter, id);
  remove_from_latest(cloud_, kChildWest, id, image_.image_key);
  cloud_.unshare_image(kWest, id, kChildAccount);
  EXPECT_EQ(checks(targets_).at(kWest).presence, Presence::incorrect);
  EXPECT_EQ(checks(targets_).at(kChildWest).problems.size(), 2u);
  const int copies = fixture_.world->effects("copy_image");
  expect_mended();
  EXPECT_EQ(fixture_.world->effects("copy_image"), copies) << "nothing was copied again";
}

TEST_F(Placement, AParameterThatSomebodyChangedIsTheirsAndIsTold) {
  distribute_to({});
  const auto parameter = cloud_.get_parameter(kChildWest, kVersionParameter);
  cloud_.put_parameter(kChildWest, kVersionParameter, "ami-0000000000000dead", parameter->version);
  EXPECT_THAT(checks(targets_).at(kChildWest).problems,
              ElementsAre(HasSubstr("says ami-0000000000000dead")));
  const workflow::RunInfo run = distribute_to({});
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("ami-0000000000000dead"));
  EXPECT_EQ(cloud_.get_parameter(kChildWest, kVersionParameter)->value, "ami-0000000000000dead");
  EXPECT_THAT(read_latest(cloud_, kChildWest), ElementsAre(parameter->value))
      << "what was there stays";
}

TEST_F(Placement, WhatSomebodyChangedIsOverwrittenByForce) {
  distribute_to({});
  const auto parameter = cloud_.get_parameter(kChildWest, kVersionParameter);
  const std::string index = id_parameter(parameter->value);
  cloud_.put_parameter(kChildWest, kVersionParameter, "ami-0000000000000dead", parameter->version);
  remove_from_latest(cloud_, kChildWest, parameter->value, image_.image_key);
  cloud_.put_parameter(kChildWest, index, "somebody's", 0);
  workflow::RunInfo run = distribute_to({});
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->hint(), HasSubstr("--force"));
  run = distribute_to({}, {.force = true});
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  expect_correct();
  EXPECT_EQ(cloud_.get_parameter(kChildWest, index)->value, image_.image_key);
}

TEST_F(Placement, EachBadTargetIsToldOnceAndTheOthersAreServed) {
  fixture_.world->refuse_account("777788889999",
                                 Error(ErrorKind::denied, "no role to enter 777788889999"));
  const std::vector<model::Target> targets = {
      {.account_id = kHomeAccount, .regions = {"us-east-1", "us-west-2"}},
      {.account_id = kChildAccount, .regions = {"mars-north-1", "us-west-2"}},
      {.account_id = "777788889999", .regions = {"us-west-2"}}};
  const workflow::RunInfo run = distribute_to(targets);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->message(), HasSubstr("3 of 6 targets"));
  const std::string text = run.error->full_text();
  EXPECT_THAT(text, HasSubstr("111122223333/mars-north-1: "));
  EXPECT_THAT(text, HasSubstr("444455556666/mars-north-1: there is no copy in mars-north-1"));
  EXPECT_THAT(text, HasSubstr("777788889999/us-west-2: no role to enter 777788889999"));
  const auto seen = checks(targets);
  EXPECT_EQ(seen.at(kWest).presence, Presence::correct);
  EXPECT_EQ(seen.at(kChildWest).presence, Presence::correct);
  EXPECT_EQ(seen.at({"777788889999", "us-west-2"}).presence, Presence::unknown);
  EXPECT_THAT(fixture_.product.ledger->open(), IsEmpty());
}

TEST_F(Placement, AnAccountsOwnCopyIsNotForgottenForAShare) {
  std::vector<model::Target> targets = {
      {.account_id = kChildAccount, .regions = {"us-west-2"}, .delivery = model::Delivery::copy}};
  distribute_to(targets);
  targets.front().delivery = model::Delivery::share;
  EXPECT_THAT(checks(targets).at(kChildWest).problems,
              Contains(HasSubstr("it has a copy of its own")));
  const workflow::RunInfo run = distribute_to(targets);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("it has a copy of its own"));
  EXPECT_THAT(run.error->full_text(), HasSubstr("leave the place first"));
  EXPECT_THAT(run.error->full_text(), Not(HasSubstr("--force"))) << "nobody edited anything";
  EXPECT_EQ(distribute_to(kOnlyWest, {.prune = true}).state, RunState::succeeded);
  EXPECT_EQ(distribute_to(targets).state, RunState::succeeded);
  for (const auto& [place, check] : checks(targets)) {
    EXPECT_EQ(to_string(check.presence), "correct") << cloud::to_string(place);
  }
}

TEST_F(Placement, WaitsForItsTurnToCopy) {
  fixture_.world->fail("copy_image", 1, Error(ErrorKind::throttled, "too many copies at once"));
  const std::string run_id = start_distribute(*fixture_.product.engine, context_, image_, {});
  workflow::RunInfo run = fixture_.product.engine->drive(run_id, Duration{0}, {});
  for (int turns = 0; turns < 20; ++turns) {
    fixture_.world->fail("copy_image", 1, Error(ErrorKind::throttled, "too many copies at once"));
  }
  run = fixture_.product.drive(run_id);
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  expect_correct();
}

TEST_F(Placement, OneSilenceAfterManyTurnsIsNotTheEnd) {
  for (int turn = 0; turn < 20; ++turn) {
    fixture_.world->fail("copy_image", 1, Error(ErrorKind::throttled, "too many copies"));
  }
  // The answer is lost, not the copy: with the same token it is found again.
  fixture_.world->fail("copy_image", 1, Error(ErrorKind::unavailable, "no route to it"),
                       cloud::FailureMoment::after);
  const workflow::RunInfo run = distribute_to(kOnlyWest);
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_EQ(fixture_.world->effects("copy_image"), 1);
  EXPECT_THAT(fixture_.product.ledger->open(), IsEmpty());
}

TEST_F(Placement, ARegionThatDoesNotAnswerIsGivenUp) {
  for (int attempt = 0; attempt < 40; ++attempt) {
    fixture_.world->fail("copy_image", 1, Error(ErrorKind::unavailable, "no route to it"));
  }
  const workflow::RunInfo run = distribute_to(kOnlyWest);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("111122223333/us-west-2: no route to it"));
}

TEST_F(Placement, LosesTheDatabaseAndKnowsItsCopiesByTag) {
  distribute_to({});
  const std::string id = cloud_.get_parameter(kWest, kVersionParameter)->value;
  fixture_.product.database->transaction(
      [](db::Connection& connection) { connection.execute("delete from image_targets", {}); });
  EXPECT_EQ(checks(targets_).at(kWest).image_id, id);
  expect_mended();
  EXPECT_EQ(cloud_.get_parameter(kWest, kVersionParameter)->value, id);
}

TEST_F(Placement, PrunesWhatIsNoTargetAnyMore) {
  distribute_to({});
  const std::vector<model::Target> fewer = kOnlyWest;
  EXPECT_THAT(presences(fewer),
              UnorderedElementsAre("correct", "correct", "extra", "extra", "extra"));
  ASSERT_EQ(distribute_to(fewer).state, RunState::succeeded);
  EXPECT_THAT(presences(fewer), Contains("extra")) << "only when it is asked to";
  const workflow::RunInfo run = distribute_to(fewer, {.prune = true});
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_THAT(presences(fewer), Each("correct"));
  EXPECT_FALSE(cloud_.get_parameter(kChildWest, kVersionParameter));
  EXPECT_THAT(cloud_.list_shares(kWest, cloud_.get_parameter(kWest, kVersionParameter)->value),
              IsEmpty());
  EXPECT_EQ(distribute_to(targets_).state, RunState::succeeded) << "and may come back";
  expect_correct();
}

TEST_F(Placement, WhereOnlySomebodyElsesParameterIsNothingIsExtra) {
  cloud_.put_parameter(kWest, kVersionParameter, "ami-0000000000000dead", 0);
  const std::vector<model::Target> home = {{.account_id = kHomeAccount, .regions = {"us-east-1"}}};
  EXPECT_FALSE(checks(home).contains(kWest));
  const int asked = fixture_.world->calls("remove_image");
  const workflow::RunInfo run = distribute_to(home, {.prune = true});
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_EQ(cloud_.get_parameter(kWest, kVersionParameter)->value, "ami-0000000000000dead");
  EXPECT_EQ(fixture_.world->calls("remove_image"), asked) << "there is no id to ask for";
  EXPECT_FALSE(cloud_.get_parameter(kWest, id_parameter("")));
}

TEST_F(Placement, PrunesACopyThatWasNeverRecordedAndCannotBeUsed) {
  distribute_to(kOnlyWest);
  const std::string id = cloud_.get_parameter(kWest, kVersionParameter)->value;
  cloud_.disable_image(kWest, id);
  fixture_.product.database->transaction(
      [](db::Connection& connection) { connection.execute("delete from image_targets", {}); });
  const std::vector<model::Target> home = {{.account_id = kHomeAccount, .regions = {"us-east-1"}}};
  const workflow::RunInfo run = distribute_to(home, {.prune = true});
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_FALSE(cloud_.find_image(kWest, id));
  EXPECT_FALSE(cloud_.get_parameter(kWest, kVersionParameter));
}

TEST_F(Placement, PrunesNothingThatMachinesRunFrom) {
  distribute_to({});
  const std::string id = cloud_.get_parameter(kChildWest, kVersionParameter)->value;
  const std::string machine = cloud_.launch_machine(kChildWest, {.image_id = id}, "theirs", {});
  const Error error = error_of([&] { distribute_to(kOnlyWest, {.prune = true}); });
  EXPECT_EQ(error.kind(), ErrorKind::conflict);
  EXPECT_THAT(error.message(), HasSubstr(machine));
  expect_correct();
}

}  // namespace
}  // namespace hallmark::pipeline
