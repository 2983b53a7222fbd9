/// After approval: distribution, reassessment, decommission, the reaper. Several tests
/// are defects of the original pipelines that must not come back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/compliance.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/leftovers.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"
#include "pipeline/reaper.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using workflow::RunState;

const cloud::Place kChildEu{kChildAccount, "eu-west-1"};

workflow::RunInfo distribute_all(Fixture& fixture, const GoldenImage& image) {
  return fixture.product.drive(
      start_distribute(*fixture.product.engine, *fixture.product.context, image, {}));
}

workflow::RunInfo decommission_all(Fixture& fixture, const GoldenImage& image) {
  return fixture.product.drive(
      start_decommission(*fixture.product.engine, *fixture.product.context, image, false));
}

std::string parameter(Fixture& fixture, const cloud::Place& place) {
  auto found = fixture.product.cloud->get_parameter(place, kVersionParameter);
  return found ? found->value : "";
}

std::string launch(Fixture& fixture, const cloud::Place& place, const std::string& image_id,
                   const std::string& token) {
  return fixture.product.cloud->launch_machine(place, {.image_id = image_id}, token, {});
}

TEST(Distribute, ReachesEveryAccountAndRegion) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  workflow::RunInfo run = distribute_all(fixture, image);
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();

  EXPECT_EQ(parameter(fixture, kHome), image.image_id);
  std::string west = parameter(fixture, kWest);
  EXPECT_NE(west, image.image_id) << "each region has an id of its own";
  EXPECT_EQ(parameter(fixture, kChildWest), west) << "a share has the id of the region's copy";
  EXPECT_THAT(read_latest(*fixture.product.cloud, kChildWest), ElementsAre(west));
  cloud::Image copy = *fixture.product.cloud->find_image(kWest, west);
  EXPECT_EQ(copy.tags.at("AMI-Type"), "Golden");
  EXPECT_EQ(copy.tags.at(kCopiedFromTag), std::string(kHomeAccount) + "/" + image.image_id);
  EXPECT_FALSE(copy.tags.contains(kRunTag));
  EXPECT_TRUE(fixture.product.cloud->find_image(kChildWest, west)) << "the child sees it";
  EXPECT_THAT(list_targets(*fixture.product.database, image.run_id), SizeIs(5));
  EXPECT_THAT(fixture.product.ledger->open(), IsEmpty());
}

TEST(Distribute, RepeatingChangesNothing) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  distribute_all(fixture, image);
  std::vector<std::string> before = fixture.world->leftovers();
  int copies = fixture.world->effects("copy_image");
  EXPECT_EQ(distribute_all(fixture, image).state, RunState::succeeded);
  EXPECT_EQ(fixture.world->leftovers(), before);
  EXPECT_EQ(fixture.world->effects("copy_image"), copies);
}

TEST(Distribute, DeliversACopyThatTheAccountOwns) {
  Fixture fixture;
  model::Pipeline pipeline = sample_pipeline();
  pipeline.targets = {
      {.account_id = kChildAccount, .regions = {"us-west-2"}, .delivery = model::Delivery::copy}};
  GoldenImage image = fixture.product.golden(pipeline);
  ASSERT_EQ(distribute_all(fixture, image).state, RunState::succeeded);
  std::string id = parameter(fixture, kChildWest);
  EXPECT_EQ(fixture.product.cloud->find_image(kChildWest, id)->owner_id, kChildAccount);
  EXPECT_THAT(fixture.product.cloud->list_shares(kWest, parameter(fixture, kWest)), IsEmpty());
  ASSERT_EQ(decommission_all(fixture, image).state, RunState::succeeded);
  EXPECT_THAT(fixture.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

// The originals, and Packer, give up everything when one region of many fails.
TEST(Distribute, OneFailingRegionLeavesTheOthersInPlaceAndIsRetriedAlone) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  fixture.world->fail_next_image("given key is not accessible");
  workflow::RunInfo run = distribute_all(fixture, image);
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("given key is not accessible"));
  int failed = 0;
  int available = 0;
  for (const ImageTarget& target : list_targets(*fixture.product.database, image.run_id)) {
    failed += target.state == TargetState::failed;
    available += target.state == TargetState::available;
  }
  EXPECT_EQ(failed, 2) << "the region, and the account that was to get it there";
  EXPECT_EQ(available, 3);
  EXPECT_THAT(fixture.product.ledger->open(), IsEmpty());

  int copies = fixture.world->effects("copy_image");
  fixture.product.engine->retry(run.run_id);
  run = fixture.product.drive(run.run_id);
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_EQ(fixture.world->effects("copy_image"), copies + 1);
}

