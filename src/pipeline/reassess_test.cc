/// What a reassessment tells: only what is new and held against an image, and how far it reaches.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/fixture.h"
#include "pipeline/notice.h"

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
    for (const Notice& notice : list_notices(context().database, "")) {
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

TEST_F(Reassessing, ADeprecatedImageIsReassessedToo) {
  fixture_.product.drive(start_retire(*fixture_.product.engine, context(), image_,
                                      RetirementStage::deprecate, "old", false));
  EXPECT_EQ(reassess().at("image_key"), image_.image_key);
}

}  // namespace
}  // namespace hallmark::pipeline
