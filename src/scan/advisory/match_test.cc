#include "scan/advisory/match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/testing.h"
#include "scan/advisory/advisory_builder.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

FeedInfo feed(const std::string& name) {
  return {.name = name,
          .kind = name == "debian" ? "debian-tracker" : "osv",
          .digest = sha256_hex(name),
          .fetched_at = "2026-01-01T00:00:00.000Z"};
}

class Made {
 public:
  Made& from(const std::string& name) {
    builder_.begin_feed(feed(name));
    return *this;
  }
  Made& add(std::string_view id, std::vector<std::string_view> cves, const Statement& statement) {
    builder_.begin({.id = id, .title = "bad", .cves = std::move(cves)});
    builder_.add(statement);
    // A feed of a release names many packages.
    for (const char c : std::string("0123456789")) {
      const std::string other = std::string("other-") + c;
      builder_.add({.ecosystem = statement.ecosystem,
                    .package = other,
                    .judgement = Judgement::not_affected});
    }
    return *this;
  }
  std::string bytes() { return builder_.finish(); }

 private:
  AdvisoryBuilder builder_;
};

model::Package deb(const std::string& name, const std::string& version,
                   const std::string& source = "") {
  return {name, version, "amd64", source.empty() ? name : source, version, "dpkg"};
}
model::Package rpm(const std::string& name, const std::string& version,
                   const std::string& module = "") {
  return {name, version, "x86_64", name, version, "rpm", module};
}

model::Inventory on(const std::string& id, const std::string& version,
                    std::vector<model::Package> packages) {
  model::Inventory made;
  made.distribution = {.id = id, .version_id = version, .pretty_name = id + " " + version};
  made.packages = std::move(packages);
  return made;
}

model::Assessment matched(const std::string& bytes, const model::Inventory& inventory) {
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  return match(inventory, AdvisoryFile(bytes), clock);
}

std::vector<std::string> ids(const model::Assessment& assessment) {
  std::vector<std::string> found;
  for (const auto& finding : assessment.findings) found.push_back(finding.finding_id);
  return found;
}

TEST(Match, ComparesTheSourcesVersion) {
  const std::string bytes =
      Made()
          .from("debian")
          .add("CVE-2024-0001", {"CVE-2024-0001"},
               {.ecosystem = "debian:12", .package = "glibc", .fixed = "2.36-9+deb12u4"})
          .bytes();
  model::Package old = deb("libc6", "2.36-9+deb12u3+b1", "glibc");
  old.source_version = "2.36-9+deb12u3";
  model::Package rebuilt = deb("libc-bin", "2.36-9+deb12u4+b1", "glibc");
  rebuilt.source_version = "2.36-9+deb12u4";
  const auto found = matched(bytes, on("debian", "12", {old, rebuilt, deb("glibc", "1")}));
  EXPECT_THAT(ids(found), ElementsAre("CVE-2024-0001:glibc", "CVE-2024-0001:libc6"));
  EXPECT_EQ(found.completeness, model::Completeness::complete);
  ASSERT_EQ(found.advisories.size(), 1u);
  EXPECT_EQ(found.advisories[0].name, "debian");
  const model::Finding& finding = found.findings[1];
  EXPECT_THAT(finding.cves, ElementsAre("CVE-2024-0001"));
  EXPECT_EQ(finding.fixed_version, "2.36-9+deb12u4");
  EXPECT_EQ(finding.fix, model::FixState::available);
}

TEST(Match, ASignedKernelIsTheKernel) {
  const std::string bytes =
      Made()
          .from("debian")
          .add("CVE-2024-0001", {"CVE-2024-0001"},
               {.ecosystem = "debian:12", .package = "linux", .fixed = "6.1.52-1"})
          .bytes();
  model::Package old = deb("linux-image-6.1.0-10-amd64", "6.1.38-2", "linux-signed-amd64");
  old.source_version = "6.1.38+2";
  model::Package mended = deb("linux-image-6.1.0-12-amd64", "6.1.52-1", "linux-signed-amd64");
  mended.source_version = "6.1.52+1";
  EXPECT_THAT(ids(matched(bytes, on("debian", "12", {old, mended}))),
              ElementsAre("CVE-2024-0001:linux-image-6.1.0-10-amd64"));
}

