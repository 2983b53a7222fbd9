#include "pipeline/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

model::Assessment assessment(int fixable, int unfixed, int gaps, model::Completeness completeness) {
  model::Assessment result;
  result.completeness = completeness;
  for (int i = 0; i < fixable + unfixed; ++i) {
    model::Finding finding;
    finding.severity = model::Severity::high;
    if (i < fixable) finding.fixed_version = "2";
    result.findings.push_back(finding);
  }
  for (int i = 0; i < gaps; ++i) result.gaps.push_back({"x", "y"});
  return result;
}

TEST(Gate, DefaultLetsOnlyTheCompleteAndUpdatedPass) {
  model::Gate gate;
  using C = model::Completeness;
  EXPECT_TRUE(evaluate_gate(gate, assessment(0, 0, 0, C::complete)).passed);
  EXPECT_FALSE(evaluate_gate(gate, assessment(1, 0, 0, C::complete)).passed);
  EXPECT_FALSE(evaluate_gate(gate, assessment(0, 0, 1, C::complete)).passed);
  for (C weak : {C::partial, C::inconclusive, C::failed}) {
    EXPECT_FALSE(evaluate_gate(gate, assessment(0, 0, 0, weak)).passed);
  }
}

TEST(Gate, CountsOnlyFixableFindingsAsPendingUpdates) {
  EXPECT_TRUE(evaluate_gate({}, assessment(0, 5, 0, model::Completeness::complete)).passed);
}

TEST(Gate, AnyNumberOfPendingUpdatesMayBeAllowed) {
  model::Gate gate;
  gate.max_pending_updates = std::nullopt;
  EXPECT_TRUE(evaluate_gate(gate, assessment(500, 0, 0, model::Completeness::complete)).passed);
}

TEST(Gate, LimitsSeverities) {
  model::Gate gate;
  gate.max_pending_updates = 10;
  gate.max_findings = {{"high", 1}, {"critical", 0}};
  GateVerdict verdict = evaluate_gate(gate, assessment(2, 0, 0, model::Completeness::complete));
  EXPECT_THAT(verdict.failures, ElementsAre(HasSubstr("high findings: 2, at most 1")));
}

TEST(Gate, MayAllowGapsAndLessCompleteness) {
  model::Gate gate;
  gate.allow_gaps = true;
  gate.min_completeness = model::Completeness::partial;
  GateVerdict verdict = evaluate_gate(gate, assessment(0, 0, 2, model::Completeness::partial));
  EXPECT_TRUE(verdict.passed);
  EXPECT_THAT(verdict.failures, IsEmpty());
  EXPECT_EQ(Json(verdict).get<GateVerdict>().passes, verdict.passes);
}

}  // namespace
}  // namespace hallmark::pipeline
