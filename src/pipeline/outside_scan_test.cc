#include "pipeline/outside_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/ownership.h"
#include "pipeline/reaper.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using workflow::RunState;

model::Assessment critical_seen() {
  model::Assessment assessment = assessment_with(0);
  assessment.findings = {{.finding_id = "38739",
                          .cves = {"CVE-2026-1000"},
                          .package = "openssl",
                          .fix = model::FixState::none,
                          .severity = model::Severity::critical}};
  return assessment;
}

class OutsideScan : public testing::Test {
 protected:
  workflow::RunInfo build() {
    service_.directory = directory_.path() / "service";
    ProductOptions options;
    options.outside_scanner = fake_scanners(service_);
    fixture_ = std::make_unique<Fixture>(options);
    return fixture_->product.build(pipeline_);
  }
  std::vector<model::Assessment> assessments(const workflow::RunInfo& run) {
    return read_assessments(*fixture_->product.context, run.run_id);
  }
  static model::Pipeline pipeline_with(std::vector<model::ScannerUse> scanners) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.scanners = std::move(scanners);
    return pipeline;
  }

  TempDir directory_;
  FakeService service_;
  model::Pipeline pipeline_ = pipeline_with({{.name = "one"}, {.name = "two"}});
  std::unique_ptr<Fixture> fixture_;
};

TEST_F(OutsideScan, AddsToTheEvidenceWhatEachScannerSaw) {
  service_.see = critical_seen;
  workflow::RunInfo run = build();
  ASSERT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
  auto seen = assessments(run);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].scanner, "fake");
  EXPECT_EQ(seen[1].scanner, "one");
  EXPECT_EQ(seen[2].scanner, "two");
  EXPECT_EQ(seen[2].findings.size(), 1u);
  ASSERT_EQ(seen[1].raw.size(), 1u);
  EXPECT_EQ(read_file(evidence_directory(*fixture_->product.context, run.run_id) / "raw" /
                      seen[1].raw[0].name),
            "as it came");
  EXPECT_EQ(service_.launches(), 2);
  EXPECT_THAT(service_.scans(), IsEmpty()) << "gone before anybody is asked to approve";
  for (const auto& entry : fixture_->product.ledger->open(run.run_id)) {
    EXPECT_NE(entry.kind, kScanKind);
  }
}

TEST_F(OutsideScan, IsJudgedByTheGate) {
  service_.see = critical_seen;
  pipeline_.gate.findings[model::Severity::critical] = {model::Judgement::fail,
                                                        model::Judgement::fail};
  workflow::RunInfo run = build();
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("fail by their severity"));
  EXPECT_THAT(fixture_->world->leftovers(), ElementsAre(HasSubstr("debian-source")));
}

