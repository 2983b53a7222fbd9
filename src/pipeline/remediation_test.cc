#include "pipeline/remediation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/notice.h"

namespace hallmark::pipeline {
namespace {

using cloud::MachineState;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

class Remediation : public testing::Test {
 protected:
  void SetUp() override {
    image_ = fixture_.product.golden(sample_pipeline());
    golden_ = launch(image_.image_id, "golden");
    raw_ = launch(image_.source_image_id, "raw");
  }
  std::string launch(const std::string& image_id, const std::string& name) {
    return fixture_.product.cloud->launch_machine(kHome, {.image_id = image_id, .name = name}, name,
                                                  {});
  }
  cloud::Machine machine(const std::string& id) {
    return fixture_.product.cloud->find_machine(kHome, id).value();
  }
  bool runs(const std::string& id) { return machine(id).state == MachineState::running; }
  Json run(const model::RemediationPolicy& policy) {
    const auto done =
        fixture_.product.drive(start_remediation(*fixture_.product.engine, policy, {kHome}));
    EXPECT_EQ(done.state, workflow::RunState::succeeded)
        << (done.error ? done.error->full_text() : "");
    return done.result;
  }
  std::vector<Notice> notices() {
    auto all = list_notices(*fixture_.product.database, "").notices;
    std::erase_if(all, [](const Notice& one) { return one.kind != kComplianceNotice; });
    return all;
  }