// Originals: an id was published while the copy was still pending.
TEST(Distribute, PublishesNoIdBeforeItsImageIsAvailable) {
  ProductOptions options;
  options.cloud.ready_looks = 3;
  options.cloud.find_lag = 2;
  Fixture fixture(options);
  workflow::RunInfo built = fixture.product.build(sample_pipeline());
  ASSERT_EQ(built.state, RunState::waiting) << built.error->full_text();
  fixture.product.decide(built.run_id, true);
  fixture.product.drive(built.run_id);
  GoldenImage image = fixture.product.image(built.run_id);
  fixture.world->fail_next_image("quota");
  distribute_all(fixture, image);
  for (const cloud::Place& place : {kWest, kChildWest, kChildEu}) {
    std::string id = parameter(fixture, place);
    if (id.empty()) continue;
    EXPECT_EQ(fixture.product.cloud->find_image(place, id)->state, cloud::ImageState::available);
  }
}

TEST(Distribute, OnlyActiveImages) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  EXPECT_THROW(distribute_all(fixture, fixture.product.image(run.run_id)), Error);
}

TEST(Latest, KeepsBothOfTwoVersionsAndRemovesExactlyOne) {
  Fixture fixture;
  GoldenImage first = fixture.product.golden(sample_pipeline());
  model::Pipeline next = sample_pipeline();
  next.version = "2";
  GoldenImage second = fixture.product.golden(next);
  EXPECT_THAT(read_latest(*fixture.product.cloud, kHome),
              ElementsAre(first.image_id, second.image_id));
  decommission_all(fixture, first);
  EXPECT_THAT(read_latest(*fixture.product.cloud, kHome), ElementsAre(second.image_id));
}

TEST(Reassess, MatchesTheStoredInventoryAgainWithoutAMachine) {
  ProductOptions options;
  int pending = 0;
  options.assess = [&](const model::Inventory& inventory) {
    EXPECT_THAT(inventory.packages, SizeIs(1));
    return assessment_with(pending);
  };
  Fixture fixture(options);
  GoldenImage image = fixture.product.golden(sample_pipeline());
  int launches = fixture.world->effects("launch_machine");
  pending = 3;
  workflow::RunInfo run =
      fixture.product.drive(start_reassess(*fixture.product.engine, *fixture.product.context));
  ASSERT_EQ(run.state, RunState::succeeded);
  EXPECT_EQ(run.result["images"][0]["findings"], 3);
  EXPECT_EQ(run.result["images"][0]["gate"]["passed"], false);
  EXPECT_EQ(fixture.world->effects("launch_machine"), launches);
  int reassessments = 0;
  for (const auto& record : list_assessments(*fixture.product.database, image.run_id)) {
    reassessments += record.purpose == "reassessment";
  }
  EXPECT_EQ(reassessments, 1);
}

TEST(Reassess, RefusesEvidenceThatWasAltered) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  Path inventory = evidence_directory(*fixture.product.context, image.run_id) / "inventory.json";
  write_file(inventory, read_file(inventory) + " ");
  workflow::RunInfo run =
      fixture.product.drive(start_reassess(*fixture.product.engine, *fixture.product.context));
  EXPECT_EQ(run.result["failed"], 1);
  EXPECT_EQ(run.result["images"][0]["error"]["kind"], "corrupt");
}

TEST(Decommission, LeavesNoTraceAnywhere) {
  Fixture fixture;
  std::vector<std::string> before = fixture.world->leftovers();
  GoldenImage image = fixture.product.golden(sample_pipeline());
  distribute_all(fixture, image);
  EXPECT_THAT(find_leftovers(*fixture.product.context, image), testing::Not(IsEmpty()));
  workflow::RunInfo run = decommission_all(fixture, image);
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  // Originals: the last id of a child account could not be removed, and an empty parameter stayed.
  EXPECT_EQ(fixture.world->leftovers(), before);
  EXPECT_EQ(fixture.product.image(image.run_id).state, GoldenState::decommissioned);
  EXPECT_THROW(fixture.product.start(sample_pipeline()), Error) << "a version is used once";
}

