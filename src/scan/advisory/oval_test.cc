#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/advisory/feed_lines.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

/// Tests, objects and states named by the letter of each row: "a openssl less than 0:1-1".
struct Row {
  std::string id, package, operation, evr, check = "at least one";
};

std::string oval(const std::string& definitions, const std::vector<Row>& rows) {
  std::string tests, objects, states;
  for (const Row& row : rows) {
    tests += "<rpminfo_test id=\"t" + row.id + "\" check=\"" + row.check +
             "\"><object object_ref=\"o" + row.id + "\"/>" +
             (row.operation.empty() ? "" : "<state state_ref=\"s" + row.id + "\"/>") +
             "</rpminfo_test>";
    objects +=
        "<rpminfo_object id=\"o" + row.id + "\"><name>" + row.package + "</name></rpminfo_object>";
    states += "<rpminfo_state id=\"s" + row.id + "\"><evr operation=\"" + row.operation + "\">" +
              row.evr + "</evr></rpminfo_state>";
  }
  return "<oval_definitions><definitions>" + definitions + "</definitions><tests>" + tests +
         "</tests><objects>" + objects + "</objects><states>" + states +
         "</states></oval_definitions>";
}

std::string definition(const std::string& id, const std::string& platforms,
                       const std::string& criteria, const std::string& kind = "patch") {
  return "<definition class=\"" + kind + "\" id=\"" + id +
         "\"><metadata><title>bad</title><affected>" + platforms +
         "</affected><reference source=\"CVE\" ref_id=\"CVE-2024-0001\"/></metadata>" + criteria +
         "</definition>";
}

TEST(Oval, IsReadAsPublished) {
  EXPECT_THAT(read_sample("oval", "azurelinux-3.0-oval.xml", "azurelinux:3.0").statements,
              ElementsAre("azurelinux:3.0 source oath-toolkit fixed 0:2.6.7-3.azl3",
                          "azurelinux:3.0 source linuxptp fixed 0:3.1.1-1.azl3",
                          "azurelinux:3.0 source cloud-hypervisor-cvm fixed 0:38.0.72.2-2.azl3"));
  Lines debian = read_sample("oval", "debian-bullseye-oval.xml.bz2");
  EXPECT_THAT(debian.statements,
              IsSupersetOf({"debian:11 source 389-ds-base fixed 0:1.3.5.15-1",
                            "debian:11 source 389-ds-base not affected",
                            "debian:11 source php7.4 fixed 0:7.4.30-1+deb11u1"}));
  EXPECT_THAT(debian.advisories,
              IsSupersetOf({"DSA-5179 [CVE-2022-31625 CVE-2022-31626] unknown"}));
}

TEST(Oval, NamesOfUbuntuAreVariables) {
  Lines read = read_text(
      "oval", R"(<oval_definitions><definitions><definition class="patch" id="d1"><metadata>
      <title>USN-1</title><affected family="unix"><platform>Ubuntu 22.04 LTS</platform></affected>
      <reference source="USN" ref_id="USN-1-1" ref_url="https://ubuntu.com/security/notices/USN-1-1"/>
      <advisory from="security@ubuntu.com"><severity>Medium</severity><cve href="h">CVE-2024-9</cve></advisory></metadata>
      <criteria><extend_definition definition_ref="d0"/><criteria><criterion test_ref="t1" comment="long"/></criteria></criteria></definition></definitions>
      <tests><linux-def:dpkginfo_test id="t1"><linux-def:object object_ref="o1"/><linux-def:state state_ref="s1"/></linux-def:dpkginfo_test></tests>
      <objects><linux-def:dpkginfo_object id="o1"><linux-def:name var_ref="v1" var_check="at least one"/></linux-def:dpkginfo_object></objects>
      <states><linux-def:dpkginfo_state id="s1"><linux-def:evr datatype="debian_evr_string" operation="less than">0:1.2-3ubuntu0.1</linux-def:evr></linux-def:dpkginfo_state></states>
      <variables><constant_variable id="v1" datatype="string"><value>libx1</value><value>libx-dev</value></constant_variable></variables></oval_definitions>)");
  EXPECT_THAT(read.advisories, ElementsAre("USN-1-1 [CVE-2024-9] medium"));
  EXPECT_THAT(read.statements, ElementsAre("ubuntu:22.04 binary libx1 fixed 0:1.2-3ubuntu0.1",
                                           "ubuntu:22.04 binary libx-dev fixed 0:1.2-3ubuntu0.1"));
}

