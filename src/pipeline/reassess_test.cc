/// What a reassessment tells: only what is new and held against an image, and how far it reaches.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/assess_images.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/notice.h"
#include "pipeline/rebuild.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

model::Finding finding(const std::string& cve, model::Severity severity) {
  model::Finding finding;
  finding.finding_id = cve;
  finding.cves = {cve};
  finding.package = "openssl";
  finding.installed_version = "1";
  finding.fixed_version = "2";
  finding.fix = model::FixState::available;
  finding.severity = severity;
  return finding;
}

class Reassessing : public testing::Test {
 protected:
  static ProductOptions options(model::Assessment& seen) {
    ProductOptions options;
    options.assess = [&seen](const model::Inventory&) { return seen; };
    return options;
  }
  Reassessing() : fixture_(options(seen_)) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.gate.findings[model::Severity::critical] = {model::Judgement::fail,
                                                         model::Judgement::review};
    image_ = fixture_.product.golden(pipeline);
  }
  Context& context() { return *fixture_.product.context; }
  /// Ids of the findings of all notices, newest first.
  std::vector<std::string> told() {
    std::vector<std::string> ids;
    for (const Notice& notice : list_notices(context().database, "").notices) {
      for (const Json& each : notice.body.at("findings")) ids.push_back(each.at("id"));
    }
    return ids;
  }
  Json reassess() {
    fixture_.clock.advance(std::chrono::hours(24));
    seen_.assessed_at = to_rfc3339(fixture_.clock.now());
    const auto run = fixture_.product.drive(start_reassess(*fixture_.product.engine, context()));
    EXPECT_EQ(run.state, workflow::RunState::succeeded);
    return run.result.at("images").at(0);
  }

  model::Assessment seen_ = assessment_with(0);
  Fixture fixture_;
  GoldenImage image_;
};

TEST_F(Reassessing, OnlyWhatIsNewAndHeldAgainstItIsToldAndOnce) {
  EXPECT_FALSE(reassess().contains("notice"));
  seen_.findings = {finding("CVE-2026-1", model::Severity::critical),
                    finding("CVE-2026-2", model::Severity::low)};
  EXPECT_EQ(reassess().at("introduced"), 2);
  EXPECT_THAT(told(), ElementsAre("CVE-2026-1"));
  EXPECT_FALSE(reassess().contains("notice"));
  seen_.findings.push_back(finding("CVE-2026-3", model::Severity::critical));
  EXPECT_FALSE(reassess().at("gate").at("passed"));
  EXPECT_THAT(told(), ElementsAre("CVE-2026-3", "CVE-2026-1"));
}

TEST_F(Reassessing, AFindingThatGotWorseIsNews) {
  seen_.findings = {finding("CVE-2026-1", model::Severity::low)};
  reassess();
  EXPECT_THAT(told(), IsEmpty());
  seen_.findings.front().severity = model::Severity::critical;
  EXPECT_EQ(reassess().at("introduced"), 0);
  EXPECT_THAT(told(), ElementsAre("CVE-2026-1"));
}

TEST_F(Reassessing, ANoticeSaysHowFarItReaches) {
  fixture_.product.drive(start_distribute(*fixture_.product.engine, context(), image_, {}));
  const auto child = find_target(context().database, image_.run_id, kChildWest);
  for (const char* token : {"a", "b"}) {
    context().cloud.launch_machine(kChildWest, {.image_id = child->image_id}, token, {});
  }
  fixture_.world->set_image_uses(kHome, {{"launch template", "lt-1", "web", "1", image_.image_id}});
  seen_.findings = {finding("CVE-2026-1", model::Severity::critical)};
  const Json reach = reassess().at("notice").at("body").at("reach");
  EXPECT_EQ(reach.at("machines"), 2);
  EXPECT_EQ(reach.at("accounts"), 1);
  EXPECT_THAT(reach.at("places"), SizeIs(2));
  EXPECT_THAT(reach.at("unknown"), IsEmpty());
}

class Rebuilding : public Reassessing {
 protected:
  /// Another version, whose findings may start a build of the next.
  GoldenImage golden(const std::string& version) {
    model::Pipeline pipeline = image_.pipeline.get<model::Pipeline>();
    pipeline.version = version;
    pipeline.reassessment.rebuild_on_finding = true;
    fixture_.clock.advance(std::chrono::hours(1));
    return fixture_.product.golden(pipeline);
  }
  std::vector<workflow::RunInfo> open_builds() {
    return fixture_.product.engine->list(
        {.workflow = "build",
         .states = {workflow::RunState::pending, workflow::RunState::waiting}});
  }
  /// Of the newest image that was reassessed.
  Json rebuild() { return reassess().at("notice").at("body").at("rebuild"); }
};

TEST_F(Rebuilding, AFindingWithAFixStartsABuildThatWaitsForApproval) {
  golden("1.0.9");
  seen_.findings = {finding("CVE-2026-1", model::Severity::critical)};
  const Json rebuilt = rebuild();
  EXPECT_EQ(rebuilt.at("image_key"), "Web-1.0/Debian-12/1.0.10");
  const std::string run_id = rebuilt.at("run_id");
  for (const Notice& notice : list_notices(context().database, "").notices) {
    EXPECT_EQ(notice.body.contains("rebuild"), notice.subject == "Web-1.0/Debian-12/1.0.9");
  }
  // The build's packages are newer.
  seen_.findings.clear();
  EXPECT_EQ(fixture_.product.drive(run_id).state, workflow::RunState::waiting);
  EXPECT_EQ(fixture_.product.image(run_id).state, GoldenState::awaiting_approval);
  fixture_.product.decide(run_id, true);
  EXPECT_EQ(fixture_.product.drive(run_id).state, workflow::RunState::succeeded);
  EXPECT_EQ(fixture_.product.image("Web-1.0/Debian-12").version, "1.0.10");
}