TEST(Decommission, RefusesWhileMachinesRunFromIt) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  distribute_all(fixture, image);
  std::string machine = launch(fixture, kChildWest, parameter(fixture, kChildWest), "user");
  try {
    decommission_all(fixture, image);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::conflict);
    EXPECT_THAT(e.message(), HasSubstr(machine));
  }
  fixture.product.cloud->remove_machine(kChildWest, machine);
  EXPECT_EQ(decommission_all(fixture, image).state, RunState::succeeded);
}

// Originals: a partly failed decommission could not be repeated.
TEST(Decommission, IsTakenUpAgainAfterAFailure) {
  Fixture fixture;
  std::vector<std::string> before = fixture.world->leftovers();
  GoldenImage image = fixture.product.golden(sample_pipeline());
  distribute_all(fixture, image);
  fixture.world->fail("remove_image", 2, Error(ErrorKind::denied, "not now"));
  workflow::RunInfo run = decommission_all(fixture, image);
  EXPECT_EQ(run.state, RunState::failed);
  fixture.product.engine->retry(run.run_id);
  run = fixture.product.drive(run.run_id);
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_EQ(fixture.world->leftovers(), before);
}

TEST(Reaper, RemovesWhatTheLedgerSaysOutlivedItsRun) {
  Fixture fixture;
  Product& product = fixture.product;
  workflow::RunInfo run = product.build(sample_pipeline());
  std::string machine = launch(fixture, kHome, product.import_source(), "lost");
  product.ledger->plan({.entry_id = "token",
                        .run_id = "run-nobody-knows",
                        .kind = kMachineKind,
                        .where = {{"account_id", kHome.account_id}, {"region", kHome.region}},
                        .planned_at = fixture.clock.now()});
  product.ledger->created("token", machine);
  auto places = known_places(*product.context);
  std::vector<Orphan> found = reap(*product.engine, *product.context, places, true).orphans;
  ASSERT_THAT(found, SizeIs(1)) << "the candidate that waits for approval is not an orphan";
  EXPECT_FALSE(found[0].removed);
  found = reap(*product.engine, *product.context, places, false).orphans;
  EXPECT_TRUE(found.at(0).removed);
  EXPECT_THAT(product.cloud->list_machines(kHome, {}), IsEmpty());
  EXPECT_THAT(reap(*product.engine, *product.context, places, false).orphans, IsEmpty());
  EXPECT_EQ(product.image(run.run_id).state, GoldenState::awaiting_approval);
}

