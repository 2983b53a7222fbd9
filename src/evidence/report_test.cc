#include "evidence/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/fixture.h"

namespace hallmark::evidence {
namespace {

using testing::HasSubstr;
using testing::Not;

Subject compared() {
  Subject subject = small_subject();
  subject.previous = Previous{"web/debian-12/1.3.0", {subject.findings.at(0)}};
  subject.previous->findings.push_back(subject.findings.at(0));
  subject.previous->findings.back().id = "CVE-2026-9000";
  subject.previous->completeness = model::Completeness::partial;
  subject.source = Previous{subject.source_image_id, {}};
  subject.rules = {.failures = {"pending updates: 1, at most 0 allowed"},
                   .reviews = {"a person must look"},
                   .passes = {"completeness: complete"},
                   .warnings = {"a waiver ends soon"}};
  return subject;
}

TEST(ReportJson, HasEveryScannerFindingVerdictAndChange) {
  const Json json = report_json(compared());
  EXPECT_EQ(json["completeness"], "partial");
  ASSERT_EQ(json["scanners"].size(), 2u);
  EXPECT_EQ(json["scanners"][1]["scanner"], "qualys");
  EXPECT_EQ(json["scanners"][1]["completeness"], "partial");
  EXPECT_EQ(json["scanners"][1]["reasons"][0], "the login failed on one host");
  EXPECT_EQ(json["scanners"][1]["counts"]["critical"], 1);
  ASSERT_EQ(json["findings"].size(), 3u);
  const Json& worst = json["findings"][0];
  EXPECT_EQ(worst["id"], "CVE-2026-1000");
  EXPECT_EQ(worst["scanners"], Json({"hallmark", "qualys"}));
  EXPECT_EQ(worst["verdict"], "fail");
  EXPECT_EQ(worst["why"], "critical with a fix fails");
  EXPECT_EQ(json["findings"][1]["why"], "a hardening rule counts in the score only");
  EXPECT_EQ(json["findings"][2]["verdict"], "waived");
  EXPECT_EQ(json["change_since_previous"]["since"], "web/debian-12/1.3.0");
  EXPECT_EQ(json["change_since_previous"]["unchanged"], 1);
  EXPECT_EQ(json["change_since_previous"]["introduced"].size(), 2u);
  EXPECT_EQ(json["change_since_previous"]["fixed"][0]["id"], "CVE-2026-9000");
  EXPECT_EQ(json["change_since_source"]["introduced"].size(), 3u);
  EXPECT_EQ(json["rules"]["failures"][0], "pending updates: 1, at most 0 allowed");
  EXPECT_EQ(json["approved"], true);
}

TEST(ReportJson, WithoutAnythingToCompareWithSaysNothing) {
  const Json json = report_json(empty_subject());
  EXPECT_TRUE(json["change_since_previous"].is_null());
  EXPECT_TRUE(json["change_since_source"].is_null());
  EXPECT_TRUE(json["approved"].is_null());
  EXPECT_TRUE(json["findings"].empty());
}

TEST(ReportText, ShowsWhatADecisionNeeds) {
  const std::string text = report_text(report_json(compared()));
  for (const char* part :
       {"web/debian-12/1.4.0", "Not everything was seen (partial)", "qualys: the login failed",
        "pending updates: 1", "a person must look", "a waiver ends soon",
        "Change since web/debian-12/1.3.0: 1 gone, 2 new, 1 unchanged",
        "not everything was seen there (partial)", "Change since the source image ami-",
        "CVE-2026-9000", "hallmark qualys", "bob said approve at", "evidence: ffff"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_LT(text.find("fail     critical"), text.find("waived   low"));
  EXPECT_LT(text.find("waived   low"), text.find("pass     medium"));
}

TEST(ReportText, ComparesOnlyWhatTheSameScannersSaw) {
  Subject subject = small_subject();
  subject.source = Previous{subject.source_image_id, {}};
  subject.source->scanners = {"hallmark"};
  EXPECT_THAT(report_text(report_json(subject)), HasSubstr("0 gone, 2 new, 0 unchanged"));
  EXPECT_THAT(report_text(report_json(subject)), HasSubstr("as far as these saw both: hallmark"));
  subject.source->scanners.clear();
  EXPECT_THAT(report_text(report_json(subject)), HasSubstr("0 gone, 3 new, 0 unchanged"));
}

TEST(ReportText, HasNoControlCharacters) {
  const std::string text = report_text(report_json(hostile_subject()));
  for (char c : text) {
    EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' || c == '\n') << static_cast<int>(c);
  }
  EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_EQ(compact(report_json(hostile_subject())).find("\\u001b"), std::string::npos);
}

TEST(WhyText, SaysOfEachFindingWhy) {
  const Json report = report_json(compared());
  const std::string text = why_text(report, false);
  for (const char* part :
       {"fails", "pending updates: 1", "CVE-2026-1000 in libssl3: critical with a fix fails",
        "CVE-2026-2000 in tzdata: waived by alice until 2027-01-01T00:00:00.000Z: no time zone",
        "1 more findings passed"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("qualys:105")));
  EXPECT_THAT(why_text(report, true),
              HasSubstr("qualys:105: a hardening rule counts in the score"));
}

TEST(ReportText, SaysHowManyItDoesNotList) {
  Subject subject = small_subject();
  subject.findings.resize(kMostLines + 7, subject.findings.back());
  EXPECT_THAT(report_text(report_json(subject)), HasSubstr("  7 more are in report.json"));
}

TEST(ReportText, OfADiskThatNobodyDecidesOnHasNoDecisions) {
  Subject subject = empty_subject();
  EXPECT_THAT(report_text(report_json(subject)), HasSubstr("not decided yet"));
  subject.run_id.clear();
  EXPECT_THAT(report_text(report_json(subject)), Not(HasSubstr("Decisions")));
}

}  // namespace
}  // namespace hallmark::evidence
