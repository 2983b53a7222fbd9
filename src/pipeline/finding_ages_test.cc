/// How long findings are open, and how long it takes to fix them.

#include "pipeline/finding_ages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/fixture.h"

namespace hallmark::pipeline {
namespace {

using namespace std::chrono_literals;
using model::Severity;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kDay = 24h;

scan::MergedFinding merged(const std::string& id, Severity severity) {
  return {.cve = id, .package = "openssl", .id = id, .severity = severity};
}

model::Finding finding(const std::string& cve, Severity severity) {
  model::Finding finding;
  finding.finding_id = cve;
  finding.cves = {cve};
  finding.package = "openssl";
  finding.severity = severity;
  return finding;
}

class FindingAges : public testing::Test {
 protected:
  static ProductOptions options(model::Assessment& seen) {
    ProductOptions options;
    options.assess = [&seen](const model::Inventory&) { return seen; };
    return options;
  }
  GoldenImage build(const std::string& version) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.version = version;
    // Findings do not keep these from being active.
    pipeline.gate.max_pending_updates = 1000;
    return fixture_.product.golden(pipeline);
  }
  Context& context() { return *fixture_.product.context; }
  void observe(const GoldenImage& image, const std::vector<scan::MergedFinding>& findings,
               bool all_seen = true) {
    observe_findings(context(), image, findings, all_seen);
  }
  AgeReport report(Duration since = 365 * kDay) {
    const TimePoint now = fixture_.clock.now();
    return summarize_ages(list_finding_ages(context().database, now - since), now);
  }

