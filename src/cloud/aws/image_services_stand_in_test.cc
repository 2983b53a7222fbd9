/// Archives, fast launch, watermarks, key checks and loose snapshots on the stand-in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <span>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/testing.h"
#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "us-west-2"};
constexpr const char* kBucket = "golden-archive";

class AwsImageServices : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!why_no_stand_in().empty()) return;
    stand_in_ = std::make_unique<StandIn>(std::vector<std::string>{kHome.account_id});
  }
  static void TearDownTestSuite() { stand_in_.reset(); }

  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_->control("reset", Json::object());
    client_ = stand_in_->client(kHome.account_id, clock_);
    const AwsCloudConfig config{.account_id = kHome.account_id,
                                .regions = {{.name = kHome.region}, {.name = kAway.region}}};
    cloud_ = stand_in_->open(config, clock_);
    services_ = stand_in_->open_image_services(config, clock_);
    call("s3", "CreateBucket", {{"Bucket", kBucket}});
    call("s3", "PutBucketVersioning",
         {{"Bucket", kBucket}, {"VersioningConfiguration", {{"Status", "Enabled"}}}});
    write_file(disk_, std::string(1 << 20, 'd'));
    image_ = cloud_->import_image(
        kHome, disk_, {.name = "golden", .description = "for tests", .tags = {{"version", "1"}}},
        "golden", {});
    wait_for(kHome, image_);
  }
  Value call(const std::string& service, const std::string& operation, const Value& input,
             const Place& place = kHome) {
    return client_->call({service, operation, place.region, nullptr}, input, {});
  }
  Image wait_for(const Place& place, const std::string& image_id) {
    for (int look = 0; look < 1000; ++look) {
      auto found = cloud_->find_image(place, image_id);
      if (found && found->state != ImageState::pending) return *found;
      std::this_thread::sleep_for(5ms);
    }
    throw Error(ErrorKind::timeout, "{} stays pending", image_id);
  }
  std::string archived() {
    const std::string object = services_->archive_image(kHome, image_, kBucket, {{"key", "web"}});
    for (int look = 0; look < 1000; ++look) {
      const auto seen = services_->find_archive(kHome, image_, kBucket, object);
      if (seen.state == ArchiveState::stored) return object;
      std::this_thread::sleep_for(5ms);
    }
    throw Error(ErrorKind::timeout, "{} is not stored", object);
  }
  std::string windows_image() {
    const Json made = stand_in_->control("images", Json{{"region", kHome.region},
                                                        {"name", "win"},
                                                        {"platform", "windows"},
                                                        {"owner", kHome.account_id},
                                                        {"public", false}});
    return made.at("image").get<std::string>();
  }
  FastLaunchState settled(const std::string& image_id) {
    for (int look = 0; look < 1000; ++look) {
      const auto state = services_->find_fast_launch(kHome, image_id).state;
      if (state != FastLaunchState::enabling && state != FastLaunchState::disabling) return state;
      std::this_thread::sleep_for(5ms);
    }
    throw Error(ErrorKind::timeout, "fast launch of {} goes on changing", image_id);
  }
  void put_policy(const std::string& key, const Json& statements) {
    const Json policy = {{"Version", "2012-10-17"}, {"Statement", statements}};
    call("kms", "PutKeyPolicy",
         {{"KeyId", key}, {"PolicyName", "default"}, {"Policy", policy.dump()}});
  }

  static inline std::unique_ptr<StandIn> stand_in_;
  SystemClock clock_;
  TempDir directory_;
  Path disk_ = directory_.path() / "disk.raw";
  std::shared_ptr<hallmark::aws::HttpClient> client_;
  std::unique_ptr<Cloud> cloud_;
  std::shared_ptr<ImageServices> services_;
  std::string image_;
};

