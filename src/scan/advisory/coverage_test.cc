/// What can be said of what is installed: feeds that say too little, are too old or damaged; names
/// and builds that are not what they seem.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/feed_state.h"
#include "scan/advisory/match.h"
#include "scan/advisory/package_names.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A feed about a release names many packages.
void add_others(AdvisoryBuilder& builder, std::string_view ecosystem, int count = 10) {
  builder.begin({.id = "OTHERS"});
  for (int i = 0; i < count; ++i) {
    const std::string name = "other-" + std::to_string(i);
    builder.add({.ecosystem = ecosystem, .package = name, .judgement = Judgement::not_affected});
  }
}

void add(AdvisoryBuilder& builder, std::string_view id, const Statement& statement,
         std::vector<std::string_view> cves = {}) {
  builder.begin({.id = id, .cves = std::move(cves)});
  builder.add(statement);
}

model::Inventory on(const std::string& id, const std::string& version,
                    std::vector<model::Package> packages) {
  model::Inventory made;
  made.distribution = {.id = id, .version_id = version, .pretty_name = id + " " + version};
  made.packages = std::move(packages);
  return made;
}

model::Package of(const std::string& manager, const std::string& name, const std::string& version,
                  const std::string& source = "", const std::string& source_version = "",
                  const std::string& module = "") {
  return {name,
          version,
          "amd64",
          source.empty() ? name : source,
          source_version.empty() ? version : source_version,
          manager,
          module};
}

model::Assessment matched(AdvisoryBuilder& builder, const model::Inventory& inventory) {
  ManualClock clock(from_rfc3339("2026-01-10T00:00:00Z"));
  return match(inventory, AdvisoryFile(builder.finish()), clock);
}

std::vector<std::string> ids(const model::Assessment& assessment) {
  std::vector<std::string> found;
  for (const auto& finding : assessment.findings) found.push_back(finding.finding_id);
  return found;
}

TEST(Coverage, AFewStatementsMakeNoFeedOfARelease) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "debian", .kind = "debian-tracker"});
  add_others(builder, "debian:12", 8);
  add(builder, "C-1", {.ecosystem = "debian:12", .package = "a", .fixed = "2"});
  const auto found = matched(builder, on("debian", "12", {of("dpkg", "a", "1")}));
  EXPECT_THAT(ids(found), ElementsAre("C-1:a")) << "what it says counts";
  EXPECT_EQ(found.completeness, model::Completeness::inconclusive);
  EXPECT_THAT(found.gaps[0].reason, HasSubstr("say too little"));
}

TEST(Coverage, WhatARegistersFeedNamesInPassingIsNotCovered) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "osv-pypi", .kind = "osv"});
  add_others(builder, "pypi", 100);
  add(builder, "G-1", {.ecosystem = "npm", .package = "left", .fixed = "2.0.0"});
  const auto found =
      matched(builder, on("", "", {of("python", "x", "1"), of("npm", "left", "1.0.0")}));
  EXPECT_THAT(ids(found), ElementsAre("G-1:left"));
  EXPECT_EQ(found.completeness, model::Completeness::partial);
  ASSERT_EQ(found.gaps.size(), 1u);
  EXPECT_EQ(found.gaps[0].what, "1 package of npm");
}

TEST(Coverage, AnApplicationsPackagesNeedNoDistribution) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "osv-pypi", .kind = "osv"});
  add_others(builder, "pypi");
  const std::string bytes = builder.finish();
  ManualClock clock(from_rfc3339("2026-01-10T00:00:00Z"));
  EXPECT_EQ(match(on("", "", {of("python", "x", "1")}), AdvisoryFile(bytes), clock).completeness,
            model::Completeness::complete);
  EXPECT_EQ(match(on("", "", {of("npm", "x", "1")}), AdvisoryFile(bytes), clock).completeness,
            model::Completeness::inconclusive);
}

TEST(Coverage, RecordsThatCannotBeReadAndAgeAreGaps) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "debian", .kind = "debian-tracker"});
  builder.feed().unreadable = 2;
  builder.feed().good_until = "2026-01-09T00:00:00.000Z";
  add_others(builder, "debian:12");
  builder.begin_feed({.name = "alpine", .kind = "secdb"});
  builder.feed().unreadable = 1;
  add_others(builder, "alpine:3.22");
  const auto found = matched(builder, on("debian", "12", {of("dpkg", "a", "1")}));
  EXPECT_EQ(found.completeness, model::Completeness::partial);
  ASSERT_EQ(found.gaps.size(), 2u) << "of what is installed nothing else speaks";
  EXPECT_EQ(found.gaps[0].what, "advisories debian");
  EXPECT_EQ(found.gaps[0].reason, "2 records cannot be read");
  EXPECT_THAT(found.gaps[1].reason, HasSubstr("too old since 2026-01-09"));
  EXPECT_EQ(unreadable_text(1), "1 record cannot be read");
}

