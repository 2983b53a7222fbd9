#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/advisory/feed_lines.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Csaf, ReadsRedHatsVex) {
  Lines read = read_sample("csaf", "redhat-vex.json");
  EXPECT_THAT(read.advisories, ElementsAre("CVE-2023-38545 [CVE-2023-38545] high"));
  EXPECT_THAT(
      read.statements,
      ElementsAre(
          "rhel:9 binary curl fixed 7.76.1-23.el9_2.4 high",
          // The stream is the module's in which the package is, or the package URL's.
          "rhel:8 binary nodejs of nodejs:18 fixed 1:18.18.2-1.module+el8.9.0+20408+7cb5fda5",
          "rhel:8 binary nodejs of nodejs:20 fixed 1:20.8.1-1.module+el8.9.0+20473+c4e3d824",
          "rhel:8 source rust-toolset of rust-toolset:rhel8 wont_fix",
          "rhel:8 binary samba-client end_of_life low", "rhel:8 source samba undetermined none",
          "rhel:8 source wget not affected none"));
  EXPECT_EQ(read.feed().elsewhere, 3u)
      << "an extended release, a flatpak and a container: their versions are others";
}

/// A document with one vulnerability; the product tree and the status are given.
std::string document(const std::string& tree, const std::string& flaw) {
  return R"({"document": {"category": "csaf_vex", "title": "t", "tracking": {"id": "X-1"}},
    "product_tree": {"full_product_names": [)" +
         tree + R"(]}, "vulnerabilities": [{"cve": "CVE-2024-0001", )" + flaw + "}]}";
}

std::string name(const std::string& id, const std::string& purl = "") {
  const std::string helper =
      purl.empty() ? "" : R"(, "product_identification_helper": {"purl": ")" + purl + "\"}";
  return R"({"name": "n", "product_id": ")" + id + "\"" + helper + "}";
}

TEST(Csaf, AnIdMayHaveNoArchitecture) {
  Lines read = read_text(
      "csaf",
      document(name("curl-0:7.76.1-23.el9_2.4") + "," + name("bind-9.16.23-24.el9.noarch") + "," +
                   name("java-openjdk-headless"),
               R"("product_status": {"fixed": ["curl-0:7.76.1-23.el9_2.4",
                "bind-9.16.23-24.el9.noarch"], "known_affected": ["java-openjdk-headless"]})"),
      "rhel:9");
  EXPECT_THAT(read.statements, ElementsAre("rhel:9 binary curl fixed 0:7.76.1-23.el9_2.4",
                                           "rhel:9 binary bind fixed 9.16.23-24.el9",
                                           "rhel:9 source java-openjdk-headless none"));
}

TEST(Csaf, PackageUrlsAreDecoded) {
  Lines read = read_text(
      "csaf",
      document(name("a", "pkg:rpm/redhat/libstdc%2b%2b@11.4~rc1%5E2%2Bx-1.el9?arch=x86_64&epoch=2"),
               R"("product_status": {"recommended": ["a"]})"),
      "rhel:9");
  EXPECT_THAT(read.statements, ElementsAre("rhel:9 binary libstdc++ fixed 2:11.4~rc1^2+x-1.el9"));
}

TEST(Csaf, AGroupIsItsProducts) {
  std::string text = document(name("a", "pkg:rpm/redhat/a") + "," + name("b", "pkg:rpm/redhat/b"),
                              R"("product_status": {"known_affected": ["a", "b"]},
      "threats": [{"category": "impact", "details": "Critical", "group_ids": ["g"]}],
      "remediations": [{"category": "no_fix_planned", "details": "Will not fix", "group_ids": ["g"]}])");
  text.replace(text.find("\"full_product_names\""), 0,
               R"("product_groups": [{"group_id": "g", "product_ids": ["b"]}], )");
  EXPECT_THAT(read_text("csaf", text, "rhel:9").statements,
              ElementsAre("rhel:9 binary a none", "rhel:9 binary b wont_fix critical"));
}

TEST(Csaf, WhatIsRejectedCountsForNothing) {
  Lines read = read_text("csaf",
                         document(name("a", "pkg:rpm/redhat/a"),
                                  R"("title": "x", "notes": [{"text": "** REJECT ** not a flaw"}],
           "product_status": {"known_affected": ["a"]})"),
                         "rhel:9");
  EXPECT_THAT(read.statements, IsEmpty());
  EXPECT_EQ(read.feed().withdrawn, 1u);
}

}  // namespace
}  // namespace hallmark::scan