TEST_F(AwsImageServices, AnImageIsStoredOnceAndComesBackWithItsTagsAndBytes) {
  const std::string object = archived();
  EXPECT_EQ(object, image_ + ".bin");
  EXPECT_EQ(services_->archive_image(kHome, image_, kBucket, {}), object);
  EXPECT_EQ(
      call("ec2", "DescribeStoreImageTasks", Value::object()).at("StoreImageTaskResults").size(),
      1u);
  cloud_->remove_image(kHome, image_);
  const ImageSpec spec{.name = "golden", .tags = {{"more", "2"}}};
  std::string back;
  for (int time = 0; time < 2; ++time) {
    back = services_->unarchive_image(kHome, kBucket, object, spec, "token", {});
  }
  const Image restored = wait_for(kHome, back);
  EXPECT_EQ(restored.state, ImageState::available);
  EXPECT_THAT(restored.tags, ElementsAre(std::pair{"more", "2"}, std::pair{"version", "1"}));
  std::string start(4, '\0');
  cloud_->open_image(kHome, back)->read(0, std::as_writable_bytes(std::span(start)));
  EXPECT_EQ(start, "dddd");
}

TEST_F(AwsImageServices, ASnapshotIsReadAsADisk) {
  const Value found = call("ec2", "DescribeImages", {{"ImageIds", Value::array({image_})}});
  const std::string id =
      found.at("Images")[0].at("BlockDeviceMappings")[0].at("Ebs").at("SnapshotId");
  auto disk = services_->open_snapshot(kHome, id);
  std::string start(16, '?');
  disk->read(1000, std::as_writable_bytes(std::span(start)));
  EXPECT_EQ(start, std::string(16, 'd'));
  EXPECT_THROW(services_->open_snapshot(kHome, "snap-0123456789abcdef0")
                   ->read(0, std::as_writable_bytes(std::span(start))),
               Error);
}

TEST_F(AwsImageServices, AllVersionsOfAnArchiveGo) {
  const std::string object = archived();
  call("s3", "PutObject", {{"Bucket", kBucket}, {"Key", object}, {"Body", "altered"}});
  for (int time = 0; time < 2; ++time) services_->remove_archive(kHome, image_, kBucket, "");
  const Value left = call("s3", "ListObjectVersions", {{"Bucket", kBucket}});
  EXPECT_THAT(left.value("Versions", Value::array()), IsEmpty());
  EXPECT_EQ(services_->find_archive(kHome, image_, kBucket, object).state, ArchiveState::absent);
}

TEST_F(AwsImageServices, WhatIsBeingStoredCannotBeRemovedYet) {
  stand_in_->control("delays", Json{{"store", 3600}});
  services_->archive_image(kHome, image_, kBucket, {});
  EXPECT_EQ(error_of([&] { services_->remove_archive(kHome, image_, kBucket, ""); }).kind(),
            ErrorKind::unavailable);
}

TEST_F(AwsImageServices, OnlySoMuchIsStoredAtOnce) {
  stand_in_->control("switches", Json{{"store-limit", 0}});
  EXPECT_EQ(error_of([&] { services_->archive_image(kHome, image_, kBucket, {}); }).kind(),
            ErrorKind::throttled);
}

TEST_F(AwsImageServices, FastLaunchIsOfWindowsAndCanBeEnded) {
  EXPECT_EQ(error_of([&] { services_->enable_fast_launch(kHome, image_, {}); }).kind(),
            ErrorKind::usage);
  const std::string id = windows_image();
  EXPECT_EQ(settled(id), FastLaunchState::off);
  services_->disable_fast_launch(kHome, id);
  services_->enable_fast_launch(kHome, id, {.snapshots = 7, .launch_template = ""});
  EXPECT_EQ(settled(id), FastLaunchState::on);
  const Value seen = call("ec2", "DescribeFastLaunchImages", Value::object());
  EXPECT_EQ(seen.at("FastLaunchImages")[0].at("SnapshotConfiguration").at("TargetResourceCount"),
            7);
  services_->disable_fast_launch(kHome, id);
  EXPECT_EQ(settled(id), FastLaunchState::off);
}

TEST_F(AwsImageServices, AWatermarkGoesOnToCopies) {
  if (!services_->abilities().watermarks) GTEST_SKIP() << "the models have none";
  for (int time = 0; time < 2; ++time) services_->watermark_image(kHome, image_, "web/deb/1");
  const std::string copy =
      cloud_->copy_image(kAway, image_, kHome.region, {.name = "copy"}, "copy", {});
  EXPECT_THAT(wait_for(kAway, copy).watermarks, ElementsAre("111122223333:web/deb/1"));
}