TEST_F(OutsideScan, ThatNeverEndsClosesTheGateAfterItsDeadline) {
  service_.looks = -1;
  pipeline_ = pipeline_with({{.name = "one", .deadline = Duration{600'000}}});
  workflow::RunInfo run = build();
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  EXPECT_THAT(run.error->full_text(), HasSubstr("has not ended"));
  EXPECT_THAT(service_.scans(), IsEmpty());
  EXPECT_EQ(assessments(run).at(1).completeness, model::Completeness::failed);
}

TEST_F(OutsideScan, ThatIsLateIsNeverComplete) {
  service_.looks = 30;
  pipeline_ = pipeline_with({{.name = "one", .deadline = Duration{600'000}}});
  pipeline_.gate.min_completeness = model::Completeness::failed;
  workflow::RunInfo run = build();
  ASSERT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
  EXPECT_GE(assessments(run).at(1).completeness, model::Completeness::partial);
  EXPECT_THAT(assessments(run).at(1).reasons, testing::Contains(HasSubstr("within 10m")));
}

TEST_F(OutsideScan, OfAMachineThatIsAlteredComesLast) {
  service_.altering = "one";
  workflow::RunInfo run = build();
  ASSERT_EQ(run.state, RunState::waiting) << (run.error ? run.error->full_text() : "");
  EXPECT_EQ(read_file(service_.directory / "launches"), "two\none\n");
  EXPECT_EQ(assessments(run).at(1).scanner, "one");
}

TEST_F(OutsideScan, ThatCannotBeLaunchedClosesTheGateAndSaysWhy) {
  service_.refuses = Error(ErrorKind::denied, "the licence has ended");
  workflow::RunInfo run = build();
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  EXPECT_THAT(run.error->full_text(), HasSubstr("the licence has ended"));
}

TEST_F(OutsideScan, OfAServiceThatIsDownIsTriedUntilItsDeadline) {
  service_.refuses = Error(ErrorKind::unavailable, "maintenance");
  pipeline_ = pipeline_with({{.name = "one", .deadline = Duration{600'000}}});
  workflow::RunInfo run = build();
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  EXPECT_THAT(run.error->full_text(), HasSubstr("maintenance"));
}

TEST_F(OutsideScan, WithAScannerThatIsNotConfiguredSpendsNothing) {
  pipeline_ = pipeline_with({{.name = "unknown"}});
  workflow::RunInfo run = build();
  EXPECT_EQ(run.error->kind(), ErrorKind::usage);
  EXPECT_EQ(fixture_->world->effects("launch_machine"), 0);
}

TEST_F(OutsideScan, ThatCannotBeRemovedIsTriedAgainAtTheEndAndTold) {
  service_.stays = true;
  workflow::RunInfo run = build();
  ASSERT_EQ(run.state, RunState::waiting);
  fixture_->product.decide(run.run_id, true);
  run = fixture_->product.drive(run.run_id);
  EXPECT_EQ(run.state, RunState::succeeded) << "what was approved stays";
  std::vector<std::string> left;
  for (const audit::Entry& entry : fixture_->product.audit->read(0, 1000)) {
    const Json json = parse_json(entry.text, "entry");
    if (json["action"] == "scan.left") left.push_back(json["detail"]["why"]);
  }
  EXPECT_THAT(left, ElementsAre("scans stay", "scans stay"));

  auto reap_here = [&] {
    return reap(*fixture_->product.engine, *fixture_->product.context, {kHome}, false).orphans;
  };
  std::vector<Orphan> orphans = reap_here();
  ASSERT_EQ(orphans.size(), 2u) << "the ledger knows of them";
  EXPECT_EQ(orphans[0].kind, kScanKind);
  EXPECT_THAT(orphans[0].problem, HasSubstr("scans stay"));
  service_.stays = false;
  fixture_->product.context->outside_scanner = fake_scanners(service_);
  EXPECT_TRUE(reap_here().at(0).removed);
  EXPECT_THAT(service_.scans(), IsEmpty());
  EXPECT_THAT(reap_here(), IsEmpty());
}

TEST_F(OutsideScan, ResultsAreBoundByTheEvidenceDigest) {
  workflow::RunInfo run = build();
  const Path raw = evidence_directory(*fixture_->product.context, run.run_id) / "raw" /
                   assessments(run).at(1).raw.at(0).name;
  write_file(raw, "as somebody would like it");
  try {
    fixture_->product.decide(run.run_id, true);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::corrupt);
  }
}

class Rescan : public OutsideScan {
 protected:
  /// An active image that both scanners found faultless.
  void make_golden() {
    workflow::RunInfo run = build();
    fixture_->product.decide(run.run_id, true);
    run = fixture_->product.drive(run.run_id);
    ASSERT_EQ(run.state, RunState::succeeded) << (run.error ? run.error->full_text() : "");
    image_ = fixture_->product.image(run.run_id);
  }
  /// The next process has scanners that see something else.
  Json reassess(bool rescan = true) {
    fixture_->clock.advance(std::chrono::hours(24));
    ProductOptions options;
    options.outside_scanner = fake_scanners(service_);
    options.directory = fixture_->product.directory;
    Product product(fixture_->clock, fixture_->world, options);
    const auto run = product.drive(start_reassess(*product.engine, *product.context, rescan));
    EXPECT_EQ(run.state, RunState::succeeded) << (run.error ? run.error->full_text() : "");
    EXPECT_THAT(product.ledger->open(run.run_id), IsEmpty());
    for (const cloud::Machine& machine : product.cloud->list_machines(kHome, {})) {
      EXPECT_EQ(machine.state, cloud::MachineState::terminated) << machine.name;
    }
    EXPECT_THAT(service_.scans(), IsEmpty());
    return run.result.at("images").at(0);
  }

  GoldenImage image_;
};

TEST_F(Rescan, SeesWhatIsNewOnAMachineThatIsRemoved) {
  pipeline_.build.machine_size = "c7g.large";
  pipeline_.gate.findings[model::Severity::critical] = {model::Judgement::fail,
                                                        model::Judgement::fail};
  make_golden();
  ASSERT_EQ(service_.launches(), 2);
  service_.see = critical_seen;
  const Json result = reassess();
  EXPECT_EQ(service_.launches(), 4);
  EXPECT_EQ(result.at("rescanned"), 2);
  EXPECT_EQ(result.at("gate").at("passed"), false);
  EXPECT_EQ(result.at("notice").at("body").at("findings").size(), 1u);
  // What was seen stays known when nobody looks, and is told once.
  const Json later = reassess(false);
  EXPECT_EQ(service_.launches(), 4);
  EXPECT_EQ(later.at("gate").at("passed"), false);
  EXPECT_FALSE(later.contains("notice"));
  // It is gone, so the gate opens.
  service_.see = [] { return assessment_with(0); };
  EXPECT_EQ(reassess().at("gate").at("passed"), true);
}

TEST_F(Rescan, AMachineThatDoesNotComeUpIsRemovedAndSaid) {
  make_golden();
  fixture_->world->fail("launch_machine", 1, Error(ErrorKind::denied, "no more of those"));
  const Json result = reassess();
  EXPECT_EQ(result.at("not_scanned"), "no more of those");
  EXPECT_EQ(result.at("rescanned"), 0);
  EXPECT_EQ(result.at("gate").at("passed"), true) << "by what was seen before";
  EXPECT_EQ(service_.launches(), 2);
}

TEST_F(Rescan, AMachineThatCannotBeRemovedNowTakesNothingFromWhatWasSeen) {
  make_golden();
  fixture_->world->fail("remove_machine", 1, Error(ErrorKind::denied, "not now"));
  const Json result = reassess();
  EXPECT_EQ(result.at("rescanned"), 2);
  EXPECT_FALSE(result.contains("not_scanned"));
}

TEST_F(Rescan, TheMachineStaysForScannersThatComeAfterOneAnother) {
  service_.altering = "one";
  pipeline_ = pipeline_with({{.name = "one", .deadline = std::chrono::hours(5)},
                             {.name = "two", .deadline = std::chrono::hours(5)}});
  make_golden();
  service_.looks = -1;
  EXPECT_EQ(reassess().at("rescanned"), 2);
  for (const cloud::Machine& machine :
       fixture_->product.cloud->list_machines(kHome, {.include_terminated = true})) {
    EXPECT_EQ(machine.state_reason, "removed") << machine.name;
  }
}

TEST_F(Rescan, AScannerThatRefusesClosesTheGate) {
  make_golden();
  service_.refuses = Error(ErrorKind::denied, "no licence");
  const Json result = reassess();
  EXPECT_EQ(result.at("rescanned"), 2);
  EXPECT_EQ(result.at("gate").at("passed"), false);
}

TEST_F(Rescan, ScannersThatNeedNoMachineGetNone) {
  make_golden();
  const int launched = fixture_->world->effects("launch_machine");
  service_.needs_machine = false;
  service_.see = critical_seen;
  const Json result = reassess();
  EXPECT_EQ(service_.launches(), 4);
  EXPECT_EQ(result.at("rescanned"), 2);
  EXPECT_EQ(fixture_->world->effects("launch_machine"), launched);
}

}  // namespace
}  // namespace hallmark::pipeline
