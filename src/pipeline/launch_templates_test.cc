/// Launch templates that get a version with a golden image.

#include "pipeline/launch_templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "pipeline/fixture.h"
#include "pipeline/image_users.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const cloud::Place kThere = {kChildAccount, "us-west-2"};

class LaunchTemplatesTest : public ::testing::Test {
 protected:
  LaunchTemplatesTest() {
    id_ = fixture_.world->make_template(kThere, "web", "ami-00000000000000001");
  }

  model::Pipeline pipeline(const std::string& version, bool set_default = true) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.version = version;
    pipeline.targets = {{.account_id = kChildAccount, .regions = {"us-west-2"}}};
    pipeline.targets[0].launch_templates = {{.name = "web", .set_default = set_default}};
    return pipeline;
  }
  GoldenImage golden(const model::Pipeline& pipeline) {
    fixture_.clock.advance(1s);  // The newest is the one that was begun last.
    GoldenImage image = fixture_.product.golden(pipeline);
    const workflow::RunInfo run = distribute(image);
    if (run.error) throw *run.error;
    return image;
  }
  workflow::RunInfo distribute(const GoldenImage& image,
                               std::optional<std::vector<model::Target>> targets = {},
                               bool prune = false) {
    return fixture_.product.drive(start_distribute(
        *fixture_.product.engine, *fixture_.product.context, image, targets, {.prune = prune}));
  }
  workflow::RunInfo decommission(const GoldenImage& image) {
    return fixture_.product.drive(
        start_decommission(*fixture_.product.engine, *fixture_.product.context, image, false));
  }
  cloud::LaunchTemplates& templates() { return *fixture_.product.launch_templates; }
  std::int64_t default_version() {
    return templates().find_template(kThere, "web")->default_version;
  }
  std::vector<std::int64_t> versions() {
    std::vector<std::int64_t> numbers;
    for (const auto& version : templates().list_template_versions(kThere, id_)) {
      numbers.push_back(version.version);
    }
    return numbers;
  }
  PlaceCheck check(const GoldenImage& image) {
    const auto targets = image.pipeline.get<model::Pipeline>().targets;
    for (PlaceCheck& check :
         check_placements(*fixture_.product.context, image, placements(image, targets))) {
      if (check.place == kThere) return std::move(check);
    }
    return {};
  }

  Fixture fixture_;
  std::string id_;
};

TEST_F(LaunchTemplatesTest, TheVersionHasTheImageThatThePlaceHas) {
  const GoldenImage image = golden(pipeline("1"));
  const auto found = templates().list_template_versions(kThere, id_);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[1].image_id,
            find_target(*fixture_.product.database, image.run_id, kThere)->image_id);
  EXPECT_EQ(default_version(), 2);
  EXPECT_EQ(templates().find_template(kThere, "web")->tags.at(kTemplateTag), "Web-1.0/Debian-12");
  EXPECT_EQ(check(image).presence, Presence::correct);
  // Again: nothing more is made.
  EXPECT_FALSE(distribute(image).error);
  EXPECT_THAT(versions(), ElementsAre(1, 2));
}

TEST_F(LaunchTemplatesTest, WithoutBeingAskedNoDefaultIsMoved) {
  golden(pipeline("1", false));
  EXPECT_THAT(versions(), ElementsAre(1, 2));
  EXPECT_EQ(default_version(), 1);
}

TEST_F(LaunchTemplatesTest, ARetiredDefaultGoesBackToTheFormerActiveVersion) {
  const GoldenImage first = golden(pipeline("1"));
  const GoldenImage second = golden(pipeline("2"));
  EXPECT_EQ(default_version(), 3);
  // An older version takes it from no newer one.
  EXPECT_FALSE(distribute(first).error);
  EXPECT_EQ(default_version(), 3);
  EXPECT_EQ(check(first).presence, Presence::correct);

  EXPECT_FALSE(decommission(second).error);
  EXPECT_EQ(default_version(), 2);
  EXPECT_THAT(versions(), ElementsAre(1, 2));
  EXPECT_FALSE(decommission(first).error);
  EXPECT_EQ(default_version(), 1);
  EXPECT_THAT(versions(), ElementsAre(1));
}

