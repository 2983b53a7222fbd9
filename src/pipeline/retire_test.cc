/// Retirement in stages, its undoing, and who stands in its way; in a cloud in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/image_users.h"
#include "pipeline/names.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {
namespace {

using cloud::ImageState;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class Retiring : public testing::Test {
 protected:
  Retiring() : image_(fixture_.product.golden(sample_pipeline())) {
    product().drive(start_distribute(engine(), context(), image_, {}));
  }
  Product& product() { return fixture_.product; }
  Context& context() { return *product().context; }
  workflow::Engine& engine() { return *product().engine; }
  GoldenImage now() { return product().image(image_.run_id); }

  workflow::RunInfo retire(RetirementStage stage, bool force = false) {
    return product().drive(start_retire(engine(), context(), now(), stage, "old", force));
  }
  workflow::RunInfo restore() {
    return product().drive(start_restore(engine(), context(), now(), 24h));
  }
  /// Of each image that lies anywhere, not of shares.
  std::vector<ImageState> states() {
    std::vector<ImageState> found;
    for (const ImageTarget& target : list_targets(context().database, image_.run_id)) {
      if (target.delivery == "share") continue;
      found.push_back(context().cloud.find_image(target.place, target.image_id).value().state);
    }
    return found;
  }
  std::vector<Presence> presences() {
    std::vector<Presence> found;
    for (const PlaceCheck& check :
         check_placements(context(), now(), placements(image_, sample_pipeline().targets))) {
      found.push_back(check.presence);
    }
    return found;
  }
  std::string launch(const cloud::Place& place, const std::string& image_id) {
    return context().cloud.launch_machine(place, {.image_id = image_id}, "token-" + image_id, {});
  }

  Fixture fixture_;
  GoldenImage image_;
};

TEST_F(Retiring, DeprecatedIsStillGolden) {
  EXPECT_EQ(retire(RetirementStage::deprecate).state, workflow::RunState::succeeded);
  EXPECT_EQ(now().state, GoldenState::deprecated);
  EXPECT_EQ(now().state_reason, "old");
  EXPECT_THAT(states(), Each(ImageState::available));
  EXPECT_TRUE(context().cloud.find_image(kHome, image_.image_id)->deprecated_at);
  EXPECT_THAT(read_latest(context().cloud, kHome), ElementsAre(image_.image_id));
  EXPECT_EQ(find_golden_image(context().database, "Web-1.0/Debian-12"), std::nullopt)
      << "nobody who asks for the newest gets it";
  EXPECT_EQ(restore().state, workflow::RunState::succeeded);
  EXPECT_EQ(now().state, GoldenState::active);
  EXPECT_FALSE(context().cloud.find_image(kHome, image_.image_id)->deprecated_at);
  EXPECT_FALSE(now().kept_until.empty());
}

TEST_F(Retiring, DisabledIsWithdrawnAndRestoredAsItWas) {
  ASSERT_THAT(presences(), Each(Presence::correct));
  ASSERT_EQ(retire(RetirementStage::disable).state, workflow::RunState::succeeded);
  EXPECT_EQ(now().state, GoldenState::disabled);
  EXPECT_THAT(states(), Each(ImageState::disabled));
  EXPECT_THAT(read_latest(context().cloud, kHome), IsEmpty());
  EXPECT_THAT(read_latest(context().cloud, kChildWest), IsEmpty());
  EXPECT_EQ(context().cloud.get_parameter(kChildWest, kVersionParameter), std::nullopt);
  EXPECT_THAT(error_of([&] { start_distribute(engine(), context(), now(), {}); }).message(),
              HasSubstr("disabled"));

  ASSERT_EQ(restore().state, workflow::RunState::succeeded);
  EXPECT_EQ(now().state, GoldenState::active);
  EXPECT_THAT(states(), Each(ImageState::available));
  EXPECT_THAT(presences(), Each(Presence::correct));
}

TEST_F(Retiring, DisabledCanBeDecommissionedAndLeavesNothing) {
  retire(RetirementStage::disable);
  EXPECT_EQ(retire(RetirementStage::decommission).state, workflow::RunState::succeeded);
  EXPECT_EQ(now().state, GoldenState::decommissioned);
  EXPECT_THAT(fixture_.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
  EXPECT_EQ(error_of([&] { restore(); }).kind(), ErrorKind::conflict);
}

TEST_F(Retiring, AStageThatIsPastIsRefused) {
  retire(RetirementStage::disable);
  for (auto stage : {RetirementStage::deprecate, RetirementStage::disable}) {
    EXPECT_EQ(error_of([&] { retire(stage); }).kind(), ErrorKind::conflict);
  }
}

TEST_F(Retiring, NothingInUseIsDisabledOrDecommissioned) {
  const auto child = find_target(context().database, image_.run_id, kChildWest);
  const std::string machine = launch(kChildWest, child->image_id);
  fixture_.world->set_image_uses(
      kHome, {{"launch template", "lt-1", "web", "3", image_.image_id},
              {"launch template", "lt-2", "other", "1", "ami-00000000000000001"}});
  for (auto stage : {RetirementStage::disable, RetirementStage::decommission}) {
    EXPECT_THAT(error_of([&] { retire(stage); }).message(),
                AllOf(HasSubstr("machine " + machine), HasSubstr("launch template lt-1"),
                      testing::Not(HasSubstr("lt-2"))));
  }
  EXPECT_EQ(retire(RetirementStage::deprecate).state, workflow::RunState::succeeded);
  EXPECT_EQ(retire(RetirementStage::disable, true).state, workflow::RunState::succeeded);
  EXPECT_EQ(context().cloud.find_machine(kChildWest, machine)->state, cloud::MachineState::running)
      << "what runs goes on";
}

TEST_F(Retiring, AChannelThatHoldsItKeepsItAndLosesItByForce) {
  product().drive(start_promote(engine(), context(), image_, "prod", "grace", false));
  const std::string parameter = channel_parameter(image_.product, image_.os, "prod");
  for (auto stage : {RetirementStage::disable, RetirementStage::decommission}) {
    EXPECT_THAT(error_of([&] { retire(stage); }).message(), HasSubstr("prod"));
  }
  EXPECT_TRUE(context().cloud.get_parameter(kHome, parameter));
  EXPECT_EQ(retire(RetirementStage::disable, true).state, workflow::RunState::succeeded);
  EXPECT_EQ(context().cloud.get_parameter(kHome, parameter), std::nullopt);
  EXPECT_THAT(channels_of(context().database, image_.run_id), IsEmpty());
}

TEST_F(Retiring, APlaceThatCannotBeLookedAtProvesNothing) {
  fixture_.world->fail("list_machines", 1, Error(ErrorKind::denied, "no role there"));
  EXPECT_THAT(error_of([&] { retire(RetirementStage::decommission); }).message(),
              AllOf(HasSubstr("unknown in "), HasSubstr("no role there")));
}

TEST_F(Retiring, AnImageThatOthersAreBuiltOnStays) {
  model::Pipeline pipeline = sample_pipeline();
  pipeline.product = "App-1.0";
  pipeline.source = {};
  pipeline.source.golden_image = image_.image_key;
  pipeline.targets.clear();
  const GoldenImage child = product().golden(pipeline);
  EXPECT_THAT(error_of([&] { retire(RetirementStage::disable); }).message(),
              HasSubstr("golden image App-1.0/Debian-12/1"));
  product().drive(start_decommission(engine(), context(), child, false));
  EXPECT_EQ(retire(RetirementStage::disable).state, workflow::RunState::succeeded);
}

TEST_F(Retiring, ARunOfAnotherTimeChangesNothingMore) {
  fixture_.world->fail("disable_image", 1, Error(ErrorKind::denied, "protected"));
  const workflow::RunInfo failed = retire(RetirementStage::disable);
  ASSERT_EQ(retire(RetirementStage::decommission).state, workflow::RunState::succeeded);
  engine().retry(failed.run_id);
  EXPECT_EQ(product().drive(failed.run_id).state, workflow::RunState::failed);
  EXPECT_EQ(now().state, GoldenState::decommissioned);
}

TEST_F(Retiring, OpenRunsOfAnotherKindAreInTheWay) {
  const std::string open =
      start_retire(engine(), context(), now(), RetirementStage::deprecate, "", false);
  EXPECT_EQ(start_retire(engine(), context(), now(), RetirementStage::deprecate, "", false), open);
  for (auto start : std::vector<std::function<void()>>{
           [&] { retire(RetirementStage::disable); },
           [&] { retire(RetirementStage::decommission); },
           [&] { start_distribute(engine(), context(), now(), {}); }}) {
    EXPECT_THAT(error_of(start).full_text(), HasSubstr(open));
  }
}

TEST_F(Retiring, AnImageThatSomebodyDeletedKeepsNoOtherFromBeingDisabled) {
  const auto copy = find_target(context().database, image_.run_id, kWest);
  context().cloud.remove_image(kWest, copy->image_id);
  EXPECT_EQ(retire(RetirementStage::disable).state, workflow::RunState::succeeded);
  EXPECT_EQ(restore().state, workflow::RunState::succeeded);
  EXPECT_THAT(presences(), Each(Presence::correct));
}

TEST_F(Retiring, APlaceThatFailedToBeCheckedIsNotForgotten) {
  const auto before = find_target(context().database, image_.run_id, kChildWest);
  fixture_.world->fail("get_parameter", 1, Error(ErrorKind::denied, "no role"));
  product().drive(start_distribute(engine(), context(), now(), {}));
  for (const ImageTarget& target : list_targets(context().database, image_.run_id)) {
    EXPECT_FALSE(target.image_id.empty()) << cloud::to_string(target.place);
  }
  launch(kChildWest, before->image_id);
  EXPECT_EQ(error_of([&] { retire(RetirementStage::disable); }).kind(), ErrorKind::conflict);
}

TEST_F(Retiring, APlaceThatFailsIsTriedAgain) {
  fixture_.world->fail("disable_image", 1, Error(ErrorKind::denied, "protected"));
  const workflow::RunInfo failed = retire(RetirementStage::disable);
  EXPECT_EQ(failed.state, workflow::RunState::failed);
  // Nobody is to build on it or call it the newest, and it can be restored as well as tried again.
  EXPECT_EQ(now().state, GoldenState::disabled);
  EXPECT_EQ(restore().state, workflow::RunState::succeeded);
  EXPECT_THAT(presences(), Each(Presence::correct));
  engine().retry(failed.run_id);
  EXPECT_EQ(product().drive(failed.run_id).state, workflow::RunState::succeeded);
  EXPECT_THAT(states(), Each(ImageState::disabled));
}

}  // namespace
}  // namespace hallmark::pipeline
