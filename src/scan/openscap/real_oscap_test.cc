/// The same script as in a machine of a cloud, here, with the oscap that is installed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/text.h"
#include "scan/openscap/fixture.h"
#include "scan/openscap/gzip.h"

namespace hallmark::scan::openscap {
namespace {

using model::Completeness;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RealOscap : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!find_program("oscap")) GTEST_SKIP() << "oscap is not installed: openscap-scanner";
    machine_.use_real_oscap();
    config_.content = testdata("sample-ds.xml");
    config_.profile = "stig";
  }

  model::Assessment scan() {
    auto scanner = make_openscap_scanner(config_, machine_.commands(), clock_);
    scanner->check({});
    std::string id = scanner->launch(target_, {});
    EXPECT_TRUE(scanner->look(target_, id, {}).ended);
    KeepRaw keep = [this](const std::string& name, const std::string& type,
                          std::string_view bytes) {
      raw_[name] = bytes;
      return model::RawResult{name, type, bytes.size(), sha256_hex(bytes)};
    };
    return scanner->collect(target_, id, keep, {});
  }

  LocalMachine machine_;
  ManualClock clock_{from_rfc3339("2026-11-22T10:00:00Z")};
  OpenscapConfig config_;
  ScanTarget target_{.title = "run-1", .machine_id = "i-0c0ffee0000000001"};
  std::map<std::string, std::string> raw_;
};

TEST_F(RealOscap, SeesOneRuleThatHoldsAndOneThatDoesNot) {
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_THAT(assessment.reasons, IsEmpty()) << raw_["openscap/messages.txt"];
  EXPECT_EQ(assessment.profile, "xccdf_org.example_profile_stig");
  EXPECT_FALSE(assessment.scanner_version.empty());
  EXPECT_EQ(assessment.login, model::Login::yes);
  ASSERT_TRUE(assessment.checks);
  EXPECT_EQ(assessment.checks->passed, 1);
  EXPECT_EQ(assessment.checks->failed, 1);
  EXPECT_EQ(assessment.checks->not_applicable, 1);
  EXPECT_EQ(assessment.checks->not_checked, 0);
  EXPECT_EQ(assessment.hardening_score, 50.0);
  ASSERT_EQ(assessment.findings.size(), 1u);
  const model::Finding& finding = assessment.findings[0];
  EXPECT_EQ(finding.finding_id, "xccdf_org.example_rule_marker");
  EXPECT_EQ(finding.severity_native, "CAT I");
  EXPECT_EQ(finding.severity, model::Severity::high);
  EXPECT_THAT(finding.advisory_ids,
              ElementsAre("CCE-90002-2", "CCI-000366", "SMPL-01-000020", "V-900002"));
  EXPECT_EQ(finding.description,
            "The file /etc/hallmark-no-such-marker marks machines that are ready.\n\n"
            "Without it nothing is ready.");
  EXPECT_EQ(finding.remediation, "Create the file.");
}

TEST_F(RealOscap, KeepsResultsAndArf) {
  scan();
  EXPECT_THAT(raw_["openscap/results.xml"], HasSubstr("<TestResult "));
  std::string arf = unpack_gzip(raw_["openscap/arf.xml.gz"], 64u << 20);
  EXPECT_THAT(arf, HasSubstr("asset-report-collection"));
  EXPECT_THAT(arf, HasSubstr("oval_results")) << "with what the probes saw";
}

TEST_F(RealOscap, ContentForAnotherSystemIsInconclusive) {
  config_.profile = "elsewhere";
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr("another system")));
  EXPECT_EQ(assessment.native_state, "oscap ended with 0");
  EXPECT_THAT(assessment.findings, IsEmpty());
  EXPECT_EQ(assessment.checks->not_applicable, 1);
  EXPECT_EQ(assessment.hardening_score, std::nullopt);
}

TEST_F(RealOscap, RulesForPeopleAreNoPass) {
  config_.profile = "manual";
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_EQ(assessment.checks->passed, 1);
  EXPECT_EQ(assessment.checks->not_checked, 1);
}

TEST_F(RealOscap, ContentMayBeInTheMachine) {
  config_.content.clear();
  config_.content_path = (machine_.root() / "there.xml").string();
  write_file(config_.content_path, read_file(testdata("sample-ds.xml")));
  EXPECT_EQ(scan().completeness, Completeness::complete);
}

TEST_F(RealOscap, AProfileThatIsNotThereSaysSo) {
  config_.content.clear();
  config_.content_path = testdata("sample-ds.xml").string();
  config_.profile = "cis";
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(join(assessment.reasons, "\n"), HasSubstr("No profile matching suffix \"cis\""));
}

TEST_F(RealOscap, TailoringCounts) {
  config_.tailoring = machine_.root() / "tailoring.xml";
  config_.profile = "xccdf_org.example_profile_ours";
  write_file(config_.tailoring,
             R"(<?xml version="1.0"?><Tailoring xmlns="http://checklists.nist.gov/xccdf/1.2"
               id="xccdf_org.example_tailoring_ours"><version time="2026-11-20T00:00:00">1</version>
               <Profile id="xccdf_org.example_profile_ours" extends="xccdf_org.example_profile_stig">
               <title>Ours</title>
               <select idref="xccdf_org.example_rule_marker" selected="false"/></Profile></Tailoring>)");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  EXPECT_EQ(assessment.profile, "xccdf_org.example_profile_ours");
  EXPECT_EQ(assessment.checks->failed, 0);
  EXPECT_EQ(assessment.checks->passed, 1);
}

TEST_F(RealOscap, TheEnvironmentHidesNothing) {
  // Both would turn the failing rule into one that holds or is not evaluated.
  machine_.environment = {{"OSCAP_PROBE_ROOT", (machine_.root() / "elsewhere").string()},
                          {"OSCAP_PROBE_IGNORE_PATHS", "/etc"}};
  make_directories(machine_.root() / "elsewhere/etc");
  write_file(machine_.root() / "elsewhere/etc/hallmark-no-such-marker", "");
  EXPECT_EQ(scan().checks->failed, 1);
}

TEST_F(RealOscap, NothingStaysInTheMachine) {
  scan();
  EXPECT_THAT(machine_.leftovers(), IsEmpty());
}

}  // namespace
}  // namespace hallmark::scan::openscap