  Fixture fixture_;
  GoldenImage image_;
  std::string golden_;
  std::string raw_;
};

TEST_F(Remediation, WithoutAPolicyNothingIsDone) {
  EXPECT_THROW(start_remediation(*fixture_.product.engine, {}, {kHome}), Error);
  EXPECT_THROW(start_remediation(*fixture_.product.engine,
                                 {.notify = true, .exemptions = "exemptions: 5"}, {kHome}),
               Error);
}

TEST_F(Remediation, TagsWhatIsNotGoldenWithSinceWhen) {
  const Json first = run({.tag = "since"});
  ASSERT_THAT(first.at("machines"), SizeIs(1));
  EXPECT_EQ(first.at("machines")[0].at("machine_id"), raw_);
  EXPECT_TRUE(first.at("machines")[0].at("is_new").get<bool>());
  const std::string since = machine(raw_).tags.at("since");
  EXPECT_FALSE(machine(golden_).tags.contains("since"));
  fixture_.clock.advance(24h);
  const Json second = run({.tag = "since"});
  EXPECT_EQ(machine(raw_).tags.at("since"), since);
  EXPECT_FALSE(second.at("machines")[0].at("tagged").get<bool>()) << "it has the tag";
  EXPECT_FALSE(second.at("machines")[0].at("is_new").get<bool>());
  EXPECT_TRUE(runs(raw_));
}

TEST_F(Remediation, StopsAfterTheGraceTimeByOurOwnRecords) {
  const model::RemediationPolicy policy{.tag = "since", .stop_after = 72h};
  run(policy);
  fixture_.clock.advance(71h);
  // Whoever may set tags does not gain time by it.
  fixture_.product.cloud->set_tags(kHome, raw_, {{"since", "2099-01-01T00:00:00.000Z"}});
  run(policy);
  EXPECT_TRUE(runs(raw_));
  fixture_.clock.advance(2h);
  const Json result = run(policy);
  EXPECT_TRUE(result.at("machines")[0].at("stopped").get<bool>());
  EXPECT_FALSE(runs(raw_));
  EXPECT_NE(machine(raw_).state, MachineState::terminated);
  EXPECT_TRUE(runs(golden_));
  EXPECT_FALSE(run(policy).at("machines")[0].at("stopped").get<bool>()) << "it is stopped";
}

TEST_F(Remediation, TellsWhatIsNewOnce) {
  const model::RemediationPolicy policy{.notify = true};
  run(policy);
  ASSERT_THAT(notices(), SizeIs(1));
  EXPECT_EQ(notices()[0].body.at("new")[0].at("machine_id"), raw_);
  fixture_.clock.advance(1h);
  run(policy);
  EXPECT_THAT(notices(), SizeIs(1));
  fixture_.clock.advance(1h);
  launch(image_.source_image_id, "another");
  run(policy);
  EXPECT_THAT(notices(), SizeIs(2));
}

TEST_F(Remediation, WhatIsFineAgainBeginsAnew) {
  const model::RemediationPolicy policy{.stop_after = 72h};
  run(policy);
  add_to_latest(*fixture_.product.cloud, kHome, image_.source_image_id, "source");
  fixture_.clock.advance(73h);
  EXPECT_THAT(run(policy).at("machines"), IsEmpty());
  remove_from_latest(*fixture_.product.cloud, kHome, image_.source_image_id, "source");
  const Json result = run(policy);
  EXPECT_TRUE(result.at("machines")[0].at("is_new").get<bool>());
  EXPECT_TRUE(runs(raw_));
}

// They are in the list still; looking there again is no reason to spare them.
TEST_F(Remediation, StopsWhatIsListedButSupersededForTooLong) {
  // The newest is whose build began last.
  fixture_.clock.advance(1h);
  model::Pipeline newer = sample_pipeline();
  newer.version = "2";
  fixture_.product.golden(newer);
  ASSERT_THAT(read_latest(*fixture_.product.cloud, kHome), Contains(image_.image_id));
  const model::RemediationPolicy policy{.stop_after = 1h, .grace = Duration(24h)};
  fixture_.clock.advance(25h);
  run(policy);
  EXPECT_TRUE(runs(golden_));
  fixture_.clock.advance(2h);
  run(policy);
  EXPECT_FALSE(runs(golden_));
}

TEST_F(Remediation, StopsWhatIsListedButDisabled) {
  change_image(*fixture_.product.context, image_.run_id, {.state = GoldenState::disabled});
  ASSERT_THAT(read_latest(*fixture_.product.cloud, kHome), Contains(image_.image_id));
  run({.stop_after = Duration{0}});
  EXPECT_FALSE(runs(golden_));
}

TEST_F(Remediation, TakesItsTagOffWhereAMachineIsFineAgain) {
  const model::RemediationPolicy policy{.tag = "since"};
  run(policy);
  add_to_latest(*fixture_.product.cloud, kHome, image_.source_image_id, "source");
  // What somebody else has written stays, and so does a tag that nobody of us set.
  fixture_.product.cloud->set_tags(kHome, golden_, {{"since", "spring"}});
  fixture_.world->fail("remove_tags", 1, Error(ErrorKind::denied, "denied"));
  const Json first = run(policy);
  ASSERT_THAT(first.at("fine_again"), SizeIs(1));
  EXPECT_THAT(first.at("fine_again")[0].at("problem").get<std::string>(), HasSubstr("denied"));
  EXPECT_EQ(first.at("failed"), 1);
  const Json second = run(policy);
  EXPECT_EQ(second.at("fine_again")[0].at("machine_id"), raw_);
  EXPECT_FALSE(machine(raw_).tags.contains("since"));
  EXPECT_EQ(machine(golden_).tags.at("since"), "spring");
  EXPECT_THAT(run(policy).at("fine_again"), IsEmpty());
}

TEST_F(Remediation, ATagThatCouldNotBeTakenOffKeepsNoTime) {
  const model::RemediationPolicy policy{.tag = "since", .stop_after = 72h};
  run(policy);
  add_to_latest(*fixture_.product.cloud, kHome, image_.source_image_id, "source");
  fixture_.clock.advance(73h);
  fixture_.world->fail("remove_tags", 1, Error(ErrorKind::denied, "denied"));
  run(policy);
  remove_from_latest(*fixture_.product.cloud, kHome, image_.source_image_id, "source");
  EXPECT_TRUE(run(policy).at("machines")[0].at("is_new").get<bool>());
  EXPECT_TRUE(runs(raw_));
}

TEST(RemediationResumed, StopsNothingThatWasJudgedTooLongAgo) {
  ManualClock* clock = nullptr;
  Fixture fixture({.cloud_point = [&](const std::string& point) {
    if (clock != nullptr && point.find("set_tags") != std::string::npos) clock->advance(1h);
  }});
  const std::string raw = fixture.product.cloud->launch_machine(
      kHome, {.image_id = fixture.product.import_source(), .name = "raw"}, "raw", {});
  clock = &fixture.clock;
  const auto done = fixture.product.drive(start_remediation(
      *fixture.product.engine, {.tag = "since", .stop_after = Duration{0}}, {kHome}));
  const Json& machine = done.result.at("machines").at(0);
  EXPECT_THAT(machine.at("problem").get<std::string>(), HasSubstr("too long ago"));
  EXPECT_FALSE(machine.at("stopped").get<bool>());
  EXPECT_EQ(fixture.product.cloud->find_machine(kHome, raw)->state, MachineState::running);
}

TEST_F(Remediation, LeavesWhatSomebodyAnswersFor) {
  const Json result =
      run({.stop_after = Duration{0},
           .exemptions = "exemptions:\n  - machine_id: " + raw_ +
                         "\n    reason: r\n    by: alice\n    expires: 2099-01-01\n"});
  EXPECT_THAT(result.at("machines"), IsEmpty());
  EXPECT_TRUE(runs(raw_));
}

TEST_F(Remediation, WhatIsUnknownMeanwhileGainsNoTime) {
  const model::RemediationPolicy policy{.tag = "since", .stop_after = 72h};
  run(policy);
  const std::string since = machine(raw_).tags.at("since");
  // For a day nobody can tell what it was made from.
  model::RemediationPolicy derived = policy;
  derived.accept_derived = true;
  fixture_.clock.advance(24h);
  for (int call = 1; call <= 3; ++call) {
    fixture_.world->fail("find_image", call, Error(ErrorKind::denied, "not now"));
  }
  EXPECT_THAT(run(derived).at("machines"), IsEmpty());
  fixture_.clock.advance(24h);
  run(policy);
  EXPECT_EQ(machine(raw_).tags.at("since"), since);
}

}  // namespace
}  // namespace hallmark::pipeline