TEST_F(LaunchTemplatesTest, DisablingWithdrawsAndRestoringBringsBack) {
  const GoldenImage image = golden(pipeline("1"));
  EXPECT_FALSE(fixture_.product
                   .drive(start_retire(*fixture_.product.engine, *fixture_.product.context, image,
                                       RetirementStage::disable, "test", false))
                   .error);
  EXPECT_EQ(default_version(), 1);
  EXPECT_THAT(versions(), ElementsAre(1));
  const workflow::RunInfo run = fixture_.product.drive(
      start_restore(*fixture_.product.engine, *fixture_.product.context,
                    fixture_.product.image(image.run_id), Duration{3600'000}));
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_EQ(default_version(), 3);
}

TEST_F(LaunchTemplatesTest, DriftIsSeenAndMended) {
  const GoldenImage image = golden(pipeline("1"));
  templates().set_default_version(kThere, id_, 1);
  EXPECT_THAT(check(image).problems,
              ElementsAre("launch template web has the default version 1, not 2"));
  EXPECT_FALSE(distribute(image).error);
  EXPECT_EQ(default_version(), 2);

  templates().set_default_version(kThere, id_, 1);
  templates().remove_template_version(kThere, id_, 2);
  EXPECT_THAT(check(image).problems, ElementsAre(HasSubstr("has no version with ami-")));
  EXPECT_FALSE(distribute(image).error);
  EXPECT_EQ(default_version(), 3);
}

TEST_F(LaunchTemplatesTest, ATemplateNamedNoMoreLosesTheVersion) {
  const GoldenImage image = golden(pipeline("1"));
  std::vector<model::Target> targets = image.pipeline.get<model::Pipeline>().targets;
  targets[0].launch_templates.clear();
  const workflow::RunInfo run = distribute(image, targets);
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_THAT(versions(), ElementsAre(1));
  EXPECT_EQ(default_version(), 1);
}

TEST_F(LaunchTemplatesTest, ATemplateThatIsMissingOrForAnotherProductIsRefused) {
  model::Pipeline other = pipeline("1");
  other.targets[0].launch_templates[0].name = "db";
  EXPECT_THAT(error_of([&] { golden(other); }).full_text(),
              HasSubstr("there is no launch template db"));
  golden(pipeline("2"));
  model::Pipeline foreign = pipeline("1");
  foreign.product = "Data-1.0";
  EXPECT_THAT(error_of([&] { golden(foreign); }).full_text(),
              HasSubstr("is for Web-1.0/Debian-12"));
  EXPECT_THAT(versions(), ElementsAre(1, 2));
}

TEST_F(LaunchTemplatesTest, ItsOwnTemplateIsNoUserOfAnImage) {
  const GoldenImage image = golden(pipeline("1"));
  const auto targets = list_targets(*fixture_.product.database, image.run_id);
  const std::string image_id =
      find_target(*fixture_.product.database, image.run_id, kThere)->image_id;
  fixture_.world->set_image_uses(kThere, {{.kind = "launch template",
                                           .id = id_,
                                           .name = "web",
                                           .version = "2",
                                           .image_id = image_id}});
  EXPECT_THAT(find_users(*fixture_.product.context, image, targets), IsEmpty());
  fixture_.world->set_image_uses(kThere, {{.kind = "launch template",
                                           .id = "lt-other",
                                           .name = "other",
                                           .version = "2",
                                           .image_id = image_id}});
  EXPECT_THAT(find_users(*fixture_.product.context, image, targets), SizeIs(1));
}

TEST_F(LaunchTemplatesTest, ATemplateWithNothingElseIsToldOf) {
  const GoldenImage image = golden(pipeline("1"));
  templates().set_default_version(kThere, id_, 2);
  templates().remove_template_version(kThere, id_, 1);
  const workflow::RunInfo run = decommission(image);
  ASSERT_TRUE(run.error);
  EXPECT_THAT(run.error->full_text(), HasSubstr("has nothing but Web-1.0/Debian-12/1"));
}

TEST_F(LaunchTemplatesTest, ARunThatFailsLeavesNoVersion) {
  fixture_.world->make_template(kThere, "blue", "ami-00000000000000001");
  model::Pipeline both = pipeline("1");
  both.targets[0].launch_templates.push_back({.name = "absent", .set_default = true});
  EXPECT_THAT(error_of([&] { golden(both); }).full_text(), HasSubstr("absent"));
  EXPECT_THAT(versions(), ElementsAre(1));
  EXPECT_EQ(default_version(), 1);
}

}  // namespace
}  // namespace hallmark::pipeline