TEST(Coverage, ADamagedFeedIsAGapAndCoversNothing) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "debian", .kind = "debian-tracker"});
  add(builder, "C-1", {.ecosystem = "debian:12", .package = "a", .fixed = "2"});
  builder.leave_out("its file is damaged", {"debian:12"});
  builder.begin_feed({.name = "osv-pypi", .kind = "osv"});
  add_others(builder, "pypi");
  const std::string bytes = builder.finish();
  ManualClock clock(from_rfc3339("2026-01-10T00:00:00Z"));
  const auto found = match(on("debian", "12", {of("dpkg", "a", "1")}), AdvisoryFile(bytes), clock);
  EXPECT_THAT(ids(found), IsEmpty());
  EXPECT_EQ(found.completeness, model::Completeness::inconclusive);
  EXPECT_THAT(found.gaps[1].reason, HasSubstr("its file is damaged"));
  EXPECT_EQ(match(on("", "", {of("python", "x", "1")}), AdvisoryFile(bytes), clock).completeness,
            model::Completeness::complete)
      << "it said nothing of Python";
}

TEST(Names, SignedPackagesAreWhatWasSigned) {
  const auto name = [](std::string_view source, std::string_view version) {
    const auto found = unsigned_source(source, version);
    return found ? found->name + " " + found->version : std::string("itself");
  };
  EXPECT_EQ(name("linux-signed-amd64", "6.1.38-2"), "linux 6.1.38-2");
  EXPECT_EQ(name("linux-signed-5.10-arm64", "5.10.1-1"), "linux-5.10 5.10.1-1");
  EXPECT_EQ(name("linux-signed", "5.15.0-91.101"), "linux 5.15.0-91.101");
  EXPECT_EQ(name("linux-signed-aws", "5.15.0-1051.56"), "linux-aws 5.15.0-1051.56");
  EXPECT_EQ(name("grub-efi-amd64-signed", "1+2.06+13+deb12u1"), "grub2 2.06-13+deb12u1");
  EXPECT_EQ(name("grub-efi-ia32-signed", "1+2.02+dfsg1+20+deb10u4"), "grub2 2.02+dfsg1-20+deb10u4");
  EXPECT_EQ(name("fwupd-amd64-signed", "1.2.14+1~deb10u1"), "fwupd 1.2.14-1~deb10u1");
  EXPECT_EQ(name("fwupd-efi-arm64-signed", "1:1.4+1"), "fwupd-efi 1:1.4-1");
  EXPECT_EQ(name("shim-helpers-amd64-signed", "1+15.8+1~deb12u1"), "shim 15.8-1~deb12u1");
  EXPECT_EQ(name("grub2-signed", "1.187.6"), "itself") << "Ubuntu's advisories name it";
  EXPECT_EQ(name("linux-meta-aws", "5.15.0.1051.56"), "itself") << "there is no code in it";
  EXPECT_EQ(name("openssl", "3"), "itself");
}

TEST(Names, ASignedLoaderIsComparedAsTheLoader) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "debian", .kind = "debian-tracker"});
  add_others(builder, "debian:12");
  add(builder, "C-1", {.ecosystem = "debian:12", .package = "grub2", .fixed = "2.06-13+deb12u1"});
  EXPECT_THAT(
      ids(matched(builder,
                  on("debian", "12",
                     {of("dpkg", "grub-efi-amd64-signed", "1+2.06+13", "grub-efi-amd64-signed"),
                      of("dpkg", "mended", "1+2.06+13+deb12u1", "grub-efi-amd64-signed")}))),
      ElementsAre("C-1:grub-efi-amd64-signed"));
}

TEST(Builds, OfOneFlavourAreCompared) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "oracle", .kind = "oval"});
  add_others(builder, "ol:8");
  builder.begin({.id = "ELSA-1"});
  for (const char* fixed : {"2:2.28-251.ksplice1.el8", "2.28-251.el8", "10:2.28-251.el8_fips"}) {
    builder.add({.ecosystem = "ol:8", .package = "glibc", .of_source = false, .fixed = fixed});
  }
  const std::string bytes = builder.finish();
  ManualClock clock(from_rfc3339("2026-01-10T00:00:00Z"));
  const auto held = [&](const std::string& version) {
    return match(on("ol", "8.10", {of("rpm", "glibc", version)}), AdvisoryFile(bytes), clock)
               .findings.size() == 1;
  };
  EXPECT_FALSE(held("2.28-251.el8"));
  EXPECT_TRUE(held("2.28-250.el8"));
  EXPECT_FALSE(held("2:2.28-251.ksplice1.el8"));
  EXPECT_TRUE(held("2:2.28-250.ksplice1.el8"));
  EXPECT_TRUE(held("10:2.28-250.el8_fips"));
  EXPECT_FALSE(held("10:2.28-251.el8_fips"));
}

