#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/advisory/feed_lines.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string record(const std::string& affected, const std::string& more = "") {
  return R"({"id": "X-1", "modified": "2024-01-01T00:00:00Z", )" + more + R"("affected": [)" +
         affected + "]}";
}

TEST(Osv, VersionsAreAffectedBesidesRanges) {
  const Lines read = read_text("osv", record(R"({"package": {"ecosystem": "PyPI", "name": "a"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "1.2"}]}],
    "versions": ["0.9", "1.0", "1.1", "1.2", "not a version"]})"));
  EXPECT_THAT(read.statements,
              ElementsAre("pypi source a from 1.0 fixed 1.2", "pypi source a from 0.9 until 0.9",
                          "pypi source a from 1.2 until 1.2",
                          "pypi source a from not a version until not a version"));
}

TEST(Osv, EventsMayComeInAnyOrder) {
  const Lines read = read_text("osv", record(R"({"package": {"ecosystem": "npm", "name": "a"},
    "ranges": [{"type": "SEMVER", "events": [{"fixed": "1.10.0"}, {"introduced": "2.0.0"}, {"introduced": "1.9.0"},
      {"last_affected": "2.1.0"}, {"fixed": "1.2.0"}, {"introduced": "0"}]}]})"));
  EXPECT_THAT(read.statements,
              ElementsAre("npm source a fixed 1.2.0", "npm source a from 1.9.0 fixed 1.10.0",
                          "npm source a from 2.0.0 until 2.1.0"));
}

TEST(Osv, CommitsAloneCannotBeCompared) {
  const Lines read = read_text("osv", record(R"({"package": {"ecosystem": "PyPI", "name": "a"},
    "ranges": [{"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}, {"fixed": "abc"}]}]},
   {"package": {"ecosystem": "PyPI", "name": "b"}, "versions": ["1"],
    "ranges": [{"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}]}]})"));
  EXPECT_THAT(read.statements,
              ElementsAre("pypi source a incomparable", "pypi source b from 1 until 1"));
}

TEST(Osv, WhatIsLikeAFlawIsAnother) {
  const std::string related = R"("related": ["CVE-2024-0001"], )";
  EXPECT_THAT(
      read_text(
          "osv",
          record(R"({"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1"]})", related))
          .advisories,
      ElementsAre("X-1 [] unknown"));
  EXPECT_THAT(
      read_text(
          "osv",
          record(R"({"package": {"ecosystem": "Rocky Linux:9", "name": "a"}, "versions": ["1"]})",
                 related))
          .advisories,
      ElementsAre("X-1 [CVE-2024-0001] unknown"))
      << "older records of distributions name there what they mend";
  EXPECT_THAT(
      read_text("osv",
                record(R"({"package": {"ecosystem": "Debian:12", "name": "a"}, "versions": ["1"]})",
                       related + R"("upstream": ["CVE-2024-0002"], )"))
          .advisories,
      ElementsAre("X-1 [CVE-2024-0002] unknown"));
}

TEST(Osv, APackageUrlSaysTheStream) {
  const Lines read =
      read_text("osv", record(R"({"package": {"ecosystem": "Red Hat:enterprise_linux:8::appstream",
      "name": "nodejs", "purl": "pkg:rpm/redhat/nodejs?rpmmod=nodejs:18:8090020231019152822:a75119d5"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:18.18.2-1.module+el8.9.0"}]}]})"));
  EXPECT_THAT(read.statements,
              ElementsAre("rhel:8 binary nodejs of nodejs:18 fixed 1:18.18.2-1.module+el8.9.0"));
}

TEST(Osv, FixesOfUbuntuProAreForSubscribers) {
  const Lines read =
      read_text("osv", record(R"({"package": {"ecosystem": "Ubuntu:Pro:18.04:LTS", "name": "a"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2-3ubuntu0.1+esm1"}]}]})"));
  EXPECT_THAT(read.statements,
              ElementsAre("ubuntu:18.04 source a fixed 1.2-3ubuntu0.1+esm1 for subscribers"));
}

}  // namespace
}  // namespace hallmark::scan
