#include "pipeline/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/exploits.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using model::Judgement;
using model::Severity;

const TimePoint kNow = from_rfc3339("2026-11-22T12:00:00Z");

model::Assessment assessment(int fixable, int unfixed, int gaps, model::Completeness completeness) {
  model::Assessment result;
  result.scanner = "fake";
  result.completeness = completeness;
  result.advisories = {{.name = scan::kKevSource}};
  for (int i = 0; i < fixable + unfixed; ++i) {
    model::Finding finding;
    finding.finding_id = std::to_string(i);
    finding.severity = Severity::high;
    if (i < fixable) finding.fixed_version = "2";
    result.findings.push_back(finding);
  }
  for (int i = 0; i < gaps; ++i) result.gaps.push_back({"x", "y"});
  return result;
}

model::Finding cve(const std::string& id, Severity severity,
                   const std::string& fixed_version = "") {
  return {.finding_id = id,
          .cves = {id},
          .package = "openssl",
          .fixed_version = fixed_version,
          .severity = severity};
}

GateVerdict evaluate_gate(const model::Gate& gate, const model::Assessment& assessment) {
  return pipeline::evaluate_gate(gate, "web-1/debian-12/1.0", {assessment}, kNow);
}

GateVerdict judge(const model::Gate& gate, std::vector<model::Finding> findings) {
  model::Assessment result = assessment(0, 0, 0, model::Completeness::complete);
  result.findings = std::move(findings);
  return evaluate_gate(gate, result);
}

model::Gate severities() {
  model::Gate gate;
  gate.max_pending_updates = std::nullopt;
  gate.findings = {{Severity::critical, {Judgement::fail, Judgement::fail}},
                   {Severity::high, {Judgement::fail, Judgement::review}},
                   {Severity::medium, {Judgement::review, Judgement::pass}}};
  return gate;
}

