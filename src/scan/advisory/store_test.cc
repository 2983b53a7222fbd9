#include "scan/advisory/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/testing.h"
#include "scan/advisory/match.h"
#include "scan/advisory/sbom.h"
#include "scan/advisory/vex.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kSamples = HALLMARK_ADVISORY_TESTDATA;

class Store : public ::testing::Test {
 protected:
  AdvisoryConfig config(const std::string& name, const std::string& kind, const Path& file) {
    return {.feeds = {{.name = name, .kind = kind, .place = file.string()}}};
  }
  std::vector<std::string> update(const AdvisoryConfig& given) {
    std::vector<std::string> states;
    for (const auto& outcome : update_feeds(given, {}, state(), clock_))
      states.push_back(outcome.name + " " + outcome.state);
    return states;
  }
  Path state() const { return directory_.path() / "advisories"; }

  TempDir directory_;
  ManualClock clock_{from_rfc3339("2026-01-02T00:00:00Z")};
};

TEST_F(Store, KeepsWhatDidNotChangeAndSwapsWhatDid) {
  const Path file = directory_.path() / "alma.json";
  write_file(file, read_file(kSamples / "alma-gupnp.json"));
  EXPECT_EQ(open_advisories(state()), nullptr);
  EXPECT_THAT(update(config("alma", "osv", file)), ElementsAre("alma new"));
  const auto before = open_advisories(state());
  clock_.advance(std::chrono::hours(1));
  EXPECT_THAT(update(config("alma", "osv", file)), ElementsAre("alma unchanged"));
  EXPECT_EQ(open_advisories(state())->feeds()[0].fetched_at, "2026-01-02T01:00:00.000Z")
      << "it was looked at again";
  write_file(file, read_file(kSamples / "alma-nodejs-10.json"));
  EXPECT_THAT(update(config("alma", "osv", file)), ElementsAre("alma new"));
  EXPECT_EQ(before->text(before->advisories()[0].id), "ALSA-2021:2363")
      << "who has it open goes on with it";
  const auto after = open_advisories(state());
  EXPECT_EQ(after->text(after->advisories()[0].id), "ALSA-2021:0548");
}

TEST_F(Store, WhatCannotBeFetchedStaysAsItWas) {
  const Path file = directory_.path() / "alma.json";
  write_file(file, read_file(kSamples / "alma-gupnp.json"));
  update(config("alma", "osv", file));
  write_file(file, "<html>Please log in</html>");
  AdvisoryConfig two = config("alma", "osv", file);
  two.feeds.push_back({.name = "azure",
                       .kind = "oval",
                       .place = (kSamples / "azurelinux-3.0-oval.xml").string(),
                       .ecosystem = "azurelinux:3.0"});
  EXPECT_THAT(update(two), ElementsAre("alma failed", "azure new"));
  EXPECT_EQ(open_advisories(state())->feeds().size(), 2u);
}

TEST_F(Store, ADigestThatDoesNotHoldIsRefused) {
  FeedSource source{.name = "alma",
                    .kind = "osv",
                    .place = (kSamples / "alma-gupnp.json").string(),
                    .sha256 = std::string(64, '0')};
  EXPECT_EQ(kind_of([&] { import_feed(source, state(), clock_); }), ErrorKind::corrupt);
  EXPECT_EQ(open_advisories(state()), nullptr);
  source.sha256 = sha256_hex(read_file(source.place));
  import_feed(source, state(), clock_);
  // As sha256sum writes it.
  write_file(directory_.path() / "sums", source.sha256 + "  alma.json\n");
  source.sha256 = (directory_.path() / "sums").string();
  import_feed(source, state(), clock_);
  EXPECT_EQ(open_advisories(state())->advisories().size(), 1u);
}