  model::Assessment seen_ = assessment_with(0);
  Fixture fixture_{options(seen_)};
};

TEST_F(FindingAges, CountFromFirstSeenToTheVersionWithoutIt) {
  const GoldenImage one = build("1");
  observe(one, {merged("CVE-1", Severity::critical), merged("CVE-2", Severity::low)});
  fixture_.clock.advance(10 * kDay);
  observe(one, {merged("CVE-1", Severity::critical), merged("CVE-2", Severity::low),
                merged("CVE-3", Severity::critical)});
  fixture_.clock.advance(2 * kDay);
  AgeReport open = report();
  EXPECT_EQ(open.all[Severity::critical].open, 2);
  EXPECT_EQ(open.all[Severity::critical].median_age, 7 * kDay);
  EXPECT_EQ(open.all[Severity::critical].oldest_age, 12 * kDay);
  EXPECT_EQ(open.all[Severity::critical].fixed, 0);
  EXPECT_THAT(open.products, SizeIs(1));

  const GoldenImage two = build("2");
  observe(two, {merged("CVE-2", Severity::low)});
  fixture_.clock.advance(1 * kDay);
  AgeReport fixed = report();
  EXPECT_EQ(fixed.all[Severity::critical].open, 0);
  EXPECT_EQ(fixed.all[Severity::critical].fixed, 2);
  EXPECT_EQ(fixed.all[Severity::low].open, 1);
  const Duration slack = 1h;  // builds take their time
  EXPECT_NEAR(static_cast<double>(fixed.all[Severity::critical].mean_time_to_fix.count()),
              static_cast<double>(Duration(7 * kDay).count()),
              static_cast<double>(Duration(slack).count()));
  EXPECT_EQ(fixed.products.at("Web-1.0/Debian-12").at(Severity::low).open, 1);
}

TEST_F(FindingAges, AreListedByPagesAndCountedAsTheyAre) {
  const GoldenImage one = build("1");
  const TimePoint begun = fixture_.clock.now();
  observe(one, {merged("CVE-1", Severity::critical), merged("CVE-2", Severity::low)});
  fixture_.clock.advance(1 * kDay);
  observe(one, {merged("CVE-2", Severity::low), merged("CVE-3", Severity::low)});
  db::Database& database = context().database;
  auto counted = count_open_findings(database);
  EXPECT_THAT(counted, SizeIs(1));
  EXPECT_EQ(counted[Severity::low].count, 2);
  EXPECT_EQ(counted[Severity::low].oldest, begun);

  FindingQuery query{.page = {.limit = 1, .after = ""}};
  FindingPage page = list_open_findings(database, query);
  ASSERT_THAT(page.findings, SizeIs(1));
  EXPECT_EQ(page.findings[0].finding_id, "CVE-3");
  query.page.after = page.next;
  page = list_open_findings(database, query);
  ASSERT_THAT(page.findings, SizeIs(1));
  EXPECT_EQ(page.findings[0].finding_id, "CVE-2");
  EXPECT_EQ(page.next, "");
  EXPECT_THAT(list_open_findings(database, {.products = {"Web-*"}}).findings, SizeIs(2));
  EXPECT_THAT(list_open_findings(database, {.severities = {Severity::critical}}).findings,
              IsEmpty());
  EXPECT_THAT(list_open_findings(database, {.systems = {"Other"}}).findings, IsEmpty());
}

TEST_F(FindingAges, AnOlderVersionDoesNotCount) {
  const GoldenImage one = build("1");
  fixture_.clock.advance(1h);
  const GoldenImage two = build("2");
  observe(one, {merged("CVE-1", Severity::critical)});
  EXPECT_THAT(report().all, IsEmpty());
  observe(two, {merged("CVE-2", Severity::critical)});
  observe(one, {});
  EXPECT_EQ(report().all[Severity::critical].open, 1);
}

TEST_F(FindingAges, OneThatComesBackIsAnotherOne) {
  const GoldenImage one = build("1");
  for (int i = 0; i < 2; ++i) {
    observe(one, {merged("CVE-1", Severity::high)});
    fixture_.clock.advance(3 * kDay);
    observe(one, {});
    observe(one, {});
    fixture_.clock.advance(1 * kDay);
  }
  EXPECT_EQ(report().all[Severity::high].fixed, 2);
  EXPECT_EQ(report().all[Severity::high].median_time_to_fix, 3 * kDay);
  // Those that were fixed long ago are left out.
  EXPECT_EQ(report(2 * kDay).all[Severity::high].fixed, 1);
}

TEST_F(FindingAges, WhatNobodyCouldSeeIsNotFixed) {
  const GoldenImage one = build("1");
  observe(one, {merged("CVE-1", Severity::high)});
  observe(one, {merged("CVE-2", Severity::high)}, false);
  EXPECT_EQ(report().all[Severity::high].open, 2);
  EXPECT_EQ(report().all[Severity::high].fixed, 0);
}

TEST_F(FindingAges, ItHasTheSeverityThatWasSaidLast) {
  const GoldenImage one = build("1");
  observe(one, {merged("CVE-1", Severity::unknown)});
  fixture_.clock.advance(1 * kDay);
  observe(one, {merged("CVE-1", Severity::critical)});
  EXPECT_THAT(report().all, SizeIs(1));
  EXPECT_EQ(report().all[Severity::critical].oldest_age, 1 * kDay);
}

TEST_F(FindingAges, WhatNobodyHoldsAgainstItDoesNotCount) {
  const GoldenImage one = build("1");
  scan::MergedFinding hidden = merged("CVE-1", Severity::high);
  hidden.suppressed = true;
  scan::MergedFinding information = merged("qualys:1", Severity::info);
  information.kind = model::FindingKind::information;
  observe(one, {hidden, information});
  EXPECT_THAT(report().all, IsEmpty());
}

TEST_F(FindingAges, BuildsAndReassessmentsKeepThem) {
  seen_.findings = {finding("CVE-1", Severity::low)};
  build("1");
  EXPECT_EQ(report().all[Severity::low].open, 1);
  fixture_.clock.advance(5 * kDay);
  seen_.findings.push_back(finding("CVE-2", Severity::medium));
  seen_.assessed_at = to_rfc3339(fixture_.clock.now());
  fixture_.product.drive(start_reassess(*fixture_.product.engine, context()));
  EXPECT_EQ(report().all[Severity::medium].open, 1);
  fixture_.clock.advance(2 * kDay);
  seen_.findings.clear();
  seen_.assessed_at = to_rfc3339(fixture_.clock.now());
  build("2");
  EXPECT_EQ(report().all[Severity::low].open, 0);
  EXPECT_EQ(report().all[Severity::low].fixed, 1);
  EXPECT_GE(report().all[Severity::low].mean_time_to_fix, 7 * kDay);
  EXPECT_EQ(report().all[Severity::medium].fixed, 1);
}

TEST(AgesCsv, HasARowForEachProductAndSeverity) {
  const TimePoint now = from_rfc3339("2026-11-22T12:00:00Z");
  const auto of = [&](const char* product, Severity severity, std::optional<TimePoint> fixed) {
    return FindingAge{.product = product,
                      .os = "Debian-12",
                      .finding_id = "CVE-1",
                      .severity = severity,
                      .first_seen_at = now - 36h,
                      .fixed_at = fixed};
  };
  const std::string csv =
      ages_csv(summarize_ages({of("Web-1.0", Severity::low, {}), of("Db-1.0", Severity::high, now),
                               of("Web-1.0", Severity::high, {})},
                              now));
  EXPECT_THAT(csv, HasSubstr("Db-1.0/Debian-12,high,0,0.00,0.00,1,1.50,1.50,0\r\n"));
  EXPECT_THAT(csv, HasSubstr("Web-1.0/Debian-12,high,1,1.50,1.50,0,0.00,0.00,0\r\n"
                             "Web-1.0/Debian-12,low,1,1.50,1.50,0,0.00,0.00,0\r\n"
                             "all,high,1,1.50,1.50,1,1.50,1.50,0\r\n"));
}

TEST_F(FindingAges, WhatIsWaivedIsCountedApartUntilTheWaiverEnds) {
  seen_.findings = {finding("CVE-1", Severity::high), finding("CVE-2", Severity::high)};
  model::Pipeline pipeline = sample_pipeline();
  pipeline.gate.max_pending_updates = 1000;
  pipeline.gate.waivers = {{.finding = "CVE-1",
                            .reason = "not reachable",
                            .by = "ada",
                            .expires_at = fixture_.clock.now() + 5 * kDay}};
  fixture_.product.golden(pipeline);
  const auto now = [&] {
    auto ages = list_finding_ages(context().database, fixture_.clock.now() - 365 * kDay);
    mark_waived(context(), ages);
    return summarize_ages(ages, fixture_.clock.now()).all[Severity::high];
  };
  EXPECT_EQ(now().open, 1);
  EXPECT_EQ(now().waived, 1);
  fixture_.clock.advance(6 * kDay);
  EXPECT_EQ(now().open, 2);
  EXPECT_EQ(now().waived, 0);
}

}  // namespace
}  // namespace hallmark::pipeline
