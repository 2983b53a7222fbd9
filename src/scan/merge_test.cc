#include "scan/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::scan {
namespace {

using model::Assessment;
using model::Finding;
using model::Severity;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Assessment by(const std::string& scanner, std::vector<Finding> findings) {
  Assessment assessment;
  assessment.scanner = scanner;
  assessment.findings = std::move(findings);
  return assessment;
}

Finding finding(const std::string& id, std::vector<std::string> cves, const std::string& package,
                Severity severity = Severity::medium) {
  return {.finding_id = id, .cves = std::move(cves), .package = package, .severity = severity};
}

TEST(Merge, TwoScannersWordsOnOneThingAreOneRecord) {
  auto merged =
      merge({by("qualys", {finding("1", {"CVE-2026-1000"}, "openssl", Severity::high)}),
             by("tenable", {finding("2", {"CVE-2026-1000"}, "openssl", Severity::critical)})});
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_EQ(merged[0].severity, Severity::critical);
  EXPECT_THAT(merged[0].observations, SizeIs(2));
  EXPECT_EQ(merged[0].id, "CVE-2026-1000");
}

TEST(Merge, WhatHasNoCveStaysByItself) {
  auto merged = merge(
      {by("qualys", {finding("1", {}, "openssl")}), by("tenable", {finding("1", {}, "openssl")})});
  ASSERT_THAT(merged, SizeIs(2));
  EXPECT_EQ(merged[0].id, "qualys:1");
  EXPECT_EQ(merged[1].id, "tenable:1");
}

TEST(Merge, AFindingWithSeveralCvesIsSeenInEach) {
  auto merged = merge({by("tenable", {finding("1", {"CVE-2026-1000", "CVE-2026-2000"}, "curl")}),
                       by("inspector", {finding("2", {"CVE-2026-2000"}, "curl")})});
  ASSERT_THAT(merged, SizeIs(2));
  EXPECT_THAT(merged[0].observations, SizeIs(1));
  EXPECT_THAT(merged[1].observations, SizeIs(2));
}

TEST(Merge, AFindingWithoutPackageJoinsThoseThatNameOne) {
  auto merged = merge({by("qualys", {finding("1", {"CVE-2026-1000"}, "", Severity::critical)}),
                       by("inspector", {finding("2", {"CVE-2026-1000"}, "curl"),
                                        finding("3", {"CVE-2026-1000"}, "libcurl4")})});
  ASSERT_THAT(merged, SizeIs(2));
  for (const MergedFinding& record : merged) {
    EXPECT_EQ(record.severity, Severity::critical) << record.package;
    EXPECT_THAT(record.observations, SizeIs(2));
  }
  EXPECT_THAT(merge({by("qualys", {finding("1", {"CVE-2026-1000"}, "")})}), SizeIs(1));
}

TEST(Merge, ManyWithoutAPackageAreOneObservationOfEachOfManyPackages) {
  constexpr int kMany = 3000;
  std::vector<Finding> named;
  std::vector<Finding> nameless;
  for (int i = 0; i < kMany; ++i) {
    named.push_back(finding(std::to_string(i), {"CVE-2026-1000"}, "p" + std::to_string(i)));
    nameless.push_back(finding(std::to_string(i), {"CVE-2026-1000"}, ""));
  }
  nameless.back().severity = Severity::critical;
  auto merged = merge({by("a", named), by("b", nameless), by("c", nameless)});
  ASSERT_THAT(merged, SizeIs(kMany));
  for (const MergedFinding& record : merged) {
    ASSERT_THAT(record.observations, SizeIs(1 + 2 * 16));
    EXPECT_EQ(record.severity, Severity::critical) << "the worst of them all";
    EXPECT_EQ(record.observations.back().finding, kMany - 1u) << "and it is shown";
  }
}

TEST(Merge, UnknownSeverityGivesWayToAKnownOne) {
  auto merged = merge({by("a", {finding("1", {"CVE-2026-1000"}, "x", Severity::unknown)}),
                       by("b", {finding("2", {"CVE-2026-1000"}, "x", Severity::info)})});
  EXPECT_EQ(merged.at(0).severity, Severity::info);
}

TEST(Merge, OneScannersSuppressionDoesNotHideIt) {
  Finding hidden = finding("1", {"CVE-2026-1000"}, "x");
  hidden.status = model::FindingStatus::suppressed;
  EXPECT_TRUE(merge({by("a", {hidden})}).at(0).suppressed);
  EXPECT_FALSE(
      merge({by("a", {hidden}), by("b", {finding("2", {"CVE-2026-1000"}, "x")})}).at(0).suppressed);
}

TEST(Merge, TheWorstComesFirst) {
  auto merged = merge({by(
      "a", {finding("low", {}, "", Severity::low), finding("critical", {}, "", Severity::critical),
            finding("unknown", {}, "", Severity::unknown)})});
  EXPECT_THAT((std::vector<std::string>{merged[0].id, merged[1].id, merged[2].id}),
              ElementsAre("a:critical", "a:low", "a:unknown"));
  Counts counts = count(list_of(merged));
  EXPECT_EQ(counts.critical + counts.low + counts.unknown, 3);
}

TEST(Merge, ChangeTellsNewFixedAndUnchanged) {
  auto before = merge(
      {by("a", {finding("1", {"CVE-2026-1000"}, "x"), finding("2", {"CVE-2026-2000"}, "x")})});
  auto after = merge(
      {by("b", {finding("9", {"CVE-2026-2000"}, "x"), finding("8", {"CVE-2026-3000"}, "x")})});
  Change told = change(list_of(before), list_of(after));
  ASSERT_THAT(told.introduced, SizeIs(1));
  ASSERT_THAT(told.unchanged, SizeIs(1));
  ASSERT_THAT(told.fixed, SizeIs(1));
  EXPECT_EQ(told.introduced[0]->id, "CVE-2026-3000");
  EXPECT_EQ(told.unchanged[0]->id, "CVE-2026-2000");
  EXPECT_EQ(told.fixed[0]->id, "CVE-2026-1000");
  EXPECT_THAT(change({}, {}).introduced, IsEmpty());
}

}  // namespace
}  // namespace hallmark::scan