TEST_F(Store, FollowsARepositorysList) {
  const std::string update_bytes = read_file(kSamples / "amazon-2023-updateinfo.xml.gz");
  const Path root = directory_.path() / "repo";
  write_file(root / "repodata/u.xml.gz", update_bytes);
  const auto list = [&](const std::string& digest) {
    write_file(
        root / "repodata/repomd.xml",
        R"(<repomd><data type="primary"><checksum type="sha256">x</checksum><location href="repodata/p.xml"/></data>
      <data type="updateinfo"><checksum type="sha256">)" +
            digest + R"(</checksum><location href="repodata/u.xml.gz"/></data></repomd>)");
  };
  list(std::string(64, 'a'));
  const AdvisoryConfig amazon =
      config("amazon", "updateinfo", "file://" + (root / "repodata/repomd.xml").string());
  const auto outcome = update_feeds(amazon, {}, state(), clock_)[0];
  EXPECT_EQ(outcome.state, "failed");
  EXPECT_THAT(outcome.why, HasSubstr("SHA-256"));
  list(sha256_hex(update_bytes));
  EXPECT_THAT(update(amazon), ElementsAre("amazon new"));
  EXPECT_THAT(update(amazon), ElementsAre("amazon unchanged"));
}

TEST_F(Store, FetchesThroughAMirror) {
  AdvisoryConfig mirrored{.feeds = {{.name = "debian"}},
                          .mirror = "file://" + (directory_.path() / "mirror").string()};
  write_file(directory_.path() / "mirror/security-tracker.debian.org/tracker/data/json",
             read_file(kSamples / "debian-tracker.json"));
  EXPECT_THAT(update(mirrored), ElementsAre("debian new"));
  EXPECT_THAT(open_advisories(state())->feeds()[0].ecosystems,
              ElementsAre("debian:10", "debian:11", "debian:12", "debian:13"));
}

TEST_F(Store, ForgetsAFeed) {
  import_feed({.name = "alma", .kind = "osv", .place = (kSamples / "alma-gupnp.json").string()},
              state(), clock_);
  EXPECT_EQ(kind_of([&] { remove_feed("other", state()); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { remove_feed("../alma", state()); }), ErrorKind::not_found);
  remove_feed("alma", state());
  EXPECT_THAT(open_advisories(state())->feeds(), IsEmpty());
}

TEST_F(Store, CompilesAnewWhatAnotherVersionWrote) {
  const AdvisoryConfig alma = config("alma", "osv", kSamples / "alma-gupnp.json");
  update(alma);
  write_file(state() / "compiled.advisories", "something else");
  update(alma);
  EXPECT_EQ(open_advisories(state())->advisories().size(), 1u);
}

TEST(KnownFeeds, HaveShortNames) {
  EXPECT_EQ(known_feed("alpine:3.22").size(), 2u);
  EXPECT_EQ(known_feed("osv:Rocky Linux:9")[0].name, "osv-rocky-linux-9");
  EXPECT_THAT(known_feed("osv:Rocky Linux:9")[0].place, HasSubstr("/Rocky%20Linux%3A9/all.zip"));
  EXPECT_EQ(kind_of([] { known_feed("gentoo"); }), ErrorKind::usage);
}

TEST(Sbom, ReadsCycloneDx) {
  const auto inventory = read_sbom(R"({"bomFormat": "CycloneDX", "components": [
    {"type": "operating-system", "name": "debian", "version": "12"},
    {"type": "library", "name": "libc6", "purl": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u3?arch=amd64&distro=debian-12",
     "properties": [{"name": "source_package", "value": "glibc"}, {"name": "source_version", "value": "2.36-9+deb12u3"}],
     "components": [{"type": "library", "name": "x", "purl": "pkg:npm/%40scope/left@1.0.0"}]},
    {"type": "library", "name": "core", "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"},
    {"type": "file", "name": "/bin/sh"},
    {"type": "library", "name": "mystery"}, {"type": "library", "name": "n", "purl": "pkg:nuget/N@1"}]})",
                                   "test");
  EXPECT_EQ(inventory.distribution.codename, "bookworm");
  ASSERT_EQ(inventory.packages.size(), 3u);
  EXPECT_EQ(inventory.packages[0].name, "@scope/left");
  EXPECT_EQ(inventory.packages[1].source_name, "glibc");
  EXPECT_EQ(inventory.packages[1].version, "2.36-9+deb12u3");
  EXPECT_EQ(inventory.packages[2].name, "org.apache.logging.log4j:log4j-core");
  EXPECT_EQ(inventory.gaps.size(), 2u) << "what cannot be told is said";
}

