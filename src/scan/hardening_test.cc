#include "scan/hardening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

model::Inventory with(std::vector<model::HardeningFact> facts) {
  model::Inventory inventory;
  inventory.facts = std::move(facts);
  return inventory;
}

std::vector<std::string> told(const model::Inventory& inventory) {
  std::vector<std::string> texts;
  for (const model::Finding& finding : hardening_findings(inventory)) {
    texts.push_back(finding.finding_id + " " + std::string(model::to_string(finding.severity)));
  }
  return texts;
}

TEST(Hardening, AFactThatShouldNotBeIsAFinding) {
  const model::Inventory inventory = with({{"empty-password", "/etc/shadow", "user a"},
                                           {"empty-password", "/etc/shadow", "user b"},
                                           {"private-key", "/root/.ssh/id_rsa", ""},
                                           {"logs", "/var/log", "2 files"},
                                           {"of-tomorrow", "/x", ""}});
  EXPECT_THAT(told(inventory),
              ElementsAre("hardening:empty-password:/etc/shadow:a critical",
                          "hardening:empty-password:/etc/shadow:b critical",
                          "hardening:logs:/var/log info", "hardening:of-tomorrow:/x unknown",
                          "hardening:private-key:/root/.ssh/id_rsa high"));
  const model::Finding key = hardening_findings(inventory).back();
  EXPECT_EQ(key.kind, model::FindingKind::compliance);
  EXPECT_THAT(key.title, HasSubstr("/root/.ssh/id_rsa"));
  EXPECT_THAT(key.remediation, HasSubstr("remove it"));
}

TEST(Hardening, WhatDistributionsDeliverIsNone) {
  EXPECT_THAT(told(with({{"setuid", "/usr/bin/sudo", ""},
                         {"setuid", "/bin/su", ""},
                         {"setgid", "/usr/bin/crontab", ""}})),
              IsEmpty());
  EXPECT_THAT(told(with({{"setuid", "/usr/local/bin/sudo", ""}, {"setuid", "/opt/su", ""}})),
              SizeIs(2));
  // A name that is known says nothing elsewhere, nor of the other bit.
  EXPECT_THAT(told(with({{"setuid", "/usr/lib/openssh/ssh-keysign", ""}})), IsEmpty());
  EXPECT_THAT(told(with({{"setuid", "/usr/share/x/sudo", ""},
                         {"setuid", "/usr/lib/x/su", ""},
                         {"setuid", "/usr/bin/wall", ""},
                         {"setgid", "/usr/bin/sudo", ""}})),
              SizeIs(4));
}

TEST(Hardening, IsInEveryAssessmentOfAScannerThatHasIt) {
  ManualClock clock(from_rfc3339("2026-09-01T00:00:00Z"));
  const auto assess = with_hardening(
      [](const model::Inventory&, std::stop_token) { return model::Assessment{}; }, clock);
  const auto found = assess(with({{"machine-id", "/etc/machine-id", ""}}), {});
  ASSERT_THAT(found.findings, SizeIs(1));
  EXPECT_EQ(found.findings[0].finding_id, "hardening:machine-id:/etc/machine-id");
}

TEST(Hardening, TextOfTheImageIsHarmless) {
  const auto findings = hardening_findings(with({{"private-key", "/a\x1b[31m\xff", "\x07"}}));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].finding_id.find('\x1b'), std::string::npos);
  EXPECT_EQ(findings[0].title.find('\x1b'), std::string::npos);
  EXPECT_EQ(findings[0].evidence.find('\x07'), std::string::npos);
}

TEST(Hardening, TheKernelThatIsStartedIsTheNewestOfItsFlavour) {
  model::Inventory inventory;
  inventory.kernels = {"6.1.0-10-amd64", "6.1.0-11-cloud-amd64", "6.1.0-9-amd64"};
  EXPECT_THAT(told(inventory), IsEmpty());
  inventory.default_kernel = "6.1.0-9-amd64";
  const auto findings = hardening_findings(inventory);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].finding_id, "hardening:old-kernel:");
  EXPECT_EQ(findings[0].evidence, "6.1.0-10-amd64 is installed, 6.1.0-9-amd64 is started");
  inventory.default_kernel = "6.1.0-10-amd64";
  EXPECT_THAT(told(inventory), IsEmpty());
  inventory.kernels = {"5.14.0-427.13.1.el9", "5.14.0-427.el9"};
  inventory.default_kernel = "5.14.0-427.el9";
  EXPECT_THAT(told(inventory), SizeIs(1));
  inventory.kernels = {"6.1.0-10-amd64", "6.1.0-11-cloud-amd64", "6.1.0-9-amd64"};
  inventory.default_kernel = "6.1.0-11-cloud-amd64";
  EXPECT_THAT(told(inventory), IsEmpty());
}

TEST(Hardening, AnEndOfSupportThatPassedIsAFindingAndAGap) {
  model::Inventory inventory = with({{"machine-id", "/etc/machine-id", ""}});
  inventory.distribution = {
      .id = "debian", .pretty_name = "Debian 11", .end_of_support = "2026-08-31"};
  model::Assessment assessment;
  assessment.completeness = model::Completeness::complete;
  add_hardening(assessment, inventory, from_rfc3339("2026-08-31T23:00:00Z"));
  EXPECT_THAT(assessment.findings, SizeIs(1));
  EXPECT_EQ(assessment.completeness, model::Completeness::complete);
  assessment.findings.clear();
  add_hardening(assessment, inventory, from_rfc3339("2026-09-01T00:00:00Z"));
  ASSERT_THAT(assessment.findings, SizeIs(2));
  EXPECT_EQ(assessment.findings[0].finding_id, "hardening:end-of-support");
  EXPECT_THAT(assessment.findings[0].title, HasSubstr("Debian 11"));
  EXPECT_THAT(assessment.gaps, SizeIs(1));
  EXPECT_EQ(assessment.completeness, model::Completeness::partial);
}

TEST(Hardening, AnEndThatNobodyKnowsIsAGap) {
  auto gaps_of = [](const model::Distribution& distribution) {
    model::Inventory inventory;
    inventory.distribution = distribution;
    model::Assessment assessment;
    assessment.completeness = model::Completeness::complete;
    for (int i = 0; i < 2; ++i) {
      add_hardening(assessment, inventory, from_rfc3339("2026-09-01T00:00:00Z"));
    }
    EXPECT_EQ(assessment.gaps.empty(), assessment.completeness == model::Completeness::complete);
    return assessment.gaps.size();
  };
  EXPECT_EQ(gaps_of({.id = "oflinux", .version_id = "1"}), 1u);
  EXPECT_EQ(gaps_of({.id = "debian", .version_id = "11"}), 1u)
      << "said once, though its end passed";
  EXPECT_EQ(gaps_of({.id = "debian", .version_id = "12"}), 0u) << "also in an older inventory";
  EXPECT_EQ(gaps_of({.id = "debian"}), 0u) << "unstable";
  EXPECT_EQ(gaps_of({.id = "opensuse-tumbleweed", .version_id = "20260801"}), 0u);
  EXPECT_EQ(gaps_of({}), 0u) << "that there is no os-release is a gap of its own";
}

}  // namespace
}  // namespace hallmark::scan