/// A step of a process that dies when it records a run.
struct DyingStep : workflow::Step {
  const std::string& key() const override { return text; }
  const std::string& token() const override { return text; }
  int attempt() const override { return 1; }
  std::stop_token stop() const override { return {}; }
  void progress(std::optional<double>, const std::string&) override {}
  void log(std::string_view) override {}
  std::uint64_t log_size() const override { return 0; }
  void start_run(const std::string&, const std::string&, const std::string&, const Json&) override {
    throw Error(ErrorKind::cancelled, "here it ends");
  }
  std::string text = "step";
};

TEST_F(Rebuilding, NoVersionIsHeldForARunThatIsNowhere) {
  const GoldenImage image = golden("2");
  DyingStep step;
  EXPECT_THROW(rebuild_by_policy(context(), step, image, "run-nowhere"), Error);
  EXPECT_FALSE(open_build(context().database, image.product, image.os));
  EXPECT_EQ(free_version(context().database, image.product, image.os, "3"), "3");
}

TEST_F(Rebuilding, OneAtATime) {
  golden("2");
  seen_.findings = {finding("CVE-2026-1", model::Severity::critical)};
  const std::string run_id = rebuild().at("run_id");
  seen_.findings.push_back(finding("CVE-2026-2", model::Severity::critical));
  EXPECT_THAT(rebuild().at("why_not").get<std::string>(), testing::HasSubstr(run_id));
  EXPECT_THAT(open_builds(), SizeIs(1));
  // By hand neither.
  try {
    start_rebuild(*fixture_.product.engine, context(), fixture_.product.image("Web-1.0/Debian-12"),
                  {}, "grace", {});
    FAIL() << "it was started";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::conflict);
  }
}

TEST_F(Rebuilding, NothingIsStartedWithoutAFixOrAPolicy) {
  seen_.findings = {finding("CVE-2026-1", model::Severity::critical)};
  EXPECT_FALSE(reassess().at("notice").at("body").contains("rebuild"));
  seen_.findings.clear();
  golden("2");
  seen_.findings = {finding("CVE-2026-2", model::Severity::critical)};
  seen_.findings.back().fixed_version.clear();
  seen_.findings.back().fix = model::FixState::none;
  EXPECT_FALSE(reassess().at("notice").at("body").contains("rebuild"));
  EXPECT_THAT(open_builds(), IsEmpty());
}

TEST_F(Rebuilding, ByHandOfTheVersionThatIsWanted) {
  auto start = [&](std::optional<std::string> version) {
    const auto run_id =
        start_rebuild(*fixture_.product.engine, context(), image_, version, "grace", {});
    const std::string subject = fixture_.product.engine->show(run_id).subject;
    fixture_.product.drive(run_id);
    fixture_.product.decide(run_id, true);
    fixture_.product.drive(run_id);
    return subject;
  };
  EXPECT_EQ(start({}), "Web-1.0/Debian-12/2");
  EXPECT_EQ(start({}), "Web-1.0/Debian-12/3");
  EXPECT_EQ(start("9.1"), "Web-1.0/Debian-12/9.1");
  EXPECT_THROW(start("9.1"), Error);
}

TEST_F(Reassessing, ADeprecatedImageIsReassessedToo) {
  fixture_.product.drive(start_retire(*fixture_.product.engine, context(), image_,
                                      RetirementStage::deprecate, "old", false));
  EXPECT_EQ(reassess().at("image_key"), image_.image_key);
}

TEST_F(Reassessing, ALookSaysWhatIsNewAndRecordsNothing) {
  seen_.findings = {finding("CVE-2026-1000", model::Severity::high)};
  reassess();
  const Json none = assess_images(context(), "", {});
  ASSERT_EQ(none.size(), 1u);
  EXPECT_THAT(none[0].at("introduced"), IsEmpty());
  seen_.findings = {finding("CVE-2026-2000", model::Severity::critical)};
  for (int look = 0; look < 2; ++look) {
    const Json images = assess_images(context(), image_.image_key, {});
    ASSERT_EQ(images.size(), 1u);
    ASSERT_EQ(images[0].at("introduced").size(), 1u);
    EXPECT_EQ(images[0].at("introduced")[0].at("id"), "CVE-2026-2000");
    EXPECT_EQ(images[0].at("fixed"), 1);
  }
  EXPECT_THROW(assess_images(context(), "other/os-1/1", {}), Error);
}

TEST_F(Reassessing, AFailureComesBeforeTheWorstNewsAndHindersNothing) {
  model::Pipeline pipeline = image_.pipeline.get<model::Pipeline>();
  std::vector<GoldenImage> more;
  for (const char* version : {"2", "3"}) {
    pipeline.version = version;
    more.push_back(fixture_.product.golden(pipeline));
  }
  std::filesystem::remove_all(evidence_directory(context(), more[0].run_id));
  seen_.findings = {finding("CVE-2026-1", model::Severity::high)};
  const Json images = assess_images(context(), "", {});
  ASSERT_EQ(images.size(), 3u);
  EXPECT_EQ(images[0].at("image_key"), more[0].image_key);
  EXPECT_TRUE(images[0].contains("error"));
  EXPECT_EQ(images[1].at("introduced").size(), 1u);
  EXPECT_EQ(images[2].at("introduced").size(), 1u);
}

TEST_F(Reassessing, ALookThatIsInterruptedEnds) {
  std::stop_source stop;
  stop.request_stop();
  try {
    assess_images(context(), "", stop.get_token());
    FAIL() << "it went on";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::cancelled);
  }
}

}  // namespace
}  // namespace hallmark::pipeline