TEST(Oval, EachPlatformCounts) {
  Lines read = read_text(
      "oval",
      oval(
          definition("d1", "<platform>Oracle Linux 8</platform><platform>Oracle Linux 9</platform>",
                     "<criteria><criterion test_ref=\"ta\" comment=\"a is earlier\"/></criteria>"),
          {{"a", "curl", "less than", "0:7.61.1-1.el8"}}));
  EXPECT_THAT(read.statements, ElementsAre("ol:8 binary curl fixed 0:7.61.1-1.el8",
                                           "ol:9 binary curl fixed 0:7.61.1-1.el8"));
}

TEST(Oval, TheCriteriaSayInWhichRelease) {
  Lines read =
      read_text("oval", oval(definition("d1",
                                        "<platform>SUSE Linux Enterprise Server 15 SP4</platform>"
                                        "<platform>SUSE Linux Enterprise Server 15 SP5</platform>",
                                        R"(<criteria operator="OR">
        <criteria operator="AND">
          <criteria operator="OR">
            <criterion test_ref="tx" comment="SUSE Linux Enterprise Module for Basesystem 15 SP4 is installed"/>
            <criterion test_ref="tx" comment="SUSE Linux Enterprise Server 15 SP1-LTSS is installed"/>
            <criterion test_ref="tx" comment="SUSE Manager Server 4.3 is installed"/>
          </criteria>
          <criteria operator="OR">
            <criterion test_ref="ta" comment="sqlite3-3.36 is installed"/>
            <criterion test_ref="tb" comment="sqlite3-devel-3.36 is installed"/></criteria>
        </criteria>
        <criteria operator="AND">
          <criterion test_ref="tx" comment="SUSE Linux Enterprise Server 15 SP5 is installed"/>
          <criterion test_ref="tc" comment="sqlite3-3.39 is installed"/>
        </criteria></criteria>)"),
                             {{"a", "sqlite3", "less than", "0:3.36-1"},
                              {"b", "sqlite3-devel", "less than", "0:3.36-1"},
                              {"c", "sqlite3", "less than", "0:3.39-1"}}));
  EXPECT_THAT(read.statements, UnorderedElementsAre("sles:15.1 binary sqlite3 fixed 0:3.36-1",
                                                    "sles:15.1 binary sqlite3-devel fixed 0:3.36-1",
                                                    "sles:15.4 binary sqlite3 fixed 0:3.36-1",
                                                    "sles:15.4 binary sqlite3-devel fixed 0:3.36-1",
                                                    "sles:15.5 binary sqlite3 fixed 0:3.39-1"));
  EXPECT_EQ(read.feed().elsewhere, 2u) << "SUSE Manager's";
}

