#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using workflow::RunState;

/// How the machine of a script with that name behaves: others succeed.
cloud::CommandExecutor failing(const std::string& name, const std::string& output) {
  return [=](const cloud::Machine&, const cloud::CommandSpec& spec) {
    cloud::CommandStatus status{.state = cloud::CommandState::finished, .exit_code = 0};
    if (spec.script.find(name) != std::string::npos) {
      status.exit_code = 7;
      status.output = output;
    }
    return status;
  };
}

/// Only the source image is left, nothing is owned, and the version may be tried again.
void expect_nothing_left(Fixture& fixture, GoldenState state) {
  EXPECT_THAT(fixture.world->leftovers(), ElementsAre(HasSubstr("debian-source")));
  EXPECT_THAT(fixture.product.ledger->open(), IsEmpty());
  GoldenImage image = fixture.product.image("Web-1.0/Debian-12/1");
  EXPECT_EQ(to_string(image.state), to_string(state));
}

TEST(Build, WaitsForApprovalWithEvidence) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  ASSERT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
  EXPECT_THAT(run.waiting_for, HasSubstr("approval"));

  GoldenImage image = fixture.product.image("Web-1.0/Debian-12/1");
  EXPECT_EQ(image.state, GoldenState::awaiting_approval);
  EXPECT_EQ(image.evidence_digest.size(), 64u);
  EXPECT_EQ(fixture.product.cloud->find_image(kHome, image.image_id)->tags.at("AMI-Type"),
            "Candidate");
  // Both machines are gone while it waits, and nobody can find the image by parameter.
  EXPECT_THAT(fixture.product.cloud->list_machines(kHome, {}), IsEmpty());
  EXPECT_THAT(fixture.product.cloud->list_parameters(kHome, "/GoldenAMI/"), IsEmpty());
  Path evidence = evidence_directory(*fixture.product.context, run.run_id);
  for (const char* name : {"inventory.json", "assessments.json", "report.html", "evidence.json"}) {
    EXPECT_TRUE(read_file_if_exists(evidence / name)) << name;
  }
}

TEST(Build, RegistersUnderTheNamesTeamsUse) {
  Fixture fixture;
  GoldenImage image = fixture.product.golden(sample_pipeline());
  EXPECT_EQ(image.state, GoldenState::active);
  cloud::Image found = *fixture.product.cloud->find_image(kHome, image.image_id);
  EXPECT_EQ(found.name, "Web-1.0-Debian-12-1");
  EXPECT_EQ(found.tags.at("AMI-Type"), "Golden");
  EXPECT_EQ(found.tags.at("ProductName"), "Web-1.0");
  EXPECT_EQ(found.tags.at("ProductOSAndVersion"), "Debian-12");
  EXPECT_EQ(found.tags.at("version"), "1");
  EXPECT_FALSE(found.tags.contains(kRunTag)) << "a golden image is nobody's to reap";
  EXPECT_EQ(fixture.product.cloud->get_parameter(kHome, "/GoldenAMI/Debian-12/Web-1.0/1")->value,
            image.image_id);
  EXPECT_THAT(read_latest(*fixture.product.cloud, kHome), ElementsAre(image.image_id));
  EXPECT_THAT(fixture.product.ledger->open(), IsEmpty());
}

TEST(Build, OfADiskThatWasChangedWhileItWaitedForApprovalIsRejected) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  ASSERT_EQ(run.state, RunState::waiting);
  int changed = 0;
  for (const auto& file : std::filesystem::directory_iterator(fixture.world->disk_path("."))) {
    std::string disk = read_file(file.path());
    disk.at(0) ^= 1;
    write_file(file.path(), disk);
    ++changed;
  }
  ASSERT_GT(changed, 0);
  fixture.product.decide(run.run_id, true);
  run = fixture.product.drive(run.run_id);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  EXPECT_THAT(run.error->full_text(), HasSubstr("was changed after it was assessed"));
  expect_nothing_left(fixture, GoldenState::rejected);
}

TEST(Build, RefusesAVersionThatExists) {
  Fixture fixture;
  GoldenImage first = fixture.product.golden(sample_pipeline());
  try {
    fixture.product.start(sample_pipeline());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::conflict);
  }
  EXPECT_EQ(fixture.product.image("Web-1.0/Debian-12/1").image_id, first.image_id);
}

