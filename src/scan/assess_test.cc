#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "scan/scan.h"
#include "scan/suite.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

model::Package package(const std::string& name, const std::string& version,
                       const std::string& source = "", const std::string& arch = "amd64") {
  return {name, version, arch, source.empty() ? name : source, version, "dpkg"};
}

model::Inventory inventory(std::vector<model::Package> packages) {
  model::Inventory made;
  made.distribution = {"debian", "12", "bookworm", "Debian GNU/Linux 12"};
  made.architecture = "amd64";
  made.packages = std::move(packages);
  return made;
}

SecuritySuite suite() {
  SecuritySuite made;
  made.name = "bookworm-security";
  made.architecture = "amd64";
  made.date = "2026-01-01T00:00:00.000Z";
  made.valid_until = "2026-01-08T00:00:00.000Z";
  read_packages_index(
      made,
      "Package: openssl\nVersion: 3.0.17-1\nArchitecture: amd64\n\n"
      "Package: libssl3\nSource: openssl\nVersion: 3.0.17-1\nArchitecture: amd64\n\n"
      "Package: tzdata\nVersion: 2025b-1\nArchitecture: all\n\n"
      "Package: linux-image-9-amd64\nSource: linux (9.0-1)\nVersion: 9.0-1\nArchitecture: amd64\n\n"
      "Package: linux-image-8-amd64\nSource: linux (8.0-1)\nVersion: 8.0-1\nArchitecture: amd64\n\n"
      "Package: linux-image-amd64\nSource: linux (9.0-1)\nVersion: 9.0-1\nArchitecture: amd64\n");
  return made;
}

model::Assessment assessed(std::vector<model::Package> packages) {
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  return assess(inventory(std::move(packages)), suite(), clock);
}

std::vector<std::string> names(const model::Assessment& assessment) {
  std::vector<std::string> found;
  for (const model::Finding& finding : assessment.findings) found.push_back(finding.package);
  return found;
}

TEST(Assess, PackagesOfOtherManagersAreOneGapEach) {
  model::Package flask = package("flask", "1.0");
  flask.manager = "python";
  model::Assessment found = assessed({package("openssl", "3.0.17-1"), flask, flask});
  EXPECT_THAT(found.findings, IsEmpty());
  ASSERT_THAT(found.gaps, SizeIs(1));
  EXPECT_EQ(found.gaps[0].what, "packages of python");
  EXPECT_THAT(found.gaps[0].reason, HasSubstr("2 were found"));
}

TEST(Assess, OnlyNewerVersionsCount) {
  model::Assessment found =
      assessed({package("openssl", "3.0.16-1"), package("libssl3", "3.0.17-1", "openssl"),
                package("tzdata", "2025a-1", "", "all"), package("bash", "5.2-1"),
                package("libssl3x", "1")});
  EXPECT_THAT(names(found), ElementsAre("openssl", "tzdata"));
  EXPECT_EQ(found.completeness, model::Completeness::complete);
  EXPECT_EQ(found.package_count, 5);
  const model::Finding& first = found.findings[0];
  EXPECT_EQ(first.finding_id, "bookworm-security:openssl:3.0.17-1");
  EXPECT_EQ(first.installed_version, "3.0.16-1");
  EXPECT_EQ(first.fixed_version, "3.0.17-1");
  EXPECT_EQ(first.severity, model::Severity::unknown);
  EXPECT_EQ(first.severity_source, "bookworm-security");
  EXPECT_EQ(first.title, "update available in bookworm-security");
  EXPECT_EQ(found.advisories.at(0).valid_from, "2026-01-01T00:00:00.000Z");
  EXPECT_THAT(names(assessed({package("openssl", "3.0.18-1")})), IsEmpty());
}

TEST(Assess, OldKernelIsPendingThoughItsUpdateHasAnotherName) {
  // Gone from the suite, and still in it with its old version.
  EXPECT_THAT(names(assessed({package("linux-image-7-amd64", "7.0-1", "linux")})),
              ElementsAre("linux-image-7-amd64"));
  model::Assessment found = assessed({package("linux-image-8-amd64", "8.0-1", "linux")});
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_EQ(found.findings[0].fixed_version, "9.0-1");
  EXPECT_THAT(found.findings[0].title, HasSubstr("other package names"));
  // The package that follows the newest kernel says it already.
  EXPECT_THAT(names(assessed({package("linux-image-8-amd64", "8.0-1", "linux"),
                              package("linux-image-amd64", "8.0-1", "linux")})),
              ElementsAre("linux-image-amd64"));
  // The update is there beside it.
  EXPECT_THAT(names(assessed({package("linux-image-8-amd64", "8.0-1", "linux"),
                              package("linux-image-9-amd64", "9.0-1", "linux"),
                              package("linux-image-amd64", "9.0-1", "linux")})),
              IsEmpty());
}

TEST(Assess, WhatCannotBeMatchedIsAGap) {
  model::Assessment found =
      assessed({package("openssl", "not a version"),
                package("libssl3", "3.0.1-1", "openssl", "i386"), package("bash", "5.2-1")});
  ASSERT_THAT(found.gaps, SizeIs(2));
  EXPECT_THAT(found.gaps[0].reason, HasSubstr("cannot be compared"));
  EXPECT_THAT(found.gaps[1].reason, HasSubstr("i386"));
  EXPECT_EQ(found.completeness, model::Completeness::partial);
}

TEST(Assess, DistributionWithoutSuiteIsInconclusive) {
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  model::Inventory other = inventory({package("openssl", "1")});
  other.distribution = {"ubuntu", "24.04", "noble", "Ubuntu"};
  model::Assessment found = assess(other, suite(), clock);
  EXPECT_EQ(found.completeness, model::Completeness::inconclusive);
  EXPECT_THAT(found.findings, IsEmpty());
  EXPECT_THAT(found.gaps.at(0).what, HasSubstr("Ubuntu"));
  EXPECT_EQ(assessed({}).completeness, model::Completeness::inconclusive);
  EXPECT_THAT(assessed({}).gaps, SizeIs(1));
}

TEST(Assess, InventoryGapsStay) {
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  model::Inventory one = inventory({package("bash", "1")});
  one.gaps = {{"partition 3", "xfs"}};
  model::Assessment found = assess(one, suite(), clock);
  EXPECT_EQ(found.gaps.at(0).what, "partition 3");
  EXPECT_EQ(found.completeness, model::Completeness::partial);
}

TEST(Suite, SurvivesTheCache) {
  SecuritySuite made = suite();
  made.etag = "\"x\"";
  SecuritySuite back = unpack_suite(pack_suite(made));
  EXPECT_EQ(back.packages.size(), made.packages.size());
  EXPECT_EQ(pack_suite(back), pack_suite(made));
  std::string text = pack_suite(made);
  EXPECT_THROW(unpack_suite(text.substr(0, text.size() - 1)), Error);
  EXPECT_THROW(unpack_suite(""), Error);
}

}  // namespace
}  // namespace hallmark::scan
