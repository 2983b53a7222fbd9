#include "pipeline/compliance_verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cloud/memory/memory_enforcement.h"

namespace hallmark::pipeline {
namespace {

using cloud::PlaceCompliance;
using testing::HasSubstr;

constexpr TimePoint kNow{std::chrono::hours(24 * 365 * 50)};

PlaceReport place_of(const std::string& account, const std::vector<Verdict>& verdicts) {
  static const std::string kReason = "because";
  PlaceReport place;
  place.facts.place = {account, "us-east-1"};
  for (Verdict verdict : verdicts) {
    Resource resource;
    resource.id = "i-" + std::to_string(place.facts.resources.size());
    place.facts.resources.push_back(std::move(resource));
    place.rulings.of.push_back({verdict, &kReason, &kReason});
  }
  return place;
}

TEST(PlaceVerdict, IsTheWorstOfAllThatIsThere) {
  const auto fine =
      verdict_on(place_of("1", {Verdict::compliant, Verdict::exempt, Verdict::superseded}), kNow);
  EXPECT_EQ(fine.compliance, PlaceCompliance::compliant);
  EXPECT_EQ(fine.text, "0 of 3 not compliant");
  EXPECT_EQ(fine.at, kNow);
  const auto bad = verdict_on(
      place_of("1", {Verdict::compliant, Verdict::unknown, Verdict::non_compliant}), kNow);
  EXPECT_EQ(bad.compliance, PlaceCompliance::non_compliant);
  EXPECT_EQ(bad.text, "2 of 3 not compliant: i-1, i-2");
}

TEST(PlaceVerdict, NamesAFewOnly) {
  const auto verdict =
      verdict_on(place_of("1", std::vector<Verdict>(1000, Verdict::non_compliant)), kNow);
  EXPECT_EQ(verdict.text, "1000 of 1000 not compliant: i-0, i-1, i-2, i-3, i-4, ..");
}

TEST(PlaceVerdict, OnNothingIsNotApplicable) {
  EXPECT_EQ(verdict_on(place_of("1", {}), kNow).compliance, PlaceCompliance::not_applicable);
}

TEST(PlaceVerdict, FailsClosedWhereItCouldNotLook) {
  PlaceReport place = place_of("1", {});
  place.problems = {"machines: denied"};
  const auto verdict = verdict_on(place, kNow);
  EXPECT_EQ(verdict.compliance, PlaceCompliance::non_compliant);
  EXPECT_THAT(verdict.text, HasSubstr("not looked at: machines: denied"));
}

TEST(PutVerdicts, OnePlaceKeepsNoOtherFromIt) {
  ComplianceReport report;
  report.checked_at = kNow;
  for (int i = 0; i < 20; ++i) {
    report.places.push_back(place_of(std::to_string(i), {Verdict::compliant}));
  }
  cloud::MemoryEnforcement enforcement;
  enforcement.refused = "7";
  const auto put = put_verdicts(enforcement, report, "golden", {});
  EXPECT_EQ(enforcement.verdicts.size(), 19u);
  EXPECT_EQ((enforcement.verdicts[{"3", "us-east-1", "golden"}].text), "0 of 1 not compliant");
  for (const PutVerdict& one : put) {
    EXPECT_EQ(one.problem.empty(), one.place.account_id != "7") << one.problem;
  }
  EXPECT_THAT(put[7].problem, HasSubstr("7 is denied"));
}

TEST(PutVerdicts, EndsWhenItIsToldTo) {
  ComplianceReport report;
  report.places.push_back(place_of("1", {}));
  cloud::MemoryEnforcement enforcement;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(put_verdicts(enforcement, report, "golden", stop.get_token()), Error);
}

}  // namespace
}  // namespace hallmark::pipeline
