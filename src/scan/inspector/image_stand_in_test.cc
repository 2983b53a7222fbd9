/// Scans of images on demand, against tests/aws_fake.

#include <gmock/gmock.h>

#include "scan/inspector/fixture.h"

namespace hallmark::scan::inspector {
namespace {

using model::Completeness;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class InspectorImage : public InspectorStandIn {
 protected:
  void SetUp() override {
    InspectorStandIn::SetUp();
    if (IsSkipped()) return;
    scanner_ = open_another();
  }
  std::unique_ptr<OutsideScanner> open_another() {
    return make_inspector_image_scanner({kAccount, kRegion}, ground_->access(), 60s,
                                        ground_->clock);
  }
  int started() { return ground_->arrange(Json::object()).at("on_demand").size(); }
  void expect(const model::Assessment& assessment, Completeness completeness, const char* reason) {
    EXPECT_EQ(to_string(assessment.completeness), to_string(completeness));
    EXPECT_THAT(assessment.reasons, Contains(HasSubstr(reason)));
  }
};

TEST_F(InspectorImage, TheWholeWalk) {
  scanner_->check({});
  EXPECT_EQ(started(), 0) << "a check spends nothing";
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.completeness, Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  EXPECT_EQ(assessment.native_state, "SUCCESSFUL");
  EXPECT_FALSE(assessment.started_at.empty());
  EXPECT_EQ(assessment.findings.size(), 6u);
  EXPECT_THAT(kept_, Contains("inspector/image-scan-1.jsonl"));
}

TEST_F(InspectorImage, LaunchingTwiceIsOneScan) {
  std::string id = launch();
  EXPECT_EQ(launch(), id);
  EXPECT_EQ(open_another()->launch(target_, {}), id) << "as another process";
  EXPECT_EQ(started(), 1);
}

TEST_F(InspectorImage, ALostAnswerIsNotASecondScan) {
  ground_->fault({{"kind", "drop-after"}, {"operation", "StartOnDemandScan"}});
  std::string id;
  if (kind_of([&] { id = launch(); })) id = launch();
  EXPECT_EQ(started(), 1);
  EXPECT_TRUE(run_to_end(id));
}

TEST_F(InspectorImage, AScanOfTheImageThatRunsAlreadyIsTakenUp) {
  std::string id = launch();
  target_.title += " again";
  EXPECT_EQ(launch(), id);
  EXPECT_EQ(started(), 1);
}

TEST_F(InspectorImage, WithoutFindingsOfThisScanNothingIsProved) {
  ground_->arrange({{"on_demand_listed", false}});
  expect(scan_once(), Completeness::inconclusive, "events");
  ground_->arrange({{"on_demand_listed", true}, {"found", Json::array()}});
  target_.title += " again";
  model::Assessment empty = scan_once();
  expect(empty, Completeness::inconclusive, "lists no findings");
  EXPECT_THAT(empty.findings, IsEmpty());
}

TEST_F(InspectorImage, SaysWhyItCouldNotScan) {
  for (auto [reason, completeness] :
       {std::pair{"UNSUPPORTED_OS", Completeness::inconclusive},
        std::pair{"STORAGE_LIMIT_EXCEEDED", Completeness::inconclusive},
        std::pair{"ACCESS_DENIED", Completeness::failed},
        std::pair{"INTERNAL_ERROR", Completeness::failed}}) {
    ground_->arrange({{"on_demand_walk", {"FAILED"}}, {"on_demand_reason", reason}});
    target_.title += "+";
    expect(scan_once(), completeness, reason);
  }
}

TEST_F(InspectorImage, ThatNeverEndsIsInconclusive) {
  ground_->arrange({{"on_demand_walk", {"IN_PROGRESS"}}});
  std::string id = launch();
  EXPECT_FALSE(run_to_end(id, 5));
  expect(collect(id), Completeness::inconclusive, "has not ended");
}

TEST_F(InspectorImage, RefusesWhatIsNoAmi) {
  target_.image_id = "img-1";
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::usage);
  target_.image_id = "ami-0123456789abcdef0";
  EXPECT_TRUE(kind_of([&] { launch(); })) << "there is no such image";
  EXPECT_EQ(started(), 0);
}

}  // namespace
}  // namespace hallmark::scan::inspector