TEST(Match, ASourceRpmHasNoEpochToCompare) {
  const std::string bytes =
      Made()
          .from("rocky")
          .add("RLSA-1", {"CVE-2023-1"},
               {.ecosystem = "rocky:9", .package = "bind", .fixed = "32:9.16.23-24.el9"})
          .add("RLSA-2", {"CVE-2023-2"},
               {.ecosystem = "rocky:9", .package = "bind", .fixed = "32:9.16.23-25.el9"})
          .bytes();
  model::Package installed = rpm("bind-libs", "32:9.16.23-24.el9");
  installed.source_name = "bind";
  installed.source_version = "9.16.23-24.el9";
  EXPECT_THAT(ids(matched(bytes, on("rocky", "9.4", {installed}))),
              ElementsAre("RLSA-2:bind-libs"));
}

TEST(Match, ASourceRpmHasTheEpochOfAPackageOfItsVersion) {
  const std::string bytes =
      Made()
          .from("rocky")
          .add("RLSA-1", {"CVE-2023-1"},
               {.ecosystem = "rocky:9", .package = "perl", .fixed = "4:5.32.1-481.el9"})
          .bytes();
  const auto of_perl = [](const std::string& name, const std::string& version,
                          const std::string& source_version) {
    model::Package package = rpm(name, version);
    package.source_name = "perl";
    package.source_version = source_version;
    return package;
  };
  // From before the source had an epoch; of a version and an epoch of their own.
  EXPECT_THAT(ids(matched(bytes, on("rocky", "9.4",
                                    {of_perl("perl-a", "6.0-1.el9", "6.0-1.el9"),
                                     of_perl("perl-b", "1.50-480.el9", "5.32.1-480.el9"),
                                     of_perl("perl-c", "7:1.50-480.el9", "7:5.32.1-480.el9"),
                                     of_perl("perl-d", "1.50-481.el9", "5.32.1-481.el9"),
                                     of_perl("perl-e", "4:5.32.1-481.el9", "5.32.1-481.el9")}))),
              ElementsAre("RLSA-1:perl-a", "RLSA-1:perl-b", "RLSA-1:perl-c"));
}

TEST(Match, ReportsWhatIsNotFixed) {
  const std::string bytes =
      Made()
          .from("debian")
          .add("CVE-2024-0001", {"CVE-2024-0001"},
               {.ecosystem = "debian:12", .package = "a", .fix = model::FixState::wont_fix})
          .add("CVE-2024-0002", {"CVE-2024-0002"},
               {.ecosystem = "debian:12", .package = "a", .judgement = Judgement::not_affected})
          .add("CVE-2024-0003", {"CVE-2024-0003"},
               {.ecosystem = "debian:12", .package = "a", .judgement = Judgement::undetermined})
          .add("CVE-2024-0004", {"CVE-2024-0004"}, {.ecosystem = "debian:13", .package = "a"})
          .bytes();
  const auto found = matched(bytes, on("debian", "12", {deb("a", "1")}));
  EXPECT_THAT(ids(found), ElementsAre("CVE-2024-0001:a", "CVE-2024-0003:a"));
  EXPECT_EQ(found.findings[0].fix, model::FixState::wont_fix);
  EXPECT_EQ(found.findings[1].kind, model::FindingKind::potential);
}

TEST(Match, TheFirstFeedHasTheFirstWord) {
  const std::string bytes =
      Made()
          .from("debian")
          .add("CVE-2024-0001", {"CVE-2024-0001"},
               {.ecosystem = "debian:12", .package = "a", .judgement = Judgement::not_affected})
          .add("CVE-2024-0002", {"CVE-2024-0002"},
               {.ecosystem = "debian:12", .package = "a", .fixed = "1"})
          .from("osv-debian")
          .add("DEBIAN-CVE-2024-0001", {"CVE-2024-0001"},
               {.ecosystem = "debian:12", .package = "a"})
          .add("DSA-1", {"CVE-2024-0001", "CVE-2024-0002"},
               {.ecosystem = "debian:12", .package = "a", .fixed = "3"})
          .add("DSA-2", {"CVE-2024-0002", "CVE-2024-0009"},
               {.ecosystem = "debian:12", .package = "a", .fixed = "3"})
          .bytes();
  EXPECT_THAT(ids(matched(bytes, on("debian", "12", {deb("a", "2")}))), ElementsAre("DSA-2:a"))
      << "of a flaw that the first does not know";
}

