#include "pipeline/golden_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "base/error.h"
#include "base/testing.h"
#include "base/text.h"
#include "cloud/hooks/hooked_cloud.h"
#include "pipeline/fixture.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kKey = "Web-1.0/Debian-12/1";

/// Somebody else, who acts just before a call of ours on the list takes effect.
class Interloper : public cloud::CallHook {
 public:
  Interloper(std::string operation, std::function<void()> act)
      : operation_(std::move(operation)), act_(std::move(act)) {}
  void around(const cloud::CallInfo& info, const std::function<void()>& call) override {
    // What it does is done once: the loser of a race must win in the end.
    if (info.operation == operation_ && info.subject_id == kLatestParameter && act_) {
      std::exchange(act_, nullptr)();
    }
    call();
  }

 private:
  std::string operation_;
  std::function<void()> act_;
};

class GoldenParameters : public testing::Test {
 protected:
  ManualClock clock_{from_rfc3339("2026-11-22T12:00:00Z")};
  std::shared_ptr<cloud::MemoryWorld> world_ =
      std::make_shared<cloud::MemoryWorld>(clock_, cloud::MemoryOptions{});
  std::shared_ptr<cloud::Cloud> cloud_ = std::make_shared<cloud::MemoryCloud>(world_);
  TempDir directory_;

  std::string import_image(const std::string& name) {
    const Path disk = directory_.path() / "disk.raw";
    write_file(disk, std::string(4096, '\0'));
    return cloud_->import_image(kHome, disk, {.name = name}, name, {});
  }
  void write_latest(const std::string& value) {
    const auto present = cloud_->get_parameter(kHome, kLatestParameter);
    cloud_->put_parameter(kHome, kLatestParameter, value, present ? present->version : 0);
  }
  std::string latest() {
    const auto present = cloud_->get_parameter(kHome, kLatestParameter);
    return present ? present->value : "(none)";
  }
  /// Ours, with somebody who writes to the list between our reading and our writing.
  cloud::HookedCloud beaten_to(const std::string& operation, std::function<void()> act) {
    return {cloud_, {std::make_shared<Interloper>(operation, std::move(act))}};
  }
};

std::string id_number(int number) { return fmt::format("ami-{:017x}", number); }

/// As many ids as take up just `bytes`, or a little less.
std::string list_of(std::size_t bytes) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; (i + 1) * 22 - 1 <= bytes; ++i) {
    ids.push_back(id_number(static_cast<int>(i)));
  }
  return join(ids, ",");
}

TEST_F(GoldenParameters, HasExactIdsWithoutSpacesAndIndexesThem) {
  add_to_latest(*cloud_, kHome, "ami-1", kKey);
  add_to_latest(*cloud_, kHome, "ami-11", "Web-1.0/Debian-12/2");
  add_to_latest(*cloud_, kHome, "ami-11", "Web-1.0/Debian-12/2");
  EXPECT_EQ(latest(), "ami-1,ami-11");
  EXPECT_EQ(cloud_->get_parameter(kHome, "/GoldenAMI/ids/ami-1")->value, kKey);
  remove_from_latest(*cloud_, kHome, "ami-1", kKey);
  EXPECT_EQ(latest(), "ami-11");
  EXPECT_FALSE(cloud_->get_parameter(kHome, "/GoldenAMI/ids/ami-1"));
  EXPECT_TRUE(cloud_->get_parameter(kHome, "/GoldenAMI/ids/ami-11"));
}

TEST_F(GoldenParameters, GoesWithItsLastId) {
  add_to_latest(*cloud_, kHome, "ami-1", kKey);
  remove_from_latest(*cloud_, kHome, "ami-1", kKey);
  remove_from_latest(*cloud_, kHome, "ami-1", kKey);
  EXPECT_THAT(world_->leftovers(), IsEmpty());
}

TEST_F(GoldenParameters, SeesThroughWhatOthersWrote) {
  write_latest(" ami-2 ,,ami-1,\tami-2, ");
  EXPECT_THAT(read_latest(*cloud_, kHome), ElementsAre("ami-2", "ami-1"));
  add_to_latest(*cloud_, kHome, "ami-3", kKey);
  EXPECT_EQ(latest(), "ami-2,ami-1,ami-3");
  write_latest("ami-2, ami-3");
  add_to_latest(*cloud_, kHome, "ami-3", kKey);
  EXPECT_EQ(latest(), "ami-2,ami-3") << "whoever compares with spaces finds nothing";
  write_latest(" , ");
  remove_from_latest(*cloud_, kHome, "ami-3", kKey);
  EXPECT_EQ(latest(), "(none)");
}

