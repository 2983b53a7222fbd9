#include "pipeline/approval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/fixture.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using workflow::RunState;

constexpr Duration kHour{3600'000};

class AwaitApproval : public testing::Test {
 protected:
  void build(int required = 1) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.approval.required = required;
    pipeline.approval.deadline = 48 * kHour;
    pipeline.approval.reminders = {72 * kHour, 24 * kHour, 4 * kHour};
    run_ = fixture_.product.build(pipeline);
    ASSERT_EQ(run_.state, RunState::waiting);
  }
  void after(Duration time) {
    fixture_.clock.advance(time);
    run_ = fixture_.product.drive(run_.run_id);
  }
  /// The deadline that each reminder named.
  std::vector<std::string> reminders() {
    std::vector<std::string> deadlines;
    for (const audit::Entry& entry : fixture_.product.audit->read(0, 1000)) {
      const Json json = parse_json(entry.text, "entry");
      if (json["action"] == "decision.reminder") {
        deadlines.push_back(json["detail"]["deadline"].get<std::string>().substr(0, 13));
      }
    }
    return deadlines;
  }

  Fixture fixture_;
  workflow::RunInfo run_;
};

TEST_F(AwaitApproval, RemindsBeforeTheDeadlineOnceEach) {
  build();
  after(23 * kHour);
  EXPECT_THAT(reminders(), IsEmpty());
  after(2 * kHour);
  EXPECT_THAT(reminders(), ElementsAre("2026-11-24T12"));
  after(kHour);
  EXPECT_THAT(reminders(), ElementsAre("2026-11-24T12"));
  after(19 * kHour);
  EXPECT_THAT(reminders(), ElementsAre("2026-11-24T12", "2026-11-24T12"));
  fixture_.product.decide(run_.run_id, true);
  EXPECT_EQ(fixture_.product.drive(run_.run_id).state, RunState::succeeded);
}

TEST_F(AwaitApproval, OneDeadlineHoldsForAllApprovers) {
  build(2);
  after(30 * kHour);
  fixture_.product.decide(run_.run_id, true, "ada");
  after(kHour);
  ASSERT_EQ(run_.state, RunState::waiting);
  EXPECT_EQ(reminders().size(), 1u) << "the first was sent before the first approval";
  after(18 * kHour);
  EXPECT_EQ(run_.state, RunState::failed);
  EXPECT_EQ(run_.error->kind(), ErrorKind::rejected);
  EXPECT_EQ(fixture_.product.image(run_.run_id).state, GoldenState::rejected);
}

TEST_F(AwaitApproval, AnApproverWhoComesAfterTheDeadlineIsLate) {
  build();
  fixture_.clock.advance(49 * kHour);
  fixture_.product.decide(run_.run_id, true);
  run_ = fixture_.product.drive(run_.run_id);
  EXPECT_EQ(run_.state, RunState::failed);
  EXPECT_EQ(run_.error->kind(), ErrorKind::rejected);
  int voided = 0;
  for (const audit::Entry& entry : fixture_.product.audit->read(0, 1000)) {
    voided += static_cast<int>(parse_json(entry.text, "entry")["action"] == "decision.void");
  }
  EXPECT_EQ(voided, 1);
}

TEST_F(AwaitApproval, AnApproverWhoComesAfterAReminderIsInTime) {
  build();
  after(47 * kHour);
  fixture_.product.decide(run_.run_id, true);
  EXPECT_EQ(fixture_.product.drive(run_.run_id).state, RunState::succeeded);
}

}  // namespace
}  // namespace hallmark::pipeline
