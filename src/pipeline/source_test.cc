#include "pipeline/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/scripts.h"

namespace hallmark::pipeline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using workflow::RunState;

class Source : public testing::Test {
 protected:
  /// Another image beside the fixture's "debian-source", made now.
  std::string add_image(const std::string& name,
                        const std::function<void(cloud::Image&)>& change = {}) {
    fixture_.clock.advance(Duration{1000});
    std::string id = fixture_.product.cloud->import_image(
        kHome, fixture_.product.directory / "source.raw", {.name = name}, name, {});
    if (change) fixture_.world->change_image(id, change);
    return id;
  }
  SourceImage find(const model::SourceRef& source) {
    return find_source(*fixture_.product.context, kHome, source);
  }
  Error refusal(const model::SourceRef& source) {
    try {
      find(source);
    } catch (const Error& e) {
      return e;
    }
    return Error(ErrorKind::internal, "nothing was thrown");
  }
  Fixture fixture_;
};

TEST_F(Source, NewestThatFitsThePatternIsTaken) {
  std::string old = add_image("base-2026.01");
  std::string newest = add_image("base-2026.03");
  add_image("base-2026.04-arm", [](cloud::Image& image) { image.architecture = "arm64"; });
  add_image("other");
  SourceImage source = find({.name = "base-*"});
  EXPECT_EQ(source.image_id, newest);
  EXPECT_EQ(source.record["name"], "base-2026.03");
  EXPECT_EQ(source.record["asked"]["name"], "base-*");
  EXPECT_EQ(source.record["owner_id"], kHomeAccount);
  EXPECT_EQ(find({.name = "base-2026.01"}).image_id, old);
  EXPECT_EQ(find({.name = "base-????.01"}).image_id, old);
  EXPECT_EQ(find({.name = "base-*", .architecture = "arm64"}).record["name"], "base-2026.04-arm");
}

TEST_F(Source, OnlyNamedOwnersAreLookedAt) {
  std::string theirs =
      add_image("base-1", [](cloud::Image& image) { image.owner_alias = "amazon"; });
  add_image("base-2");
  EXPECT_EQ(find({.name = "base-*", .owners = {"amazon"}}).image_id, theirs);
  EXPECT_EQ(find({.name = "base-*", .owners = {"self"}}).record["name"], "base-2");
  EXPECT_EQ(refusal({.name = "base-*", .owners = {kChildAccount}}).kind(), ErrorKind::not_found);
  EXPECT_EQ(refusal({.name = "base-*", .owners = {"somebody"}}).kind(), ErrorKind::usage);
}

TEST_F(Source, NothingThatFitsIsSaidWithPatternOwnersRegionAndWayOut) {
  Error none = refusal({.name = "al2023-*", .owners = {"amazon"}});
  EXPECT_EQ(none.kind(), ErrorKind::not_found);
  EXPECT_THAT(none.full_text(), AllOf(HasSubstr("al2023-*"), HasSubstr("amazon"),
                                      HasSubstr("us-east-1"), HasSubstr("x86_64")));
  EXPECT_FALSE(none.hint().empty());
  EXPECT_THAT(refusal({.name = "al2023-*"}).hint(), HasSubstr("source.owners"));
  add_image("arm-1", [](cloud::Image& image) { image.architecture = "arm64"; });
  EXPECT_THAT(refusal({.name = "arm-*"}).full_text(), HasSubstr("is for arm64"));
}

TEST_F(Source, ParameterHoldsTheId) {
  std::string id = add_image("base");
  cloud::Cloud& cloud = *fixture_.product.cloud;
  cloud.put_parameter(kHome, "/GoldenAMI/Debian-12/Base-1/7", id, 0);
  SourceImage source = find({.parameter = "/GoldenAMI/Debian-12/Base-1/7"});
  EXPECT_EQ(source.image_id, id);
  EXPECT_EQ(source.record["parameter_version"], 1);
  EXPECT_EQ(source.record["asked"]["parameter"], "/GoldenAMI/Debian-12/Base-1/7");

  EXPECT_THAT(refusal({.parameter = "/no/such"}).full_text(),
              AllOf(HasSubstr("/no/such"), HasSubstr("us-east-1")));
  cloud.put_parameter(kHome, "/GoldenAMI/latest", id + "," + id, 0);
  EXPECT_EQ(refusal({.parameter = "/GoldenAMI/latest"}).kind(), ErrorKind::usage);
  cloud.put_parameter(kHome, "/stale", "ami-00000000000000000", 0);
  EXPECT_THAT(refusal({.parameter = "/stale"}).message(), HasSubstr("the parameter /stale names"));
}

TEST_F(Source, WhatItCameToIsKeptWhateverHappensLater) {
  std::string first = add_image("base-1");
  model::Pipeline pipeline = sample_pipeline();
  pipeline.source = {.name = "base-*"};
  workflow::RunInfo run = fixture_.product.build(pipeline);
  ASSERT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
  add_image("base-2");
  EXPECT_EQ(fixture_.product.image(run.run_id).source_image_id, first);
  Path evidence = evidence_directory(*fixture_.product.context, run.run_id);
  Json source = parse_json(read_file(evidence / "source.json"), "source.json");
  EXPECT_EQ(source["image_id"], first);
  EXPECT_EQ(source["asked"]["name"], "base-*");
  EXPECT_THAT(fixture_.product.engine->log(run.run_id, "source"), HasSubstr(first));
}