TEST(Reaper, FindsThingsByTagsWhenTheDatabaseIsLost) {
  Fixture fixture;
  fixture.product.build(sample_pipeline());
  // A new installation over the same cloud knows nothing of the run that made the candidate.
  TempDir elsewhere;
  ProductOptions options;
  options.directory = elsewhere.path();
  Product successor(fixture.clock, fixture.world, options);
  auto places = known_places(*successor.context);
  EXPECT_THAT(reap(*successor.engine, *successor.context, places, false).orphans, IsEmpty())
      << "until the deadline it may be another installation's";
  fixture.clock.advance(Duration{49 * 3600'000});
  EXPECT_THAT(reap(*successor.engine, *successor.context, places, false).orphans, IsEmpty())
      << "it may still be approved there";
  fixture.clock.advance(Duration{26 * 3600'000});
  std::vector<Orphan> found = reap(*successor.engine, *successor.context, places, false).orphans;
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].kind, kImageKind);
  EXPECT_THAT(fixture.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST(Reaper, FindsWhatADecommissionedVersionLeft) {
  Fixture fixture;
  Product& product = fixture.product;
  GoldenImage image = product.golden(sample_pipeline());
  distribute_all(fixture, image);
  decommission_all(fixture, image);
  // Somebody brings back its parameters from a backup.
  publish_parameter(*product.cloud, kChildWest, kVersionParameter, "ami-00000000000000bad",
                    cloud::ParameterKind::text);
  add_to_latest(*product.cloud, kChildWest, "ami-00000000000000bad", image.image_key);
  const auto places = known_places(*product.context);
  const std::vector<Orphan> found = reap(*product.engine, *product.context, places, true).orphans;
  std::vector<std::string> kinds;
  for (const Orphan& orphan : found) kinds.push_back(orphan.kind);
  EXPECT_THAT(kinds, testing::UnorderedElementsAre(kLatestKind, kParameterKind));
  reap(*product.engine, *product.context, places, false);
  EXPECT_THAT(fixture.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST(Reaper, RemovesOfGoneVersionsOnlyWhatOurRecordsName) {
  Fixture fixture;
  Product& product = fixture.product;
  const GoldenImage image = product.golden(sample_pipeline());
  distribute_all(fixture, image);
  const std::string copy = find_target(*product.database, image.run_id, kWest)->image_id;
  // Another installation's, which made a version of the same key.
  const std::string foreign = product.cloud->copy_image(
      kWest, product.import_source(), kHome.region,
      {.name = "theirs", .tags = image_tags(sample_pipeline(), kGoldenType)}, "theirs", {});
  change_image(*product.context, image.run_id, {.state = GoldenState::decommissioned});
  const auto places = known_places(*product.context);
  reap(*product.engine, *product.context, places, false);
  EXPECT_FALSE(product.cloud->find_image(kHome, image.image_id));
  EXPECT_FALSE(product.cloud->find_image(kWest, copy));
  EXPECT_TRUE(product.cloud->find_image(kWest, foreign));
}

TEST(Reaper, LooksAtTheRecordAgainBeforeItRemovesAnImage) {
  GoldenImage image;
  Product* reaped = nullptr;
  bool revive = false;
  ProductOptions options;
  // While places are looked at somebody tries the build again.
  options.cloud_point = [&](const std::string& point) {
    if (!revive || point.find("list_images") == std::string::npos) return;
    revive = false;
    change_image(*reaped->context, image.run_id, {.state = GoldenState::building});
  };
  Fixture fixture(options);
  reaped = &fixture.product;
  image = reaped->golden(sample_pipeline());
  change_image(*reaped->context, image.run_id, {.state = GoldenState::failed});
  revive = true;
  const auto orphans = reap(*reaped->engine, *reaped->context, {kHome}, false).orphans;
  ASSERT_FALSE(revive);
  ASSERT_THAT(orphans, SizeIs(1));
  EXPECT_FALSE(orphans[0].removed);
  EXPECT_THAT(orphans[0].problem, HasSubstr("has it now"));
  EXPECT_TRUE(reaped->cloud->find_image(kHome, image.image_id));
}

TEST(Reaper, WhatAnAccountDoesNotSeeIsNotGoneWhileOursHasIt) {
  Fixture fixture;
  Product& product = fixture.product;
  // Another installation's; the child allows images of others only, so it does not see this one.
  const std::string foreign = product.cloud->copy_image(
      kWest, product.import_source(), kHome.region, {.name = "theirs"}, "theirs", {});
  ASSERT_FALSE(product.cloud->find_image(kChildWest, foreign));
  publish_parameter(*product.cloud, kChildWest, kVersionParameter, foreign,
                    cloud::ParameterKind::text);
  add_to_latest(*product.cloud, kChildWest, foreign, "Web-1.0/Debian-12/1");
  EXPECT_THAT(reap(*product.engine, *product.context, {kChildWest}, false).orphans, IsEmpty());
  product.cloud->remove_image(kWest, foreign);
  EXPECT_THAT(reap(*product.engine, *product.context, {kChildWest}, false).orphans, SizeIs(2));
}

TEST(Reaper, LeavesAloneWhatIsGolden) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  distribute_all(fixture, image);
  const auto before = fixture.world->leftovers();
  // Its copy is gone behind our back: that is drift, which distributing mends.
  fixture.product.cloud->remove_image(
      kWest, find_target(*fixture.product.database, image.run_id, kWest)->image_id);
  const auto places = known_places(*fixture.product.context);
  EXPECT_THAT(reap(*fixture.product.engine, *fixture.product.context, places, false).orphans,
              IsEmpty());
  EXPECT_EQ(fixture.world->leftovers().size(), before.size() - 1);
}

TEST(Reaper, SaysWhatItCouldNotLookAt) {
  Fixture fixture;
  fixture.product.build(sample_pipeline());
  const auto places = known_places(*fixture.product.context);
  fixture.world->fail("list_machines", 1, Error(ErrorKind::denied, "no role there"));
  const Reaping reaping = reap(*fixture.product.engine, *fixture.product.context, places, true);
  ASSERT_THAT(reaping.unseen, SizeIs(1));
  EXPECT_EQ(reaping.unseen[0].place, places[0]);
  EXPECT_EQ(reaping.unseen[0].problem, "no role there");
}

}  // namespace
}  // namespace hallmark::pipeline