TEST(Build, OneOfTwoStartedAtOnceWins) {
  Fixture fixture;
  std::string first = fixture.product.start(sample_pipeline());
  std::string second = fixture.product.start(sample_pipeline());
  EXPECT_EQ(fixture.product.drive(first).state, RunState::waiting);
  workflow::RunInfo refused = fixture.product.drive(second);
  EXPECT_EQ(refused.state, RunState::failed);
  EXPECT_EQ(refused.error->kind(), ErrorKind::conflict);
  fixture.product.decide(first, true);
  EXPECT_EQ(fixture.product.drive(first).state, RunState::succeeded);
}

TEST(Build, FailingScriptFailsItAndLeavesNothing) {
  for (const char* name : {"pre-update", "post-update", "update-packages", "hardened"}) {
    ProductOptions options;
    options.cloud.execute = failing(name, "it broke here\n");
    Fixture fixture(options);
    workflow::RunInfo run = fixture.product.build(sample_pipeline());
    EXPECT_EQ(run.state, RunState::failed) << name;
    ASSERT_TRUE(run.error);
    EXPECT_EQ(run.error->kind(), ErrorKind::failed);
    EXPECT_THAT(run.error->full_text(), HasSubstr("it broke here"));
    expect_nothing_left(fixture, GoldenState::failed);
  }
}

TEST(Build, ScriptThatHangsIsEndedAtItsLimit) {
  ProductOptions options;
  options.cloud.execute = [](const cloud::Machine&, const cloud::CommandSpec& spec) {
    cloud::CommandStatus status{.state = cloud::CommandState::finished, .exit_code = 0};
    if (spec.script.find("post-update") != std::string::npos) {
      status = {.state = cloud::CommandState::running};
    }
    return status;
  };
  Fixture fixture(options);
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  ASSERT_TRUE(run.error);
  EXPECT_EQ(run.error->kind(), ErrorKind::timeout);
  expect_nothing_left(fixture, GoldenState::failed);
}

TEST(Build, ClosedGateRejectsAndKeepsTheEvidence) {
  ProductOptions options;
  options.assess = [](const model::Inventory&) { return assessment_with(2); };
  Fixture fixture(options);
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  EXPECT_THAT(run.error->full_text(), HasSubstr("pending security updates: 2"));
  expect_nothing_left(fixture, GoldenState::rejected);
  EXPECT_TRUE(read_file_if_exists(evidence_directory(*fixture.product.context, run.run_id) /
                                  "report.html"));
}

TEST(Build, CoverageGapClosesTheDefaultGate) {
  ProductOptions options;
  options.assess = [](const model::Inventory&) { return assessment_with(0, 1); };
  Fixture fixture(options);
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
}

TEST(Build, RejectionCleansUp) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  fixture.product.decide(run.run_id, false);
  run = fixture.product.drive(run.run_id);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  expect_nothing_left(fixture, GoldenState::rejected);
  // The same version may be tried again.
  EXPECT_EQ(fixture.product.golden(sample_pipeline()).state, GoldenState::active);
}

TEST(Build, ApprovalThatNeverComesRejects) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  fixture.clock.advance(Duration{49 * 3600'000});
  run = fixture.product.drive(run.run_id);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  expect_nothing_left(fixture, GoldenState::rejected);
}

TEST(Build, CancellationCleansUp) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  fixture.product.engine->cancel(run.run_id);
  run = fixture.product.drive(run.run_id);
  EXPECT_EQ(run.state, RunState::cancelled);
  expect_nothing_left(fixture, GoldenState::failed);
}

TEST(Build, MissingSourceIsNamed) {
  Fixture fixture;
  model::Pipeline pipeline = sample_pipeline();
  pipeline.source.name = "no-such-source";
  workflow::RunInfo run = fixture.product.build(pipeline);
  EXPECT_EQ(run.error->kind(), ErrorKind::not_found);
  EXPECT_THAT(run.error->message(), HasSubstr("no-such-source"));
}

TEST(Build, ScriptUrlThatFailsStopsBeforeAnythingIsMade) {
  Fixture fixture;
  model::Pipeline pipeline = sample_pipeline();
  pipeline.pre_update = model::Script{.name = "x", .url = "https://example.invalid/x.sh"};
  EXPECT_THROW(fixture.product.start(pipeline), Error);
  EXPECT_EQ(find_golden_image(*fixture.product.database, "Web-1.0/Debian-12/1"), std::nullopt);
}