TEST(Builds, WhatIsSaidOfOneStreamIsNotSaidOfAnother) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "redhat", .kind = "csaf"});
  add_others(builder, "rhel:8");
  Statement own{.ecosystem = "rhel:8",
                .package = "nodejs",
                .of_source = false,
                .module = "nodejs:18",
                .judgement = Judgement::not_affected};
  add(builder, "CVE-2024-0001", own, {"CVE-2024-0001"});
  builder.begin_feed({.name = "osv-redhat", .kind = "osv"});
  for (const char* stream : {"nodejs:18", "nodejs:20"}) {
    add(builder, std::string("RHSA-") + stream,
        {.ecosystem = "rhel:8",
         .package = "nodejs",
         .of_source = false,
         .fixed = "1:20.2-1.module+el8",
         .module = stream},
        {"CVE-2024-0001"});
  }
  EXPECT_THAT(
      ids(matched(builder, on("rhel", "8.9",
                              {of("rpm", "nodejs", "1:20.1-1.module+el8", "", "", "nodejs:20")}))),
      ElementsAre("RHSA-nodejs:20:nodejs"));
}

TEST(Builds, FixesOfStreamsThatAreNotSaidAreAllKept) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "redhat", .kind = "csaf"});
  add_others(builder, "rhel:8");
  builder.begin({.id = "CVE-2024-0001"});
  for (const char* fixed : {"1:18.2-1.module+el8", "1:20.2-1.module+el8"}) {
    builder.add({.ecosystem = "rhel:8", .package = "nodejs", .of_source = false, .fixed = fixed});
  }
  EXPECT_THAT(
      ids(matched(builder, on("rhel", "8.9", {of("rpm", "nodejs", "1:20.1-1.module+el8")}))),
      ElementsAre("CVE-2024-0001:nodejs"));
}

TEST(Subscription, WithoutOneThereIsNoFix) {
  AdvisoryBuilder builder;
  builder.begin_feed({.name = "osv-ubuntu", .kind = "osv"});
  add_others(builder, "ubuntu:18.04");
  builder.begin({.id = "U-1"});
  builder.add({.ecosystem = "ubuntu:18.04", .package = "a"});
  builder.add({.ecosystem = "ubuntu:18.04", .package = "a", .fixed = "1.2+esm1"});
  builder.begin({.id = "U-2"});
  builder.add({.ecosystem = "ubuntu:18.04", .package = "a", .fixed = "1.3"});
  builder.add(
      {.ecosystem = "ubuntu:18.04", .package = "a", .fixed = "1.3~esm2", .subscription = true});
  const std::string bytes = builder.finish();
  ManualClock clock(from_rfc3339("2026-01-10T00:00:00Z"));
  const auto on_ubuntu = [&](std::vector<model::Package> packages) {
    return match(on("ubuntu", "18.04", std::move(packages)), AdvisoryFile(bytes), clock);
  };
  const auto without = on_ubuntu({of("dpkg", "a", "1.1")});
  EXPECT_THAT(ids(without), ElementsAre("U-1:a", "U-2:a")) << "each once";
  EXPECT_EQ(without.findings[0].fix, model::FixState::none);
  EXPECT_EQ(without.findings[0].fixed_version, "");
  EXPECT_THAT(without.findings[0].remediation, HasSubstr("1.2+esm1"));
  EXPECT_EQ(without.findings[1].fixed_version, "1.3") << "everybody's fix";
  const auto subscribed = on_ubuntu({of("dpkg", "a", "1.1"), of("dpkg", "b", "2ubuntu1~esm1")});
  EXPECT_EQ(subscribed.findings[0].fix, model::FixState::available);
  EXPECT_EQ(subscribed.findings[0].fixed_version, "1.2+esm1");
  EXPECT_THAT(ids(on_ubuntu({of("dpkg", "a", "1.2+esm1")})), ElementsAre("U-2:a"));
  EXPECT_FALSE(needs_subscription("1.2-themesm"));
}

}  // namespace
}  // namespace hallmark::scan
