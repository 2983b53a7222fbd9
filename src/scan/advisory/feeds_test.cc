#include "scan/advisory/feeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feed_lines.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

TEST(Feeds, ReadsAlmaLinuxRecords) {
  Lines plain = read_sample("osv", "alma-gupnp.json");
  EXPECT_THAT(plain.advisories, ElementsAre("ALSA-2021:2363 [CVE-2021-33516] high"));
  EXPECT_THAT(plain.statements, ElementsAre("almalinux:8 binary gupnp fixed 1.0.6-2.el8_4",
                                            "almalinux:8 binary gupnp-devel fixed 1.0.6-2.el8_4"));
  EXPECT_EQ(plain.feed().valid_from, "2021-11-12T10:20:56Z");
  Lines modular = read_sample("osv", "alma-nodejs-10.json");
  EXPECT_EQ(
      modular.statements.front(),
      "almalinux:8 binary nodejs-nodemon of nodejs:10 fixed 1.18.3-1.module_el8.3.0+2023+d2377ea3");
}

TEST(Feeds, ReadsRangesOfLanguages) {
  Lines read = read_text(
      "osv", R"({"id": "GHSA-1", "aliases": ["CVE-2024-1234"], "modified": "2024-01-01T00:00:00Z",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
      {"package": {"ecosystem": "PyPI", "name": "Foo_Bar.baz"}, "ranges": [{"type": "ECOSYSTEM", "events":
        [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"last_affected": "2.3"}, {"introduced": "3"}]},
        {"type": "GIT", "events": [{"introduced": "0"}]}]},
      {"package": {"ecosystem": "npm", "name": "left"}, "versions": ["1.0.0", "1.0.2"]},
      {"package": {"ecosystem": "NuGet", "name": "Other"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]})");
  EXPECT_THAT(read.advisories, ElementsAre("GHSA-1 [CVE-2024-1234] critical"));
  EXPECT_THAT(
      read.statements,
      ElementsAre("pypi source foo-bar-baz fixed 1.2", "pypi source foo-bar-baz from 2.0 until 2.3",
                  "pypi source foo-bar-baz from 3", "npm source left from 1.0.0 until 1.0.0",
                  "npm source left from 1.0.2 until 1.0.2"));
  EXPECT_EQ(read.feed().elsewhere, 1u);
}

TEST(Feeds, CountsWithdrawnRecords) {
  Lines read =
      read_text("osv", R"([{"id": "A", "withdrawn": "2024-01-01T00:00:00Z"}, {"no": "id"}, 7])");
  EXPECT_THAT(read.statements, IsEmpty());
  EXPECT_EQ(read.feed().withdrawn, 1u);
  EXPECT_EQ(read.feed().unreadable, 2u);
}

TEST(Feeds, ReadsDebiansTracker) {
  Lines read = read_sample("debian-tracker", "debian-tracker.json");
  EXPECT_THAT(read.statements, IsSupersetOf({"debian:12 source apparmor not affected info",
                                             "debian:12 source apparmor none info",
                                             "debian:13 source apparmor fixed 3.0.12-1 info",
                                             "debian:12 source apparmor fixed 2.11.0-3"}));
}

TEST(Feeds, KnowsWhyDebianMendsNothing) {
  Lines read = read_text("debian-tracker", R"({"a": {
    "CVE-2024-0001": {"releases": {"bookworm": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": "ignored"},
                                   "trixie": {"status": "open", "urgency": "not yet assigned", "nodsa_reason": "postponed"},
                                   "bullseye": {"status": "open", "urgency": "end-of-life"}}},
    "CVE-2024-0002": {"description": "REJECTED", "releases": {"bookworm": {"status": "open"}}},
    "TEMP-0000000-ABCDEF": {"releases": {"bookworm": {"status": "undetermined", "urgency": "medium**"}, "sid": {"status": "open"}}}}})");
  EXPECT_THAT(
      read.statements,
      ElementsAre("debian:12 source a wont_fix low", "debian:13 source a deferred",
                  "debian:11 source a end_of_life", "debian:12 source a undetermined medium"));
  EXPECT_EQ(read.feed().withdrawn, 1u);
  EXPECT_EQ(read.feed().elsewhere, 1u) << "sid has no version";
}

TEST(Feeds, ReadsSecdb) {
  Lines read = read_text("secdb", R"({"distroversion": "v3.19", "reponame": "main", "packages": [
    {"pkg": {"name": "busybox", "secfixes": {"1.36.1-r5": ["CVE-2022-48174 ALPINE-1"], "0": ["CVE-2021-1"]}}},
    {"pkg": {"name": "none", "secfixes": null}}]})");
  EXPECT_THAT(read.advisories, ElementsAre("CVE-2022-48174 [CVE-2022-48174] unknown",
                                           "CVE-2021-1 [CVE-2021-1] unknown"));
  EXPECT_THAT(read.statements, ElementsAre("alpine:3.19 source busybox fixed 1.36.1-r5",
                                           "alpine:3.19 source busybox not affected"));
}

TEST(Feeds, ReadsAmazonsUpdates) {
  Lines read = read_sample("updateinfo", "amazon-2023-updateinfo.xml.gz");
  EXPECT_THAT(read.advisories,
              ElementsAre("ALAS2023-2023-001 [CVE-2014-3634 CVE-2022-24903] high"));
  EXPECT_THAT(read.statements,
              IsSupersetOf({"amzn:2023 binary rsyslog fixed 8.2204.0-3.amzn2023.0.2"}));
  EXPECT_EQ(read.feed().valid_from, "2023-02-22T23:22:00Z");
}