TEST_F(GoldenParameters, LosesNoIdToAnotherWriter) {
  auto first = beaten_to("put_parameter", [&] { write_latest("ami-theirs"); });
  add_to_latest(first, kHome, "ami-ours", kKey);
  EXPECT_EQ(latest(), "ami-theirs,ami-ours") << "both made it at once";
  auto second = beaten_to("put_parameter", [&] { write_latest("ami-theirs,ami-ours,ami-more"); });
  remove_from_latest(second, kHome, "ami-theirs", kKey);
  EXPECT_EQ(latest(), "ami-ours,ami-more");
  remove_from_latest(*cloud_, kHome, "ami-more", kKey);
  auto third = beaten_to("remove_parameter", [&] { write_latest("ami-ours,ami-new"); });
  remove_from_latest(third, kHome, "ami-ours", kKey);
  EXPECT_EQ(latest(), "ami-new") << "it is not removed with what was added meanwhile";
}

TEST_F(GoldenParameters, SaysThatItGrowsBeforeItCosts) {
  write_latest(list_of(3500));
  testing::internal::CaptureStderr();
  add_to_latest(*cloud_, kHome, "ami-few", kKey);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  write_latest(list_of(3590));
  testing::internal::CaptureStderr();
  add_to_latest(*cloud_, kHome, "ami-one-more", kKey);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("/GoldenAMI/latest in 111122223333/us-east-1 grows to"));
  EXPECT_THAT(said, HasSubstr("hallmark image list --only active"));
  testing::internal::CaptureStderr();
  remove_from_latest(*cloud_, kHome, "ami-one-more", kKey);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty()) << "that is the way out";
}

TEST_F(GoldenParameters, GrowsPastAStandardParameterAndNoFurther) {
  write_latest(list_of(4096));
  add_to_latest(*cloud_, kHome, id_number(9999), kKey);
  EXPECT_GT(latest().size(), 4096u);
  const std::string full = list_of(8192);
  write_latest(full);
  const Error error = error_of([&] { add_to_latest(*cloud_, kHome, id_number(8888), kKey); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.full_text(), HasSubstr("decommission"));
  EXPECT_THAT(error.full_text(), HasSubstr("hallmark image list --only active"));
  EXPECT_TRUE(latest() == full);
  remove_from_latest(*cloud_, kHome, id_number(0), kKey);
  add_to_latest(*cloud_, kHome, id_number(9999), kKey);
}

// Originals: a throttled call was swallowed and reported as done.
TEST_F(GoldenParameters, FailureToWriteIsAFailure) {
  world_->fail("put_parameter", 1, Error(ErrorKind::denied, "no"));
  EXPECT_THROW(add_to_latest(*cloud_, kHome, "ami-1", kKey), Error);
  EXPECT_THAT(read_latest(*cloud_, kHome), IsEmpty());
}

// Who finds an id in the list may rely on its index.
TEST_F(GoldenParameters, IndexesAnIdBeforeItIsListed) {
  bool indexed = false;
  auto looked_at = beaten_to("put_parameter", [&] {
    indexed = cloud_->get_parameter(kHome, id_parameter("ami-1")).has_value();
  });
  add_to_latest(looked_at, kHome, "ami-1", kKey);
  EXPECT_TRUE(indexed);
}

TEST_F(GoldenParameters, LeavesAnIndexThatSomebodyChanged) {
  add_to_latest(*cloud_, kHome, "ami-1", kKey);
  cloud_->put_parameter(kHome, id_parameter("ami-1"), "theirs", 1);
  EXPECT_EQ(kind_of([&] { add_to_latest(*cloud_, kHome, "ami-1", kKey); }), ErrorKind::conflict);
  remove_from_latest(*cloud_, kHome, "ami-1", kKey);
  EXPECT_EQ(cloud_->get_parameter(kHome, id_parameter("ami-1"))->value, "theirs");
}

// Originals: a version parameter became "ami-a,ami-b" when a version was built again.
TEST_F(GoldenParameters, PublishedVersionNeverChanges) {
  const std::string first = import_image("first");
  const std::string second = import_image("second");
  publish_parameter(*cloud_, kHome, kVersionParameter, first);
  publish_parameter(*cloud_, kHome, kVersionParameter, first);
  EXPECT_EQ(kind_of([&] { publish_parameter(*cloud_, kHome, kVersionParameter, second); }),
            ErrorKind::conflict);
  EXPECT_EQ(cloud_->get_parameter(kHome, kVersionParameter)->value, first);
}

TEST_F(GoldenParameters, PublishesAVersionAsAnImageIdThatCanBeUsed) {
  EXPECT_THROW(publish_parameter(*cloud_, kHome, kVersionParameter, "ami-of-nobody"), Error);
  EXPECT_FALSE(cloud_->get_parameter(kHome, kVersionParameter));
}

}  // namespace
}  // namespace hallmark::pipeline
