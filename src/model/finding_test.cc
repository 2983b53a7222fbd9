#include "model/finding.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/assessment.h"

namespace hallmark::model {
namespace {

TEST(Finding, TakesOnlyRealCveIds) {
  EXPECT_EQ(normal_cve("cve-2026-1234"), "CVE-2026-1234");
  EXPECT_EQ(normal_cve("CVE-2026-1234567"), "CVE-2026-1234567");
  for (const char* bad : {"", "CVE", "CVE-2026-123", "CVE-26-1234", "CVE-2026-12a4", "DSA-5380-1",
                          "CVE-2026-", "CVE_2026-1234", "CVE-2026-12345678901234567890"}) {
    EXPECT_EQ(normal_cve(bad), "") << bad;
  }
}

TEST(Finding, SplitsListsOfCvesAndLosesNothing) {
  std::vector<std::string> other;
  EXPECT_EQ(split_cves(" CVE-2023-20002,cve-2023-10001 ,\nCVE-2023-20002, XVE-1 ", other),
            (std::vector<std::string>{"CVE-2023-10001", "CVE-2023-20002"}));
  EXPECT_EQ(other, std::vector<std::string>{"XVE-1"});
  EXPECT_TRUE(split_cves("", other).empty());
}

TEST(Finding, MakesForeignTextSafe) {
  EXPECT_EQ(safe_text("plain\n\ttext \xc3\xa9"), "plain\n\ttext \xc3\xa9");
  EXPECT_EQ(safe_text("a\x1b[31mred\x07\rb"), "a[31mredb");
  EXPECT_EQ(safe_text("evil\xe2\x80\xaetxt.exe"), "eviltxt.exe");
  EXPECT_EQ(safe_text("bad \xff\xc0\xaf"), "bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(safe_text("\xed\xa0\x80").size(), 9u) << "a surrogate is no character";
  EXPECT_EQ(safe_text("abcdef", 6), "abcdef");
  EXPECT_EQ(safe_text("abcdefg", 6), "abc\xe2\x80\xa6");
  EXPECT_LE(safe_text(std::string(100000, 'x')).size(), kEvidenceLimit);
  EXPECT_EQ(safe_text("\xc3\xa9\xc3\xa9\xc3\xa9", 5), "\xc3\xa9\xe2\x80\xa6")
      << "never half a character";
}

TEST(Finding, ScoresHaveBands) {
  EXPECT_EQ(severity_of_score(0), Severity::info);
  EXPECT_EQ(severity_of_score(0.1), Severity::low);
  EXPECT_EQ(severity_of_score(4), Severity::medium);
  EXPECT_EQ(severity_of_score(6.9), Severity::medium);
  EXPECT_EQ(severity_of_score(7), Severity::high);
  EXPECT_EQ(severity_of_score(9), Severity::critical);
}

TEST(Finding, LeavesEmptyMembersOut) {
  Json json = Finding{.finding_id = "x"};
  EXPECT_EQ(json.size(), 4u) << json.dump();
  EXPECT_EQ(Json(json.get<Finding>()), json);
}

TEST(Finding, UnknownWordsAreCorrupt) {
  Json json = Finding{.finding_id = "x"};
  json["kind"] = "hunch";
  EXPECT_THROW(json.get<Finding>(), Error);
  EXPECT_THROW(fix_state_from("maybe"), Error);
}

TEST(Assessment, NeverGetsMoreCompleteByAReason) {
  Assessment assessment;
  assessment.completeness = Completeness::inconclusive;
  lower(assessment, Completeness::partial, "a page was missing");
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  lower(assessment, Completeness::failed, "the scan failed");
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_EQ(assessment.reasons.size(), 2u);
}

}  // namespace
}  // namespace hallmark::model