TEST(Feeds, ReadsModulesOfUpdates) {
  Lines read = read_text("updateinfo", R"(<updates>
    <update type="bugfix"><id>B-1</id></update>
    <update type="security"><id>RLSA-1</id><severity>Moderate</severity>
      <references><reference id="1" title="CVE-2024-5 nodejs: bad" type="bugzilla" href="https://x/1"/></references>
      <pkglist><collection short="rocky-linux-8-x86-64-appstream-rpms"><name>rocky-linux-8-x86-64-appstream-rpms</name>
        <module name="nodejs" stream="18" version="1" context="c" arch="x86_64"/>
        <package name="nodejs" epoch="1" version="18.1" release="2.module+el8.4.0" arch="x86_64"><filename>f</filename></package>
        <package name="nodejs" epoch="1" version="18.1" release="2.module+el8.4.0" arch="src"><filename>f</filename></package>
      </collection></pkglist></update></updates>)");
  EXPECT_THAT(read.advisories, ElementsAre("RLSA-1 [CVE-2024-5] medium"));
  EXPECT_THAT(read.statements,
              ElementsAre("rocky:8 binary nodejs of nodejs:18 fixed 1:18.1-2.module+el8.4.0"));
}

TEST(Feeds, RefusesWhatIsNoFeed) {
  for (const std::string& kind : feed_kinds()) {
    const Error error =
        error_of([&] { read_text(kind, "<html><body>Please log in</body></html>"); });
    EXPECT_EQ(error.kind(), ErrorKind::corrupt) << kind;
    EXPECT_THAT(error.hint(), HasSubstr("file")) << kind;
  }
  EXPECT_EQ(kind_of([] { read_text("rss", "{}"); }), ErrorKind::usage);
}

TEST(Feeds, RefusesEntities) {
  EXPECT_EQ(
      kind_of([] {
        read_text(
            "oval",
            R"(<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><oval_definitions>&b;</oval_definitions>)");
      }),
      ErrorKind::corrupt);
}

TEST(Ecosystem, HasOneNameWhateverTheFeedSays) {
  EXPECT_EQ(ecosystem_from_osv("Debian:12"), "debian:12");
  EXPECT_EQ(ecosystem_from_osv("Ubuntu:22.04:LTS"), "ubuntu:22.04");
  EXPECT_EQ(ecosystem_from_osv("Ubuntu:Pro:18.04:LTS"), "ubuntu:18.04");
  EXPECT_EQ(ecosystem_from_osv("Ubuntu:24.10"), "ubuntu:24.10");
  EXPECT_EQ(ecosystem_from_osv("Ubuntu:Pro:FIPS-updates:20.04:LTS"), "");
  EXPECT_EQ(ecosystem_from_osv("Ubuntu:22.04:LTS:for:NVIDIA:BlueField"), "");
  EXPECT_EQ(ecosystem_from_cpe("cpe:/o:suse:sle-module-server-applications:15:sp5"), "sles:15.5");
  EXPECT_EQ(ecosystem_from_osv("Alpine:v3.19"), "alpine:3.19");
  EXPECT_EQ(ecosystem_from_osv("Rocky Linux:9"), "rocky:9");
  EXPECT_EQ(ecosystem_from_osv("Red Hat:enterprise_linux:9::baseos"), "rhel:9");
  EXPECT_EQ(ecosystem_from_osv("Red Hat:rhel_eus:9.2::baseos"), "");
  EXPECT_EQ(ecosystem_from_cpe("cpe:/o:redhat:enterprise_linux:10.0"), "rhel:10");
  EXPECT_EQ(ecosystem_from_cpe("cpe:/o:redhat:enterprise_linux:9.2"), "");
  EXPECT_EQ(ecosystem_from_osv("SUSE:Linux Enterprise Server 15 SP5"), "sles:15.5");
  EXPECT_EQ(ecosystem_from_osv("openSUSE:Leap 15.6"), "opensuse-leap:15.6");
  EXPECT_EQ(ecosystem_from_osv("Chainguard"), "chainguard");
  EXPECT_EQ(ecosystem_from_osv("crates.io"), "crates.io");
  EXPECT_EQ(ecosystem_from_osv("Packagist"), "");
  EXPECT_EQ(ecosystem_from_title("Fedora 40"), "fedora:40");
  EXPECT_EQ(ecosystem_from_title("amazon-linux-2023"), "amzn:2023");
  EXPECT_EQ(ecosystem_from_title("SUSE Linux Enterprise Server 15 SP5"), "sles:15.5");
  EXPECT_EQ(ecosystem_of({.id = "rocky", .version_id = "9.3"}), "rocky:9");
  EXPECT_EQ(ecosystem_of({.id = "alpine", .version_id = "3.19.1"}), "alpine:3.19");
  EXPECT_EQ(ecosystem_of({.id = "debian", .version_id = ""}), "");
}

TEST(Severity, OfAVectorIsItsScore) {
  EXPECT_DOUBLE_EQ(cvss3_score("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), 9.8);
  EXPECT_DOUBLE_EQ(cvss3_score("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), 6.1);
  EXPECT_DOUBLE_EQ(cvss3_score("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N"), 5.5);
  EXPECT_DOUBLE_EQ(cvss3_score("CVSS:3.1/AV:N"), 0);
  EXPECT_EQ(severity_of_word("Important"), model::Severity::high);
  EXPECT_EQ(severity_of_word("medium**"), model::Severity::medium);
}

}  // namespace
}  // namespace hallmark::scan