TEST(Oval, WhatSuseHasNoFixForIsAFinding) {
  Lines read = read_text(
      "oval", oval(definition("d1", "<platform>SUSE Linux Enterprise Server 15 SP5</platform>",
                              R"(<criteria operator="AND">
        <criterion test_ref="tx" comment="SUSE Linux Enterprise Server 15 SP5 is installed"/>
        <criteria operator="OR"><criterion test_ref="ta" comment="xpdf is affected"/>
          <criterion test_ref="tb" comment="less is installed"/>
          <criterion test_ref="tc" comment="no kernel-livepatch is greater or equal than 14-2.2"/>
          <criterion test_ref="td" comment="kernel-default 4.12 is installed"/>
          <criterion test_ref="te" comment="odd"/></criteria></criteria>)",
                              "vulnerability"),
                   {{"a", "xpdf", "greater than", "0:0-0"},
                    {"b", "less", "", ""},
                    {"c", "kernel-livepatch", "greater than or equal", "0:14-2.2", "none satisfy"},
                    {"d", "kernel-default", "equals", "0:4.12-1"},
                    {"e", "odd", "greater than", "0:1-1"}}));
  EXPECT_THAT(read.statements,
              ElementsAre("sles:15.5 binary xpdf none", "sles:15.5 binary less none",
                          "sles:15.5 binary kernel-default from 0:4.12-1 until 0:4.12-1"));
  EXPECT_EQ(read.feed().unreadable, 1u) << "what cannot be compared is counted";
}

TEST(Oval, WhatRedHatCallsUnaffectedIsNone) {
  Lines read = read_text("oval", oval(definition("oval:com.redhat.unaffected:def:1",
                                                 "<platform>Red Hat Enterprise Linux 9</platform>",
                                                 R"(<criteria operator="AND">
        <criterion test_ref="tx" comment="Red Hat Enterprise Linux 9 is installed"/>
        <criterion test_ref="ta" comment="wget is installed"/></criteria>)"),
                                      {{"a", "wget", "", ""}}));
  EXPECT_THAT(read.statements, ElementsAre("rhel:9 binary wget not affected"));
}

TEST(Oval, AModuleBesideTheTestsOfItsPackagesIsTheirs) {
  Lines read = read_text("oval", oval(definition("d1", "<platform>Oracle Linux 8</platform>",
                                                 R"(<criteria operator="AND">
        <criterion test_ref="tx" comment="Oracle Linux 8 is installed"/>
        <criteria operator="OR">
          <criteria operator="AND"><criterion test_ref="ta" comment="nodejs is earlier"/>
            <criterion test_ref="tm" comment="Module nodejs:18 is enabled"/></criteria>
          <criteria operator="AND"><criteria operator="OR">
              <criterion test_ref="tm" comment="Module nodejs:20 is enabled"/>
              <criterion test_ref="tm" comment="Module nodejs:22 is enabled"/></criteria>
            <criterion test_ref="tb" comment="nodejs is earlier"/></criteria>
          <criteria operator="AND" negate="true"><criterion test_ref="tc"/></criteria>
          <criterion test_ref="tc" comment="plain is earlier"/>
        </criteria></criteria>)"),
                                      {{"a", "nodejs", "less than", "1:18.1-1.module+el8"},
                                       {"b", "nodejs", "less than", "1:20.1-1.module+el8"},
                                       {"c", "plain", "less than", "0:1-1"}}));
  EXPECT_THAT(read.statements,
              ElementsAre("ol:8 binary nodejs of nodejs:18 fixed 1:18.1-1.module+el8",
                          "ol:8 binary nodejs of nodejs:20,nodejs:22 fixed 1:20.1-1.module+el8",
                          "ol:8 binary plain fixed 0:1-1"));
}

TEST(Oval, APackageIsNoRelease) {
  Lines read = read_text(
      "oval", oval(definition("d1", "<platform>Ubuntu 22.04 LTS</platform>",
                              R"(<criteria operator="AND">
        <extend_definition definition_ref="d0" comment="Ubuntu 22.04 LTS (jammy) is installed."/>
        <criterion test_ref="ta" comment="python3-debian is installed"/></criteria>)") +
                       definition("d0", "", "<criteria><criterion test_ref=\"tz\"/></criteria>",
                                  "inventory"),
                   {{"a", "python3-debian", "less than", "0:1"}}));
  EXPECT_THAT(read.statements, ElementsAre("ubuntu:22.04 binary python3-debian fixed 0:1"));
  EXPECT_EQ(read.feed().records, 1u);
}

}  // namespace
}  // namespace hallmark::scan