TEST(Match, KnowsRanges) {
  const std::string bytes =
      Made()
          .from("osv")
          .add("G-1", {},
               {.ecosystem = "pypi", .package = "foo-bar", .introduced = "1.0", .fixed = "1.5"})
          .add("G-2", {},
               {.ecosystem = "pypi",
                .package = "foo-bar",
                .introduced = "2.0",
                .last_affected = "2.3"})
          .add("G-3", {},
               {.ecosystem = "pypi", .package = "foo-bar", .introduced = "0", .fixed = "0.5"})
          .add("D", {}, {.ecosystem = "debian:12", .package = "zzz"})
          .bytes();
  const auto with = [&](const std::string& version) {
    model::Package package{"Foo_Bar", version,  "", "Foo_Bar",
                           version,   "python", "", "/usr/lib/python3/foo"};
    return ids(matched(bytes, on("debian", "12", {package})));
  };
  EXPECT_THAT(with("0.9"), IsEmpty());
  EXPECT_THAT(with("1.0"), ElementsAre("G-1:Foo_Bar"));
  EXPECT_THAT(with("1.5"), IsEmpty());
  EXPECT_THAT(with("2.3"), ElementsAre("G-2:Foo_Bar"));
  EXPECT_THAT(with("2.3.1"), IsEmpty());
  EXPECT_THAT(with("0.1"), ElementsAre("G-3:Foo_Bar"));
}

TEST(Match, ABuildOfOneModuleIsNoFixOfAnother) {
  const std::string bytes = Made()
                                .from("alma")
                                .add("ALSA-1", {"CVE-2024-0001"},
                                     {.ecosystem = "almalinux:8",
                                      .package = "nodejs",
                                      .of_source = false,
                                      .fixed = "1:18.2-1.module_el8.4.0+1",
                                      .module = "nodejs:18"})
                                .add("ALSA-2", {"CVE-2024-0002"},
                                     {.ecosystem = "almalinux:8",
                                      .package = "nodejs",
                                      .of_source = false,
                                      .fixed = "1:20.2-1.module_el8.4.0+1",
                                      .module = "nodejs:20"})
                                .add("ALSA-3", {"CVE-2024-0003"},
                                     {.ecosystem = "almalinux:8",
                                      .package = "nodejs",
                                      .of_source = false,
                                      .fixed = "1:99-1.el8"})
                                .bytes();
  EXPECT_THAT(ids(matched(bytes, on("almalinux", "8.9",
                                    {rpm("nodejs", "1:18.1-1.module_el8.4.0+1", "nodejs:18")}))),
              ElementsAre("ALSA-1:nodejs"));
  EXPECT_THAT(ids(matched(bytes, on("almalinux", "8.9",
                                    {rpm("nodejs", "1:18.3-1.module_el8.4.0+1", "nodejs:18")}))),
              IsEmpty());
  EXPECT_THAT(ids(matched(bytes, on("almalinux", "8.9", {rpm("nodejs", "1:16-1.el8")}))),
              ElementsAre("ALSA-3:nodejs"));
}

TEST(Match, AnyBuildOfAnAdvisoryIsTheFix) {
  AdvisoryBuilder builder;
  builder.begin_feed(feed("alma"));
  builder.begin({.id = "ALSA-1"});
  for (const char* fixed : {"1.18-1.module_el8.4.0+2047", "1.18-1.module_el8.3.0+2023"}) {
    builder.add({.ecosystem = "almalinux:8",
                 .package = "n",
                 .of_source = false,
                 .fixed = fixed,
                 .module = "n:1"});
  }
  const std::string bytes = builder.finish();
  EXPECT_THAT(
      ids(matched(bytes, on("almalinux", "8", {rpm("n", "1.18-1.module_el8.3.0+2023", "n:1")}))),
      IsEmpty());
  EXPECT_THAT(
      ids(matched(bytes, on("almalinux", "8", {rpm("n", "1.17-1.module_el8.3.0+2023", "n:1")}))),
      ElementsAre("ALSA-1:n"));
}

