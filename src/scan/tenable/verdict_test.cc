#include "scan/tenable/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace hallmark::scan::tenable {
namespace {

using model::Completeness;
using model::Login;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NessusHost good_host() {
  NessusHost host;
  host.name = "10.0.0.9";
  host.properties = {{"Credentialed_Scan", "true"}, {"HOST_END", "Thu Jun 10 11:37:06 2021"}};
  host.item_count = 1;
  host.whole = true;
  host.credential_word = "yes, as 'root' via ssh";
  host.plugin_feed = "202611220530";
  host.findings = {{.finding_id = "9", .package = "b"},
                   {.finding_id = "1", .package = "b"},
                   {.finding_id = "5", .package = "a"}};
  return host;
}

model::Assessment judged(std::vector<NessusHost> hosts, std::string damage = "") {
  NessusReport report;
  report.hosts = std::move(hosts);
  report.damage = std::move(damage);
  model::Assessment assessment;
  assessment.completeness = Completeness::complete;
  take_report(std::move(report), {.machine_id = "i-1", .ip = "10.0.0.9"}, assessment);
  return assessment;
}

void expect(const model::Assessment& assessment, Completeness completeness, const char* reason) {
  EXPECT_EQ(to_string(assessment.completeness), to_string(completeness));
  EXPECT_THAT(assessment.reasons, testing::Contains(HasSubstr(reason)));
}

TEST(TenableVerdict, AWholeLookWithALoginIsComplete) {
  model::Assessment assessment = judged({good_host()});
  EXPECT_EQ(to_string(assessment.completeness), "complete");
  EXPECT_THAT(assessment.reasons, IsEmpty());
  EXPECT_EQ(assessment.login, Login::yes);
  ASSERT_EQ(assessment.findings.size(), 3u);
  EXPECT_EQ(assessment.findings[0].package, "a");
  EXPECT_EQ(assessment.findings[1].finding_id, "1");
  ASSERT_EQ(assessment.advisories.size(), 1u);
  EXPECT_EQ(assessment.advisories[0].valid_from, "2026-11-22T05:30:00.000Z");
}

TEST(TenableVerdict, TheRecordedScanLooksCleanAndIsNot) {
  model::Assessment assessment;
  assessment.completeness = Completeness::complete;
  judge_status("completed", assessment);
  take_report(read_nessus(read_file(HALLMARK_TENABLE_TESTDATA "/recorded.nessus")),
              {.ip = "162.159.129.83"}, assessment);
  for (const model::Finding& finding : assessment.findings) {
    EXPECT_EQ(finding.severity, model::Severity::info);
  }
  expect(assessment, Completeness::inconclusive, "could not log in");
  EXPECT_EQ(assessment.login, Login::no);
}

TEST(TenableVerdict, NoLoginIsInconclusiveAndTheWorseWordCounts) {
  NessusHost host = good_host();
  host.properties["Credentialed_Scan"] = "false";
  expect(judged({host}), Completeness::inconclusive, "could not log in");
  host = good_host();
  host.credential_word = "no";
  expect(judged({host}), Completeness::inconclusive, "could not log in");
  host = good_host();
  host.properties.erase("Credentialed_Scan");
  EXPECT_EQ(judged({host}).login, Login::yes);
  host.credential_word.clear();
  expect(judged({host}), Completeness::inconclusive, "does not say");
  host.properties["Credentialed_Scan"] = "maybe";
  expect(judged({host}), Completeness::inconclusive, "does not say");
}

TEST(TenableVerdict, NoHostOrAnotherOneIsInconclusive) {
  expect(judged({}), Completeness::inconclusive, "no host: 10.0.0.9 did not answer");
  NessusHost other = good_host();
  other.name = "192.0.2.66";
  model::Assessment assessment = judged({other});
  expect(assessment, Completeness::inconclusive, "of 192.0.2.66, not of 10.0.0.9");
  EXPECT_THAT(assessment.findings, IsEmpty());
}

TEST(TenableVerdict, TheTargetIsFoundByItsAddressTooAndOthersAreLeftOut) {
  NessusHost host = good_host();
  host.name = "candidate.internal";
  host.properties["host-ip"] = "10.0.0.9";
  NessusHost other = good_host();
  other.name = "10.0.0.99";
  model::Assessment assessment = judged({other, host});
  expect(assessment, Completeness::partial, "1 other machines");
  EXPECT_EQ(assessment.findings.size(), 3u);
  expect(judged({good_host(), good_host()}), Completeness::inconclusive, "more than once");
}

TEST(TenableVerdict, WhatIsCutOffOrUnfinishedIsPartial) {
  expect(judged({good_host()}, "no element found at line 3"), Completeness::partial, "breaks off");
  NessusHost host = good_host();
  host.properties.erase("HOST_END");
  expect(judged({host}), Completeness::partial, "has no end");
  host = good_host();
  host.lacked_rights = true;
  expect(judged({host}), Completeness::partial, "not allowed to see everything");
  host = good_host();
  host.item_count = 0;
  expect(judged({host}), Completeness::inconclusive, "no check reported");
}

TEST(TenableVerdict, OfEachStatus) {
  auto completeness = [](std::string_view status) {
    model::Assessment assessment;
    assessment.completeness = Completeness::complete;
    judge_status(status, assessment);
    return to_string(assessment.completeness);
  };
  EXPECT_EQ(completeness("completed"), "complete");
  for (const char* status : {"aborted", "canceled", "stopped"}) {
    EXPECT_TRUE(has_ended(status)) << status;
    EXPECT_TRUE(has_results(status)) << status;
    EXPECT_EQ(completeness(status), "partial") << status;
  }
  EXPECT_TRUE(has_ended("imported"));
  EXPECT_FALSE(has_results("imported"));
  EXPECT_EQ(completeness("imported"), "failed");
  // "paused" and "stopping" look like the end and are not; neither is a word that nobody knows.
  for (const char* status :
       {"empty", "initializing", "pending", "running", "resuming", "publishing", "processing",
        "pausing", "paused", "stopping", "quiesced", ""}) {
    EXPECT_FALSE(has_ended(status)) << status;
    EXPECT_FALSE(has_results(status)) << status;
    EXPECT_EQ(completeness(status), "failed") << status;
  }
}

TEST(TenableVerdict, ScoresTheRulesThatWereDecided) {
  NessusHost host = good_host();
  EXPECT_FALSE(judged({host}).hardening_score);
  host.rules = {.passed = 3, .failed = 1, .not_checked = 2};
  model::Assessment assessment = judged({host});
  EXPECT_EQ(assessment.hardening_score, 75.0);
  EXPECT_EQ(assessment.checks->not_checked, 2);
}

TEST(TenableVerdict, TheFeedsDate) {
  EXPECT_EQ(feed_date("202106091012"), "2021-06-09T10:12:00.000Z");
  for (const char* bad : {"", "2021", "20210609101x", "202113091012", "2021060910123"}) {
    EXPECT_EQ(feed_date(bad), "") << bad;
  }
}

}  // namespace
}  // namespace hallmark::scan::tenable
