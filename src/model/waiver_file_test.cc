#include "model/waiver_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/pipeline_file.h"

namespace hallmark::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kGood = R"(waivers:
  - finding: cve-2026-12345
    package: openssl*
    images: ["web-1/*"]
    reason: the feature is compiled out
    by: alice
    expires: 2026-12-31
  - finding: qualys:38739
    reason: behind a proxy
    by: bob
    expires: 2026-12-01T12:00:00Z
    known_exploited: true
)";

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<Problem> problems;
  read_waivers(text, problems);
  std::vector<std::string> lines;
  for (const Problem& problem : problems) lines.push_back(to_string(problem, "w.yaml"));
  return lines;
}

std::string one(const std::string& more) {
  return "waivers:\n  - finding: CVE-2026-12345\n    reason: r\n    by: b\n" + more;
}

TEST(Waivers, AreRead) {
  std::vector<Problem> problems;
  auto waivers = read_waivers(kGood, problems);
  EXPECT_THAT(problems, IsEmpty());
  ASSERT_THAT(waivers, SizeIs(2));
  EXPECT_EQ(waivers[0].finding, "CVE-2026-12345");
  EXPECT_EQ(to_rfc3339(waivers[0].expires_at), "2027-01-01T00:00:00.000Z")
      << "to the end of the day";
  EXPECT_EQ(to_rfc3339(waivers[1].expires_at), "2026-12-01T12:00:00.000Z");
  EXPECT_TRUE(waivers[1].known_exploited);
  EXPECT_TRUE(covers(waivers[0], "web-1/debian-12/1.0", "openssl-libs"));
  EXPECT_FALSE(covers(waivers[0], "db-1/debian-12/1.0", "openssl"));
  EXPECT_FALSE(covers(waivers[0], "web-1/debian-12/1.0", "curl"));
  EXPECT_TRUE(covers(waivers[1], "db-1/debian-12/1.0", ""));
  Json json = waivers[0];
  EXPECT_EQ(Json(json.get<Waiver>()), json);
}

TEST(Waivers, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_THAT(problems_of(one("    expires: 2026-13-01\n")),
              ElementsAre(HasSubstr("w.yaml:5:14: waivers[0].expires: \"2026-13-01\" is no date")));
  EXPECT_THAT(problems_of(one("    expires: 2026-12-31\n    because: x\n")),
              ElementsAre(HasSubstr("w.yaml:6:5")));
  EXPECT_THAT(
      problems_of(
          "waivers:\n  - finding: CVE-26-1\n    reason: r\n    by: b\n    expires: 2026-12-31\n"),
      ElementsAre(HasSubstr("\"CVE-26-1\" is no CVE id")));
  EXPECT_THAT(problems_of("waivers:\n  - finding: CVE-2026-1234\n"), SizeIs(3))
      << "reason, by and expires are missing";
  EXPECT_THAT(problems_of("waivers: {"), SizeIs(1));
  EXPECT_THAT(problems_of(""), SizeIs(1));
}

TEST(Waivers, TwoForOneThingAreRefused) {
  const std::string twice =
      std::string(kGood) +
      "  - {finding: CVE-2026-12345, package: openssl*, images: [\"web-1/*\"], reason: x, "
      "by: c, expires: 2027-01-01}\n";
  EXPECT_THAT(problems_of(twice), ElementsAre(HasSubstr("there is a waiver for this already")));
}

TEST(Waivers, ComeWithTheirPipeline) {
  TempDir dir;
  const std::string pipeline =
      "product: web-1\nos: debian-12\nversion: 1.0.0\nsource: {image_id: ami-0123456789abcdef0}\n"
      "gate:\n  waivers: waivers.yaml\n  findings: {critical: fail, high: {fixable: fail, "
      "unfixable: review}}\n"
      "  max_data_age: 7d\n  min_hardening_score: 80\n";
  auto missing = check_pipeline_text(pipeline, dir.path(), {});
  ASSERT_THAT(missing.problems, SizeIs(1));
  EXPECT_EQ(missing.problems[0].path, "gate.waivers");
  write_file(dir.path() / "waivers.yaml", kGood);
  auto check = check_pipeline_text(pipeline, dir.path(), {});
  ASSERT_TRUE(check.pipeline) << (check.problems.empty() ? "" : check.problems[0].message);
  const Gate& gate = check.pipeline->gate;
  EXPECT_THAT(gate.waivers, SizeIs(2));
  EXPECT_EQ(gate.findings.at(Severity::critical).unfixable, Judgement::fail);
  EXPECT_EQ(gate.findings.at(Severity::high).unfixable, Judgement::review);
  EXPECT_EQ(gate.min_hardening_score, 80);
  EXPECT_EQ(gate.max_data_age, Duration(std::chrono::hours(7 * 24)));
  Json json = *check.pipeline;
  EXPECT_EQ(Json(json.get<Pipeline>()), json);
  write_file(dir.path() / "waivers.yaml", "waivers: [{}]\n");
  EXPECT_THAT(check_pipeline_text(pipeline, dir.path(), {}).problems[0].message,
              HasSubstr("waivers.yaml:1:"));
}

}  // namespace
}  // namespace hallmark::model
