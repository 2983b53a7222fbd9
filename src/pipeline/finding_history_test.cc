#include "pipeline/finding_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::pipeline {
namespace {

using model::Severity;
using testing::IsEmpty;
using testing::SizeIs;

FindingAge age(const char* product, Severity severity, const char* seen, const char* fixed = "") {
  FindingAge made{.product = product, .os = "Debian-12", .severity = severity};
  made.first_seen_at = from_rfc3339(seen);
  if (*fixed != '\0') made.fixed_at = from_rfc3339(fixed);
  return made;
}

const TimePoint kNow = from_rfc3339("2026-11-20T12:00:00Z");

TEST(FindingHistory, CountsWhatWasOpenAtTheEndOfEachDay) {
  const auto days = findings_by_day(
      {age("Web-1", Severity::high, "2026-10-01T00:00:00Z"),
       age("Web-1", Severity::high, "2026-11-18T23:59:59Z", "2026-11-20T00:00:00Z"),
       age("Web-1", Severity::low, "2026-11-19T01:00:00Z", "2026-11-19T02:00:00Z"),
       age("Web-1", Severity::critical, "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z")},
      3, kNow);
  ASSERT_THAT(days, SizeIs(3));
  EXPECT_EQ(days[0].day, "2026-11-18");
  EXPECT_EQ(days[2].day, "2026-11-20");
  EXPECT_EQ(days[0].open, (CountsBySeverity{{Severity::high, 2}}));
  EXPECT_EQ(days[1].open, (CountsBySeverity{{Severity::high, 2}}));
  EXPECT_EQ(days[2].open, (CountsBySeverity{{Severity::high, 1}}));
}

TEST(FindingHistory, TellsOfEachProduct) {
  const Json json = finding_history({age("Web-1", Severity::high, "2026-11-20T00:00:00Z"),
                                     age("Base-1", Severity::low, "2026-11-20T00:00:00Z")},
                                    2, kNow);
  EXPECT_EQ(json["all"][1]["open"], Json({{"high", 1}, {"low", 1}}));
  EXPECT_THAT(json["all"][0]["open"], IsEmpty());
  ASSERT_THAT(json["products"], SizeIs(2));
  EXPECT_EQ(json["products"][0]["product"], "Base-1/Debian-12");
  EXPECT_EQ(json["products"][0]["days"][1]["open"], Json({{"low", 1}}));
}

}  // namespace
}  // namespace hallmark::pipeline