model::Waiver waiver(const std::string& finding, const std::string& expires) {
  return {.finding = finding,
          .reason = "compiled out",
          .by = "alice",
          .expires_at = from_rfc3339(expires)};
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

TEST(Gate, JudgesBySeverityAndFix) {
  EXPECT_FALSE(judge(severities(), {cve("CVE-2026-1000", Severity::critical)}).passed);
  EXPECT_FALSE(judge(severities(), {cve("CVE-2026-1000", Severity::high, "2")}).passed);
  GateVerdict review = judge(severities(), {cve("CVE-2026-1000", Severity::high)});
  EXPECT_TRUE(review.passed);
  EXPECT_TRUE(review.needs_review);
  ASSERT_EQ(review.findings.size(), 1u);
  EXPECT_EQ(review.findings[0].why, "high without a fix: review");
  GateVerdict fine = judge(severities(), {cve("CVE-2026-1000", Severity::medium),
                                          cve("CVE-2026-2000", Severity::low, "2")});
  EXPECT_TRUE(fine.passed);
  EXPECT_FALSE(fine.needs_review);
  EXPECT_THAT(fine.findings, IsEmpty());
}

TEST(Gate, UnknownSeverityCountsAsHigh) {
  EXPECT_FALSE(judge(severities(), {cve("CVE-2026-1000", Severity::unknown, "2")}).passed);
  model::Gate gate = severities();
  gate.findings[Severity::unknown] = {};
  EXPECT_TRUE(judge(gate, {cve("CVE-2026-1000", Severity::unknown, "2")}).passed);
}

TEST(Gate, WhatIsExploitedAlwaysFails) {
  model::Finding finding = cve("CVE-2026-1000", Severity::low);
  finding.known_exploited = true;
  model::Gate gate;
  EXPECT_FALSE(judge(gate, {finding}).passed) << "also without rules";
  gate.waivers = {waiver("CVE-2026-1000", "2027-06-01T00:00:00Z")};
  EXPECT_FALSE(judge(gate, {finding}).passed) << "an ordinary waiver does not cover it";
  gate.waivers[0].known_exploited = true;
  EXPECT_TRUE(judge(gate, {finding}).passed);
}

TEST(Gate, WaiversCoverWhileTheyLast) {
  model::Gate gate = severities();
  gate.waivers = {waiver("CVE-2026-1000", "2027-06-01T00:00:00Z")};
  GateVerdict waived = judge(gate, {cve("CVE-2026-1000", Severity::critical, "2")});
  EXPECT_TRUE(waived.passed);
  ASSERT_EQ(waived.findings.size(), 1u);
  EXPECT_TRUE(waived.findings[0].waived);
  EXPECT_EQ(waived.findings[0].why, "waived by alice until 2027-06-01: compiled out");
  EXPECT_THAT(waived.warnings, IsEmpty());

  gate.waivers[0].expires_at = kNow + std::chrono::hours(24 * 10);
  GateVerdict soon = judge(gate, {cve("CVE-2026-1000", Severity::critical)});
  EXPECT_TRUE(soon.passed);
  EXPECT_THAT(soon.warnings,
              ElementsAre(HasSubstr("the waiver of alice for CVE-2026-1000 ends on 2026-12-02")));

  gate.waivers[0].expires_at = kNow;
  GateVerdict over = judge(gate, {cve("CVE-2026-1000", Severity::critical)});
  EXPECT_FALSE(over.passed) << "an expired waiver counts as none";
  EXPECT_THAT(over.warnings, ElementsAre(HasSubstr("ended on 2026-11-22")));
  EXPECT_THAT(judge(gate, {}).warnings, IsEmpty()) << "it concerns nothing here";
}

TEST(Gate, WaiversNameWhatAScannerCallsItButOnlyForThatScanner) {
  model::Gate gate = severities();
  auto waive = [&](const std::string& name) {
    gate.waivers.push_back({.finding = name,
                            .reason = "not reachable",
                            .by = "ada",
                            .expires_at = kNow + std::chrono::hours(24 * 30)});
  };
  auto seen_by = [](const std::string& scanner, const std::string& id) {
    model::Assessment result = assessment(0, 0, 0, model::Completeness::complete);
    result.scanner = scanner;
    result.findings = {cve("CVE-2026-1000", Severity::critical)};
    result.findings[0].finding_id = id;
    result.findings[0].advisory_ids = {"DSA-1-1"};
    return result;
  };
  const std::vector<model::Assessment> one = {seen_by("qualys", "38739")};
  const std::vector<model::Assessment> two = {one[0], seen_by("tenable", "900001")};
  auto passes = [&](const std::vector<model::Assessment>& assessments) {
    return pipeline::evaluate_gate(gate, "web-1/debian-12/1.0", assessments, kNow).passed;
  };
  EXPECT_FALSE(passes(one));
  waive("qualys:38739");
  EXPECT_TRUE(passes(one));
  EXPECT_FALSE(passes(two)) << "nobody accepted what the other one says";
  waive("tenable:900001");
  EXPECT_TRUE(passes(two));
  const GateVerdict verdict = pipeline::evaluate_gate(gate, "web-1/debian-12/1.0", two, kNow);
  EXPECT_EQ(verdict.findings.at(0).waiver, "qualys:38739");
  EXPECT_EQ(Json(verdict).get<GateVerdict>().findings.at(0).waiver, "qualys:38739");
  gate.waivers.clear();
  waive("DSA-1-1");
  EXPECT_TRUE(passes(two)) << "the advisory is the same, whoever names it";
}

TEST(Gate, WaiversCoverOnlyWhatTheyName) {
  model::Gate gate = severities();
  gate.waivers = {waiver("CVE-2026-1000", "2027-06-01T00:00:00Z")};
  gate.waivers[0].images = {"db-*"};
  EXPECT_FALSE(judge(gate, {cve("CVE-2026-1000", Severity::critical)}).passed);
  gate.waivers[0].images = {"web-1/*"};
  EXPECT_TRUE(judge(gate, {cve("CVE-2026-1000", Severity::critical)}).passed);
  gate.waivers[0].package = "curl";
  EXPECT_FALSE(judge(gate, {cve("CVE-2026-1000", Severity::critical)}).passed);
  EXPECT_FALSE(judge(severities(), {cve("CVE-2026-2000", Severity::critical)}).passed);
}

TEST(Gate, WhatIsExploitedFailsEvenIfAScannerHidesIt) {
  model::Finding finding = cve("CVE-2026-1000", Severity::low);
  finding.status = model::FindingStatus::suppressed;
  finding.known_exploited = true;
  EXPECT_FALSE(judge(severities(), {finding}).passed);
}

TEST(Gate, WarnsIfNobodyKnowsWhatIsExploited) {
  model::Assessment result = assessment(0, 0, 0, model::Completeness::complete);
  EXPECT_THAT(evaluate_gate({}, result).warnings, IsEmpty());
  result.advisories.clear();
  EXPECT_THAT(evaluate_gate({}, result).warnings, ElementsAre(HasSubstr("CISA")));
}

TEST(Gate, WhatTheScannersRulesHideIsLookedAt) {
  model::Finding finding = cve("CVE-2026-1000", Severity::critical);
  finding.status = model::FindingStatus::suppressed;
  GateVerdict verdict = judge(severities(), {finding});
  EXPECT_TRUE(verdict.passed);
  EXPECT_TRUE(verdict.needs_review);
}

TEST(Gate, TheLeastCompleteScannerCounts) {
  model::Assessment good = assessment(0, 0, 0, model::Completeness::complete);
  model::Assessment blind = good;
  blind.scanner = "qualys";
  model::lower(blind, model::Completeness::inconclusive, "no host was alive");
  GateVerdict verdict = pipeline::evaluate_gate({}, "a/b/c", {good, blind}, kNow);
  EXPECT_FALSE(verdict.passed);
  EXPECT_THAT(
      verdict.failures,
      ElementsAre(
          "completeness of qualys: inconclusive, at least complete needed: no host was alive"));
  EXPECT_FALSE(pipeline::evaluate_gate({}, "a/b/c", {}, kNow).passed) << "nobody looked";
}

TEST(Gate, LimitsTheAgeOfDataAndTheHardeningScore) {
  model::Gate gate;
  gate.max_data_age = std::chrono::hours(24);
  gate.min_hardening_score = 80;
  model::Assessment result = assessment(0, 0, 0, model::Completeness::complete);
  EXPECT_FALSE(evaluate_gate(gate, result).passed) << "a score is asked for and nobody gave one";
  result.hardening_score = 79.9;
  EXPECT_FALSE(evaluate_gate(gate, result).passed);
  result.hardening_score = 80;
  EXPECT_TRUE(evaluate_gate(gate, result).passed);
  result.advisories = {{"suite", "ab", "2026-01-01T00:00:00Z", "2026-11-22T00:00:00Z"}};
  EXPECT_TRUE(evaluate_gate(gate, result).passed) << "old but fetched today";
  result.advisories[0].fetched_at = "2026-11-20T00:00:00Z";
  EXPECT_FALSE(evaluate_gate(gate, result).passed);
  result.advisories[0].fetched_at = "2036-11-20T00:00:00Z";
  EXPECT_FALSE(evaluate_gate(gate, result).passed) << "a date to come";
  result.advisories.clear();
  EXPECT_THAT(evaluate_gate(gate, result).warnings,
              testing::Contains(testing::HasSubstr("does not say how old its data is")));
}

TEST(Gate, WhatShouldNotBeInAnImageIsJudgedByItsOwnRule) {
  auto judged = [](const model::Gate& gate, Severity severity, const std::string& scanner) {
    model::Assessment look = assessment(0, 0, 0, model::Completeness::complete);
    look.scanner = scanner;
    look.findings = {{.finding_id = "hardening:private-key:/root/key",
                      .kind = model::FindingKind::compliance,
                      .severity = severity,
                      .title = "a private key"}};
    return evaluate_gate(gate, look);
  };
  model::Gate gate;
  gate.max_findings = {{"high", 0}};
  EXPECT_FALSE(judged(gate, Severity::critical, "hallmark").passed);
  EXPECT_THAT(judged(gate, Severity::critical, "hallmark").failures,
              ElementsAre(HasSubstr("a private key")));
  EXPECT_TRUE(judged(gate, Severity::high, "hallmark").passed);
  EXPECT_TRUE(judged(gate, Severity::high, "hallmark").needs_review);
  EXPECT_FALSE(judged(gate, Severity::medium, "hallmark").needs_review);
  EXPECT_TRUE(judged(gate, Severity::critical, "openscap").passed);
  gate.waivers = {{.finding = "hallmark:hardening:private-key:/root/key",
                   .reason = "a test's",
                   .by = "alice",
                   .expires_at = kNow + Duration{3600'000}}};
  EXPECT_TRUE(judged(gate, Severity::critical, "hallmark").passed);
  gate.waivers.clear();
  gate.hardening = {};
  EXPECT_TRUE(judged(gate, Severity::critical, "hallmark").passed);
}

TEST(Gate, ComplianceRulesCountInTheScoreAlone) {
  model::Finding rule = {
      .finding_id = "rule", .kind = model::FindingKind::compliance, .severity = Severity::critical};
  EXPECT_TRUE(judge(severities(), {rule}).passed);
}

}  // namespace
}  // namespace hallmark::pipeline