TEST(Match, NothingIsSkippedSilently) {
  const std::string bytes =
      Made()
          .from("debian")
          .add("CVE-2024-0001", {},
               {.ecosystem = "debian:12", .package = "b", .fixed = "not a version"})
          .add("CVE-2024-0002", {}, {.ecosystem = "debian:12", .package = "a", .fixed = "2"})
          .bytes();
  model::Package gem{"rails", "7.0", "", "rails", "7.0", "ruby"};
  const auto found = matched(
      bytes, on("debian", "12",
                {deb("a", "x!"), deb("b", "1"), gem, {"core", "1", "", "core", "1", "snap"}}));
  EXPECT_EQ(found.completeness, model::Completeness::partial);
  ASSERT_EQ(found.gaps.size(), 4u);
  EXPECT_EQ(found.gaps[0].what, "package a x!");
  EXPECT_THAT(found.gaps[0].reason, HasSubstr("cannot be compared"));
  EXPECT_THAT(found.gaps[1].reason, HasSubstr("CVE-2024-0001"));
  EXPECT_THAT(found.gaps[2].what, HasSubstr("rubygems"));
  EXPECT_THAT(found.gaps[3].reason, HasSubstr("core"));
}

TEST(Match, AReleaseWithoutFeedIsInconclusive) {
  const std::string bytes =
      Made().from("debian").add("C", {}, {.ecosystem = "debian:12", .package = "b"}).bytes();
  EXPECT_EQ(matched(bytes, on("debian", "13", {deb("b", "1")})).completeness,
            model::Completeness::inconclusive);
  EXPECT_EQ(matched(bytes, on("gentoo", "1", {deb("b", "1")})).completeness,
            model::Completeness::inconclusive);
  EXPECT_EQ(matched(bytes, on("debian", "12", {})).completeness, model::Completeness::inconclusive);
}

TEST(Match, PendingUpdatesThatAreExplainedAreNotSaidTwice) {
  const std::string bytes =
      Made()
          .from("debian")
          .add("CVE-2024-0001", {}, {.ecosystem = "debian:12", .package = "a", .fixed = "2"})
          .bytes();
  model::Assessment suite;
  suite.advisories = {{"bookworm-security", "", "", ""}};
  suite.findings.resize(2);
  suite.findings[0].package = "a";
  suite.findings[1].package = "b";
  suite.findings[1].finding_id = "bookworm-security:b:2";
  suite.gaps = {{"advisories bookworm-security", "old"}};
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  auto found = match_with_suite(on("debian", "12", {deb("a", "1"), deb("b", "1")}),
                                AdvisoryFile(bytes), suite, clock);
  EXPECT_THAT(ids(found), ElementsAre("CVE-2024-0001:a", "bookworm-security:b:2"));
  EXPECT_EQ(found.completeness, model::Completeness::partial);
  EXPECT_EQ(found.advisories.size(), 2u);
}

TEST(Match, TheSuiteStandsForAFeedThatIsMissing) {
  const std::string bytes =
      Made()
          .from("osv-pypi")
          .add("G-1", {}, {.ecosystem = "pypi", .package = "foo", .fixed = "2"})
          .bytes();
  ManualClock clock(from_rfc3339("2026-01-02T00:00:00Z"));
  model::Assessment suite;
  suite.completeness = model::Completeness::complete;
  suite.findings.resize(1);
  suite.findings[0].finding_id = "bookworm-security:a:2";
  suite.findings[0].package = "a";
  const auto inventory =
      on("debian", "12", {deb("a", "1"), {"foo", "1", "", "foo", "1", "python"}});
  EXPECT_EQ(system_part(inventory).packages.size(), 1u);
  suite.distribution = inventory.distribution;
  const auto found = match_with_suite(inventory, AdvisoryFile(bytes), suite, clock);
  EXPECT_THAT(ids(found), ElementsAre("bookworm-security:a:2", "G-1:foo"));
  EXPECT_EQ(found.completeness, model::Completeness::complete);
  const auto without = match_with_suite(inventory, *no_advisories(), suite, clock);
  EXPECT_EQ(without.completeness, model::Completeness::partial)
      << "nobody speaks of Python packages";
}

}  // namespace
}  // namespace hallmark::scan