TEST(Sbom, ReadsSpdx) {
  const auto inventory =
      read_sbom(R"({"spdxVersion": "SPDX-2.3", "documentDescribes": ["SPDXRef-Root"], "packages": [
    {"SPDXID": "SPDXRef-Root", "name": "image"},
    {"SPDXID": "a", "name": "curl", "sourceInfo": "built from source package: curl 7.76.1-14.el9",
     "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:rpm/almalinux/curl@7.76.1-14.el9?arch=x86_64&distro=almalinux-9.2&epoch=1"}]},
    {"SPDXID": "b", "name": "openssl-libs",
     "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:rpm/almalinux/openssl-libs@3.0.7-1.el9?upstream=openssl-3.0.7-1.el9.src.rpm&distro=almalinux-9.2"}]}]})",
                "test");
  EXPECT_EQ(inventory.distribution.id, "almalinux");
  EXPECT_EQ(inventory.distribution.version_id, "9.2");
  ASSERT_EQ(inventory.packages.size(), 2u);
  EXPECT_EQ(inventory.packages[0].version, "1:7.76.1-14.el9");
  EXPECT_EQ(inventory.packages[1].source_name, "openssl");
  EXPECT_THAT(inventory.gaps, IsEmpty());
  EXPECT_EQ(kind_of([] { read_sbom(R"({"a": 1})", "test"); }), ErrorKind::corrupt);
}

TEST(Vex, SuppressesOnlyWhatIsSpokenOf) {
  const auto statements = read_vex(
      R"({"@context": "https://openvex.dev/ns/v0.2.0", "author": "security@example.com", "statements": [
    {"vulnerability": {"name": "CVE-2024-0001"}, "status": "not_affected", "justification": "vulnerable_code_not_present",
     "products": [{"@id": "pkg:deb/debian/openssl"}]},
    {"vulnerability": {"name": "CVE-2024-0002"}, "status": "affected", "products": [{"@id": "pkg:deb/debian/openssl"}]}]})",
      "test");
  model::Assessment assessment;
  assessment.distribution.id = "debian";
  assessment.findings.resize(3);
  for (auto& finding : assessment.findings) finding.package = finding.source_package = "openssl";
  assessment.findings[0].cves = {"CVE-2024-0001"};
  assessment.findings[1].cves = {"CVE-2024-0001", "CVE-2024-0002"};
  assessment.findings[2].cves = {"CVE-2024-0002"};
  apply_vex(assessment, statements);
  EXPECT_EQ(assessment.findings[0].status, model::FindingStatus::suppressed);
  EXPECT_THAT(assessment.findings[0].evidence, HasSubstr("vulnerable_code_not_present"));
  EXPECT_EQ(assessment.findings[1].status, model::FindingStatus::open);
  EXPECT_EQ(assessment.findings[2].status, model::FindingStatus::open);
  assessment.distribution.id = "ubuntu";
  assessment.findings[0].status = model::FindingStatus::open;
  apply_vex(assessment, statements);
  EXPECT_EQ(assessment.findings[0].status, model::FindingStatus::open)
      << "another distribution's package";
}

TEST(Vex, ReadsCycloneDx) {
  const auto statements = read_vex(
      R"({"bomFormat": "CycloneDX", "components": [{"bom-ref": "r1", "purl": "pkg:pypi/foo@1.0"}],
    "vulnerabilities": [{"id": "CVE-2024-0001", "analysis": {"state": "not_affected", "justification": "code_not_reachable"}, "affects": [{"ref": "r1"}]},
                        {"id": "CVE-2024-0002", "analysis": {"state": "exploitable"}, "affects": [{"ref": "r1"}]}]})",
      "test");
  ASSERT_EQ(statements.size(), 1u);
  EXPECT_EQ(statements[0].package, "pypi/foo");
  EXPECT_EQ(statements[0].version, "1.0");
  EXPECT_EQ(kind_of([] { read_vex("{}", "test"); }), ErrorKind::corrupt);
}

}  // namespace
}  // namespace hallmark::scan