TEST(Build, SecretsReachTheScriptButNoRecord) {
  ProductOptions options;
  bool seen = false;
  options.cloud.execute = [&](const cloud::Machine&, const cloud::CommandSpec& spec) {
    auto secret = spec.secrets.find("API_KEY");
    if (secret != spec.secrets.end()) seen = true;
    return cloud::CommandStatus{.state = cloud::CommandState::finished,
                                .exit_code = 0,
                                .output = "the key is s3cr3t-value\n"};
  };
  Fixture fixture(options);
  model::Pipeline pipeline = sample_pipeline();
  pipeline.secrets = {"API_KEY"};
  workflow::RunInfo run = fixture.product.build(pipeline);
  ASSERT_EQ(run.state, RunState::waiting);
  EXPECT_TRUE(seen);
  EXPECT_EQ(fixture.product.engine->log(run.run_id, "builder/pre-update"), "the key is ***\n");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(fixture.directory.path())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(read_file(entry.path()), Not(HasSubstr("s3cr3t-value"))) << entry.path();
  }
}

TEST(Build, RetryStartsOverAndSucceeds) {
  ProductOptions options;
  bool broken = true;
  options.cloud.execute = [&](const cloud::Machine&, const cloud::CommandSpec&) {
    return cloud::CommandStatus{.state = cloud::CommandState::finished,
                                .exit_code = broken ? 1 : 0};
  };
  Fixture fixture(options);
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  ASSERT_EQ(run.state, RunState::failed);
  broken = false;
  fixture.product.engine->retry(run.run_id);
  run = fixture.product.drive(run.run_id);
  ASSERT_EQ(run.state, RunState::waiting) << run.error->full_text();
  fixture.product.decide(run.run_id, true);
  EXPECT_EQ(fixture.product.drive(run.run_id).state, RunState::succeeded);
}

TEST(Approval, CountsOnlyThoseWhoMayDecide) {
  Fixture fixture;
  model::Pipeline pipeline = sample_pipeline();
  pipeline.approval.required = 2;
  pipeline.approval.approvers = {"ada", "linus", "grace"};
  workflow::RunInfo run = fixture.product.build(pipeline);
  auto kind_of = [&](const std::string& who) -> std::optional<ErrorKind> {
    try {
      fixture.product.decide(run.run_id, true, who);
    } catch (const Error& e) {
      return e.kind();
    }
    return std::nullopt;
  };
  EXPECT_EQ(kind_of("grace"), ErrorKind::denied) << "the requester never approves alone";
  EXPECT_EQ(kind_of("mallory"), ErrorKind::denied);
  EXPECT_EQ(kind_of("ada"), std::nullopt);
  EXPECT_EQ(fixture.product.drive(run.run_id).state, RunState::waiting);
  EXPECT_EQ(kind_of("ada"), ErrorKind::conflict) << "once is enough";
  EXPECT_EQ(kind_of("linus"), std::nullopt);
  EXPECT_EQ(fixture.product.drive(run.run_id).state, RunState::succeeded);
  EXPECT_EQ(list_decisions(*fixture.product.database, run.run_id).size(), 2u);
}

TEST(Approval, HoldsOnlyForTheEvidenceThatWasSeen) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  GoldenImage image = fixture.product.image(run.run_id);
  EXPECT_THROW(decide(*fixture.product.engine, *fixture.product.context, image,
                      {.approver = "ada", .approve = true, .evidence_digest = "something else"}),
               Error);
  EXPECT_EQ(fixture.product.drive(run.run_id).state, RunState::waiting);
}

TEST(Approval, TwoAtOnceAreOneOutcome) {
  Fixture fixture;
  workflow::RunInfo run = fixture.product.build(sample_pipeline());
  fixture.product.decide(run.run_id, true, "ada");
  fixture.product.decide(run.run_id, false, "linus");
  EXPECT_EQ(fixture.product.drive(run.run_id).state, RunState::succeeded);
  EXPECT_THAT(read_latest(*fixture.product.cloud, kHome).size(), 1u);
}

TEST(Approval, MayBeLeftToThePolicy) {
  Fixture fixture;
  model::Pipeline pipeline = sample_pipeline();
  pipeline.approval.automatic = true;
  EXPECT_EQ(fixture.product.build(pipeline).state, RunState::succeeded);
}

}  // namespace
}  // namespace hallmark::pipeline