TEST_F(Source, ThatMayNotBeLaunchedStopsBeforeAnythingIsMade) {
  fixture_.world->fail("check_launch", 1, Error(ErrorKind::denied, "not subscribed to abc123"));
  workflow::RunInfo run = fixture_.product.build(sample_pipeline());
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.error->kind(), ErrorKind::denied);
  EXPECT_THAT(run.error->full_text(), HasSubstr("abc123"));
  EXPECT_EQ(fixture_.world->calls("launch_machine"), 0);
  EXPECT_THAT(fixture_.product.ledger->open(), IsEmpty());
}

// --- Windows ------------------------------------------------------------------------------------

struct Sent {
  std::string script;
  std::map<std::string, std::string> environment;
};

class Windows : public testing::Test {
 protected:
  Windows() {
    ProductOptions options;
    options.cloud.execute = [this](const cloud::Machine&, const cloud::CommandSpec& spec) {
      EXPECT_EQ(spec.platform, cloud::Platform::windows);
      sent_.push_back({spec.script, spec.environment});
      return cloud::CommandStatus{.state = cloud::CommandState::finished, .exit_code = 0};
    };
    options.assess = [this](const model::Inventory&) { return assessment_; };
    fixture_ = std::make_unique<Fixture>(options);
    fixture_->world->change_image(fixture_->product.import_source(), [](cloud::Image& image) {
      image.platform = cloud::Platform::windows;
    });
    pipeline_ = sample_pipeline();
    pipeline_.build.mode = model::BuildMode::boot;
    pipeline_.pre_update->text = "Write-Output pre";
    pipeline_.post_update->text = "Write-Output post";
    pipeline_.tests[0].script.text = "Write-Output test";
  }
  std::string refusal() {
    workflow::RunInfo run = fixture_->product.build(pipeline_);
    if (!run.error) return "";
    EXPECT_EQ(run.error->kind(), ErrorKind::usage) << run.error->full_text();
    EXPECT_EQ(fixture_->world->calls("launch_machine"), 0);
    return run.error->full_text();
  }
  std::vector<Sent> sent_;
  model::Assessment assessment_ = assessment_with(0);
  std::unique_ptr<Fixture> fixture_;
  model::Pipeline pipeline_;
};

TEST_F(Windows, IsUpdatedAndGeneralizedByPowerShell) {
  pipeline_.updates.all = false;
  pipeline_.updates.include = {"KB5031364"};
  pipeline_.updates.exclude = {"KB5000001"};
  pipeline_.updates.categories = {"Security Updates", "Critical Updates"};
  pipeline_.updates.severities = {"Critical"};
  workflow::RunInfo run = fixture_->product.build(pipeline_);
  ASSERT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
  ASSERT_EQ(sent_.size(), 5u);
  EXPECT_EQ(sent_[0].script, "Write-Output pre");
  EXPECT_EQ(sent_[1].script, embedded_script("update_packages.ps1").text);
  EXPECT_EQ(sent_[1].environment.at("HALLMARK_INCLUDE"), "KB5031364");
  EXPECT_EQ(sent_[1].environment.at("HALLMARK_EXCLUDE"), "KB5000001");
  EXPECT_EQ(sent_[1].environment.at("HALLMARK_CATEGORIES"), "Security Updates;Critical Updates");
  EXPECT_EQ(sent_[1].environment.at("HALLMARK_SEVERITIES"), "Critical");
  EXPECT_EQ(sent_[3].script, embedded_script("sysprep.ps1").text);
  EXPECT_EQ(sent_[4].script, "Write-Output test");
}

TEST_F(Windows, KeepsItsIdentityIfAskedTo) {
  pipeline_.build.sysprep = false;
  pipeline_.updates.enabled = false;
  fixture_->product.build(pipeline_);
  EXPECT_EQ(sent_.size(), 3u);
}

TEST_F(Windows, RefusesWhatItCannotDoBeforeAnythingIsMade) {
  pipeline_.build.mode = model::BuildMode::offline;
  EXPECT_THAT(refusal(), AllOf(HasSubstr("cannot be built offline"), HasSubstr("build.mode")));
  pipeline_.build.mode = model::BuildMode::boot;
  pipeline_.tests[0].script.text = "#!/bin/bash\ntrue\n";
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("hardened"), HasSubstr("#!/bin/bash"), HasSubstr("PowerShell")));
  pipeline_.tests.clear();
  pipeline_.updates.exclude = {"openssl"};
  EXPECT_THAT(refusal(), HasSubstr("openssl"));
}

TEST_F(Windows, CannotBeInventoriedSoTheGateIsClosedUnlessOpened) {
  assessment_.completeness = model::Completeness::inconclusive;
  assessment_.gaps = {{"partition 1", "it holds ntfs, which is not read here"}};
  workflow::RunInfo run = fixture_->product.build(pipeline_);
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  pipeline_.gate.allow_gaps = true;
  run = fixture_->product.build(pipeline_);
  EXPECT_TRUE(run.error) << "allowing gaps does not make it complete";
  pipeline_.gate.min_completeness = model::Completeness::inconclusive;
  run = fixture_->product.build(pipeline_);
  EXPECT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
}

TEST(Linux, KnowsNoWindowsUpdate) {
  Fixture fixture;
  model::Pipeline pipeline = sample_pipeline();
  pipeline.updates.severities = {"Critical"};
  workflow::RunInfo run = fixture.product.build(pipeline);
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.error->kind(), ErrorKind::usage);
  EXPECT_EQ(fixture.world->calls("launch_machine"), 0);
}

}  // namespace
}  // namespace hallmark::pipeline