TEST_F(AwsImageServices, ACopyCanBeAskedForWithinATime) {
  const ImageSpec spec{.name = "copy", .copy_within = std::chrono::hours(1)};
  wait_for(kAway, cloud_->copy_image(kAway, image_, kHome.region, spec, "copy", {}));
  const Value snapshots =
      call("ec2", "DescribeSnapshots", {{"OwnerIds", Value::array({"self"})}}, kAway);
  EXPECT_EQ(snapshots.at("Snapshots")[0].at("CompletionDurationMinutes"), 60);
}

TEST_F(AwsImageServices, AKeysPolicyIsReadAndWhatItLacksIsSpelledOut) {
  const std::string key =
      call("kms", "CreateKey", Value::object()).at("KeyMetadata").at("Arn").get<std::string>();
  EXPECT_THAT(services_->check_key(kHome, key, true).problems, IsEmpty());
  EXPECT_THAT(services_->check_key(kHome, "", false).problems, IsEmpty());
  put_policy(key, {{{"Effect", "Allow"},
                    {"Principal", {{"AWS", "arn:aws:iam::111122223333:root"}}},
                    {"Action",
                     {"kms:De*", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:List*",
                      "kms:GetKeyPolicy", "kms:PutKeyPolicy"}},
                    {"Resource", "*"}}});
  const KeyCheck check = services_->check_key(kHome, key, false);
  EXPECT_THAT(check.problems,
              ElementsAre("its policy does not let 111122223333 do kms:CreateGrant"));
  const Json statement = Json::parse(check.missing_statement);
  EXPECT_EQ(statement.at("Principal").at("AWS"), "arn:aws:iam::111122223333:root");
  EXPECT_EQ(statement.at("Action"), Json::array({"kms:CreateGrant"}));
}

TEST_F(AwsImageServices, AKeyThatIsOffOrNotThereIsSaid) {
  const std::string key =
      call("kms", "CreateKey", Value::object()).at("KeyMetadata").at("Arn").get<std::string>();
  call("kms", "DisableKey", {{"KeyId", key}});
  EXPECT_THAT(services_->check_key(kHome, key, false).problems, ElementsAre("it is Disabled"));
  EXPECT_THAT(services_->check_key(kHome, "alias/none", false).problems,
              ElementsAre(HasSubstr("none of that name")));
  EXPECT_THAT(services_->check_key(kHome, "alias/aws/ebs", true).problems,
              ElementsAre(HasSubstr("AWS manages it")));
}

TEST_F(AwsImageServices, APolicyThatMayNotBeReadKeepsNothing) {
  const std::string key =
      call("kms", "CreateKey", Value::object()).at("KeyMetadata").at("Arn").get<std::string>();
  put_policy(key, {{{"Effect", "Allow"},
                    {"Principal", {{"AWS", "arn:aws:iam::111122223333:root"}}},
                    {"Action", {"kms:DescribeKey", "kms:PutKeyPolicy"}},
                    {"Resource", "*"}}});
  const KeyCheck check = services_->check_key(kHome, key, false);
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_THAT(check.unread, HasSubstr("may not be read"));
}

TEST_F(AwsImageServices, SnapshotsWithoutAnImageAreLoose) {
  const ImageSpec spec{.name = "copy", .tags = {{"run", "1"}}};
  const std::string copy = cloud_->copy_image(kAway, image_, kHome.region, spec, "copy", {});
  wait_for(kAway, copy);
  EXPECT_THAT(services_->list_loose_snapshots(kAway, {"run"}), IsEmpty());
  call("ec2", "DeregisterImage", {{"ImageId", copy}}, kAway);
  const auto loose = services_->list_loose_snapshots(kAway, {"run"});
  ASSERT_EQ(loose.size(), 1u);
  EXPECT_EQ(loose[0].tags.at("run"), "1");
  EXPECT_GT(loose[0].created_at, TimePoint{});
  services_->remove_loose_snapshot(kAway, loose[0].snapshot_id);
  EXPECT_THAT(services_->list_loose_snapshots(kAway, {"run"}), IsEmpty());
}

}  // namespace
}  // namespace hallmark::cloud
