/// What golden.yaml wants of what only some clouds can do with images, over a whole life.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "pipeline/archive.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"
#include "pipeline/placement.h"
#include "pipeline/reaper.h"

namespace hallmark::pipeline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using workflow::RunState;

constexpr const char* kWestKey = "arn:aws:kms:us-west-2:111122223333:key/west";
constexpr const char* kBucket = "golden-archive";

class ImageServices : public testing::Test {
 protected:
  void open(const ProductOptions& options = {}) {
    fixture_.emplace(options);
    pipeline_.targets = {{.account_id = kHomeAccount, .regions = {"us-east-1", "us-west-2"}},
                         {.account_id = kChildAccount, .regions = {"us-west-2"}}};
  }
  void build() {
    image_ = product().golden(pipeline_);
    ASSERT_EQ(distribute().state, RunState::succeeded);
  }
  Product& product() { return fixture_->product; }
  cloud::Cloud& cloud() { return *product().cloud; }
  Context& context() { return *product().context; }
  workflow::Engine& engine() { return *product().engine; }
  workflow::RunInfo distribute() {
    return product().drive(start_distribute(engine(), context(), image_, {}));
  }
  workflow::RunInfo archive(const std::string& region = "") {
    return product().drive(start_archive(engine(), context(), image_, region, kBucket, "ada"));
  }
  workflow::RunInfo unarchive(const std::string& region = "") {
    return product().drive(start_unarchive(engine(), context(), image_, region, kBucket, ""));
  }
  workflow::RunInfo decommission() {
    return product().drive(start_decommission(engine(), context(), image_, false));
  }
  std::vector<std::string> problems() {
    std::vector<std::string> found;
    for (const PlaceCheck& check :
         check_placements(context(), image_, placements(image_, pipeline_.targets))) {
      found.insert(found.end(), check.problems.begin(), check.problems.end());
    }
    return found;
  }
  template <typename Call>
  void refuses(Call call, ErrorKind kind, const std::string& why) {
    const Error error = error_of(call);
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.full_text(), HasSubstr(why));
  }
  std::string west_id() { return cloud().get_parameter(kWest, kVersionParameter)->value; }
  void make_windows() {
    const std::string source = product().import_source();
    fixture_->world->change_image(
        source, [](cloud::Image& image) { image.platform = cloud::Platform::windows; });
    pipeline_.build.mode = model::BuildMode::boot;
    pipeline_.build.sysprep = false;
    pipeline_.updates.enabled = false;
    pipeline_.updates.exclude.clear();
    pipeline_.pre_update.reset();
    pipeline_.post_update.reset();
    pipeline_.tests.clear();
  }

  std::optional<Fixture> fixture_;
  model::Pipeline pipeline_ = sample_pipeline();
  GoldenImage image_;
};

TEST_F(ImageServices, AnArchivedVersionComesBackWhereItsImageWasLost) {
  open({.cloud = {.archive_looks = 2}});
  build();
  const workflow::RunInfo stored = archive();
  ASSERT_EQ(stored.state, RunState::succeeded) << stored.error->full_text();
  ASSERT_EQ(archive("us-west-2").state, RunState::succeeded);
  ASSERT_EQ(archive().state, RunState::succeeded) << "once more is nothing new";
  EXPECT_EQ(list_archives(*product().database, image_.run_id).size(), 2u);
  EXPECT_EQ(fixture_->world->effects("archive_image"), 2);
  EXPECT_THAT(product().ledger->open(), IsEmpty());
  refuses([&] { unarchive(); }, ErrorKind::conflict, "has an image in");

  cloud().remove_image(kHome, image_.image_id);
  const workflow::RunInfo back = unarchive();
  ASSERT_EQ(back.state, RunState::succeeded) << back.error->full_text();
  const std::string now = cloud().get_parameter(kHome, kVersionParameter)->value;
  EXPECT_NE(now, image_.image_id);
  EXPECT_THAT(read_latest(cloud(), kHome), ElementsAre(now));
  const cloud::Image restored = cloud().find_image(kHome, now).value();
  EXPECT_EQ(restored.tags.at(kImageKeyTag), image_.image_key);
  EXPECT_FALSE(restored.tags.contains(kRunTag));
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_EQ(home_image_id(context(), image_), now);

  // What is brought to further places comes from there.
  pipeline_.targets.push_back({.account_id = kHomeAccount, .regions = {"eu-west-1"}});
  const auto further =
      product().drive(start_distribute(engine(), context(), image_, pipeline_.targets));
  ASSERT_EQ(further.state, RunState::succeeded) << further.error->full_text();

  const workflow::RunInfo gone = decommission();
  ASSERT_EQ(gone.state, RunState::succeeded) << gone.error->full_text();
  EXPECT_THAT(fixture_->world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST_F(ImageServices, WhatComesBackMustBeTheDiskThatWasApproved) {
  open();
  build();
  ASSERT_EQ(archive().state, RunState::succeeded);
  const Path other = product().directory / "other.raw";
  write_file(other, std::string(4096, 'x'));
  const std::string planted =
      cloud().import_image(kHome, other, {.name = "planted"}, "planted", {});
  cloud().remove_image(kHome, image_.image_id);
  // Somebody who may write to the bucket.
  product().image_services->remove_archive(kHome, image_.image_id, kBucket, "");
  const std::string object = product().image_services->archive_image(kHome, planted, kBucket, {});
  const auto run =
      product().drive(start_unarchive(engine(), context(), image_, "us-east-1", kBucket, object));
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("is not the one that was approved"));
  EXPECT_THAT(fixture_->world->leftovers(),
              Not(Contains(AllOf(HasSubstr("\"Web-1.0-Debian-12-1\" in 111122223333/us-east-1"),
                                 HasSubstr("image")))));
  EXPECT_THAT(product().ledger->open(), IsEmpty());
}

TEST_F(ImageServices, ArchivesAreRefusedPlainly) {
  open({.cloud = {.abilities = {}}});
  build();
  refuses([&] { archive(); }, ErrorKind::usage, "keeps no archives");
  open();
  build();
  refuses([&] { archive("eu-west-1"); }, ErrorKind::not_found, "has no image of ours in");
  refuses([&] { unarchive(); }, ErrorKind::not_found, "is known to be in");
}

TEST_F(ImageServices, FastLaunchOfWindowsIsBegunMendedAndEndedBeforeTheImageGoes) {
  open({.cloud = {.fast_launch_looks = 2}});
  make_windows();
  pipeline_.image.fast_launch = {.snapshots = 5, .launch_templates = {}};
  build();
  EXPECT_EQ(fixture_->world->effects("enable_fast_launch"), 2);
  EXPECT_THAT(problems(), IsEmpty());
  for (int look = 0; look < 4; ++look) {
    product().image_services->find_fast_launch(kWest, west_id());
  }
  product().image_services->disable_fast_launch(kWest, west_id());
  EXPECT_THAT(problems(), Contains(HasSubstr("has no fast launch")));
  ASSERT_EQ(distribute().state, RunState::succeeded);
  const workflow::RunInfo gone = decommission();
  ASSERT_EQ(gone.state, RunState::succeeded) << gone.error->full_text();
  EXPECT_THAT(fixture_->world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST_F(ImageServices, FastLaunchIsOfWindowsAlone) {
  open();
  pipeline_.image.fast_launch = {.snapshots = 5, .launch_templates = {}};
  build();
  EXPECT_EQ(fixture_->world->calls("enable_fast_launch"), 0);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ImageServices, WatermarksGoOnToCopiesAndAreMended) {
  open();
  pipeline_.image.watermark = true;
  build();
  const std::string mark = std::string(kHomeAccount) + ":" + image_.image_key;
  EXPECT_THAT(cloud().find_image(kHome, image_.image_id)->watermarks, ElementsAre(mark));
  EXPECT_THAT(cloud().find_image(kWest, west_id())->watermarks, ElementsAre(mark));
  fixture_->world->change_image(west_id(), [](cloud::Image& image) { image.watermarks.clear(); });
  EXPECT_THAT(problems(), Contains(HasSubstr("has no watermark")));
  ASSERT_EQ(distribute().state, RunState::succeeded);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ImageServices, ACloudWithoutWatermarksSaysSo) {
  open({.cloud = {.abilities = {}}});
  pipeline_.image.watermark = true;
  build();
  EXPECT_THAT(problems(), IsEmpty());
  std::string told;
  for (const auto& step : engine().steps(image_.run_id)) told += step.key + "\n";
  EXPECT_THAT(told, HasSubstr("no-watermark"));
}

TEST_F(ImageServices, AKeyIsCheckedBeforeAnythingIsCopied) {
  const cloud::KeyCheck check{.key_id = kWestKey,
                              .problems = {"its policy does not let 111122223333 do kms:Decrypt"},
                              .missing_statement = R"({"Action":["kms:Decrypt"]})",
                              .unread = ""};
  open({.cloud = {.keys = {kWestKey}, .key_checks = {{kWestKey, check}}}});
  pipeline_.image.kms_keys = {{"us-west-2", kWestKey}};
  image_ = product().golden(pipeline_);
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("does not let 111122223333 do kms:Decrypt"));
  EXPECT_THAT(run.error->full_text(), HasSubstr(R"({"Action":["kms:Decrypt"]})"));
  EXPECT_EQ(fixture_->world->calls("copy_image"), 0);
}

TEST_F(ImageServices, WhatMayNotBeReadOfAKeyKeepsNothing) {
  const cloud::KeyCheck check{.key_id = kWestKey,
                              .problems = {},
                              .missing_statement = "",
                              .unread = "the policy may not be read"};
  open({.cloud = {.keys = {kWestKey}, .key_checks = {{kWestKey, check}}}});
  pipeline_.image.kms_keys = {{"us-west-2", kWestKey}};
  image_ = product().golden(pipeline_);
  const workflow::RunInfo run = distribute();
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
}

TEST_F(ImageServices, SnapshotsOfNoImageAreOrphansOnceTheirRunHasEnded) {
  open();
  build();
  const TimePoint now = fixture_->clock.now();
  fixture_->world->leave_snapshot(
      kWest, {.snapshot_id = "snap-1", .tags = {{kRunTag, image_.run_id}}, .created_at = now});
  fixture_->world->leave_snapshot(
      kWest, {.snapshot_id = "snap-2", .tags = {{"Name", "theirs"}}, .created_at = now});
  const std::string running = product().start([&] {
    model::Pipeline next = pipeline_;
    next.version = "2";
    return next;
  }());
  fixture_->world->leave_snapshot(
      kWest, {.snapshot_id = "snap-3", .tags = {{kRunTag, running}}, .created_at = now});
  const Reaping reaping = reap(engine(), context(), {kWest}, false);
  ASSERT_EQ(reaping.orphans.size(), 1u);
  EXPECT_EQ(reaping.orphans[0].kind, "snapshot");
  EXPECT_EQ(reaping.orphans[0].id, "snap-1");
  EXPECT_TRUE(reaping.orphans[0].removed);
  EXPECT_THAT(fixture_->world->leftovers(), Contains(HasSubstr("snap-2")));
  EXPECT_THAT(fixture_->world->leftovers(), Contains(HasSubstr("snap-3")));
}

TEST_F(ImageServices, CopiesAreAskedForWithinATimeThatIsOne) {
  open();
  pipeline_.image.copy_within = Duration{30 * 60'000};
  build();
  refuses(
      [&] {
        cloud().copy_image(kWest, west_id(), "us-west-2",
                           {.name = "other", .copy_within = Duration{20 * 60'000}}, "t", {});
      },
      ErrorKind::usage, "within 20 minutes");
}

}  // namespace
}  // namespace hallmark::pipeline
