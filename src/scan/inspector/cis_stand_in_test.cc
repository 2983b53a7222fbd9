/// The CIS benchmark and the scan of a list of packages against tests/aws_fake.

#include <gmock/gmock.h>

#include <algorithm>

#include "scan/inspector/fixture.h"
#include "scan/inspector/sbom.h"

namespace hallmark::scan::inspector {
namespace {

using model::Completeness;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class InspectorCis : public InspectorStandIn {
 protected:
  void SetUp() override {
    InspectorStandIn::SetUp();
    if (!IsSkipped()) open(ground_->config("LEVEL_1"));
  }
};

TEST_F(InspectorCis, TheWholeWalk) {
  std::string id = launch();
  EXPECT_THAT(id, HasSubstr("cis-configuration"));
  ASSERT_TRUE(run_to_end(id));
  EXPECT_THAT(states_.front(), HasSubstr("CIS: IN_PROGRESS"));
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  ASSERT_TRUE(assessment.checks);
  EXPECT_EQ(assessment.checks->passed, 2);
  EXPECT_EQ(assessment.checks->failed, 1);
  EXPECT_EQ(assessment.checks->not_checked, 1);
  ASSERT_TRUE(assessment.hardening_score);
  EXPECT_NEAR(*assessment.hardening_score, 66.67, 0.01);
  EXPECT_THAT(assessment.profile, HasSubstr("CIS LEVEL_1"));
  auto rules = std::ranges::count(assessment.findings, model::FindingKind::compliance,
                                  &model::Finding::kind);
  EXPECT_EQ(rules, 1);
  const model::Finding& rule = *std::ranges::find(
      assessment.findings, model::FindingKind::compliance, &model::Finding::kind);
  EXPECT_EQ(rule.finding_id, "1.1.2");
  EXPECT_EQ(rule.title, "Separate /tmp");
  EXPECT_EQ(rule.remediation, "How.");
  EXPECT_THAT(assessment.findings, SizeIs(7)) << "with the six vulnerabilities and ports";
  EXPECT_THAT(kept_, Contains("inspector/cis-checks-1.jsonl"));
  scanner_->clean_up(target_, id, {});
  EXPECT_EQ(ground_->configurations(), 0);
}

TEST_F(InspectorCis, FindsTheMachineByItsTagAlone) {
  ground_->target("token-2");
  std::string id = launch();
  Json call =
      ground_->service.control("calls?service=inspector2&operation=CreateCisScanConfiguration")
          .at("calls")
          .at(0)
          .at("input");
  EXPECT_EQ(call["targets"]["targetResourceTags"], (Json{{kTag, {"token-1"}}}));
  EXPECT_EQ(call["targets"]["accountIds"], Json::array({"SELF"}));
  EXPECT_EQ(call["scanName"], target_.title);
  ASSERT_TRUE(run_to_end(id));
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
  target_.tags.clear();
  target_.title += " again";
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::usage);
}

TEST_F(InspectorCis, ATagThatDoesNotFindTheMachine) {
  target_.tags[kTag] = "of nobody";
  std::string id = launch();
  ASSERT_TRUE(run_to_end(id));
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr("did not find the machine")));
  EXPECT_FALSE(assessment.checks);
}

TEST_F(InspectorCis, EveryEndHasItsVerdict) {
  const std::vector<std::tuple<Json, std::string>> ends = {
      {{{"cis_walk", {"FAILED"}}}, "ended as \"FAILED\""},
      {{{"cis_walk", {"CANCELLED"}}}, "ended as \"CANCELLED\""},
      {{{"cis_walk", {"COMPLETED"}},
        {"cis_target", {{"targetStatus", "TIMED_OUT"}, {"targetStatusReason", "SSM_UNMANAGED"}}}},
       "\"TIMED_OUT\", SSM_UNMANAGED"},
      {{{"cis_target", Json::object()}, {"cis_checks", Json::array()}}, "no check applied"},
      {{{"cis_checks", {{{"checkId", "1"}, {"status", "SKIPPED"}}}}}, "no check applied"}};
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto& [arranged, why] = ends[i];
    ground_->arrange(arranged);
    target_.title = "scan " + std::to_string(i);
    std::string id = launch();
    ASSERT_TRUE(run_to_end(id)) << why;
    model::Assessment assessment = collect(id);
    EXPECT_EQ(assessment.completeness, Completeness::partial) << why;
    EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr(why)));
    EXPECT_FALSE(assessment.hardening_score);
    EXPECT_THAT(assessment.findings, SizeIs(6)) << "the vulnerabilities are there all the same";
  }
}

TEST_F(InspectorCis, IsWaitedFor) {
  ground_->arrange({{"cis_walk", {"IN_PROGRESS"}}});
  std::string id = launch();
  EXPECT_FALSE(run_to_end(id, 10));
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr("it is \"IN_PROGRESS\"")));
}

TEST_F(InspectorCis, AnOutageOfItIsBearable) {
  std::string id = launch();
  ASSERT_TRUE(run_to_end(id));
  ground_->fault({{"kind", "html-500"}, {"operation", "GetCisScanResultDetails"}, {"count", 3}});
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr("CIS benchmark could not be read")));
  EXPECT_THAT(assessment.findings, SizeIs(6));
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
}

TEST_F(InspectorCis, EveryLostLaunchIsOneScan) {
  for (const char* kind : {"drop-after", "reset-after", "html-500-after", "cut"}) {
    target_.title = std::string("hallmark ") + kind;
    const int before = ground_->configurations();
    ground_->fault({{"kind", kind}, {"operation", "CreateCisScanConfiguration"}});
    std::string id = launch();
    EXPECT_EQ(launch(), id);
    EXPECT_EQ(ground_->configurations(), before + 1) << kind;
  }
}

TEST_F(InspectorCis, ALaunchThatNeverArrivedIsNone) {
  ground_->fault({{"kind", "html-500"}, {"operation", "CreateCisScanConfiguration"}, {"count", 5}});
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::unavailable);
  EXPECT_EQ(ground_->configurations(), 0);
}

TEST_F(InspectorCis, CleansUpByTitleOfAMachineThatIsGone) {
  launch();
  ground_->ec2("TerminateInstances", {{"InstanceIds", Value::array({target_.machine_id})}});
  ScanTarget remembered{.title = target_.title,
                        .account_id = target_.account_id,
                        .region = target_.region,
                        .machine_id = target_.machine_id};
  scanner_->clean_up(remembered, "", {});
  EXPECT_EQ(ground_->configurations(), 0);
  scanner_->clean_up(remembered, "", {});
}

class InspectorSbom : public InspectorStandIn {
 protected:
  model::Assessment scan(const std::vector<std::string>& names, const std::string& distro) {
    Json components = Json::array();
    for (const std::string& name : names) {
      components.push_back({{"type", "library"},
                            {"name", name},
                            {"version", "3.0.8"},
                            {"purl", "pkg:deb/debian/" + name + "@3.0.8" + distro}});
    }
    return scan_sbom(
        ground_->access(), {kAccount, kRegion},
        {{"bomFormat", "CycloneDX"}, {"specVersion", "1.6"}, {"components", components}},
        [](const std::string& name, const std::string& media_type, std::string_view bytes) {
          return model::RawResult{name, media_type, bytes.size(), sha256_hex(bytes)};
        },
        ground_->clock, {});
  }
  const std::string distro_ = "?arch=amd64&distro=debian-12";
};

TEST_F(InspectorSbom, FindsWhatIsKnown) {
  model::Assessment assessment = scan({"openssl", "zlib"}, distro_);
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_EQ(assessment.scanner, "inspector-sbom");
  ASSERT_THAT(assessment.findings, SizeIs(2)) << "CVE-2023-0464 and CVE-2024-0002";
  EXPECT_EQ(assessment.findings[0].severity, model::Severity::high);
  EXPECT_EQ(assessment.findings[0].epss, 0.02);
  EXPECT_EQ(assessment.findings[0].fixed_version, "3.0.9-1");
  EXPECT_EQ(assessment.findings[1].severity, model::Severity::low) << "EPSS does not count";
  EXPECT_THAT(assessment.raw, SizeIs(1));
}

TEST_F(InspectorSbom, SilenceOnTheUnknowableIsNotClean) {
  model::Assessment assessment = scan({"openssl"}, "");
  EXPECT_THAT(assessment.findings, IsEmpty());
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(assessment.gaps, SizeIs(1));
}

TEST_F(InspectorSbom, NoneIsComplete) {
  for (const char* none : {"null", "empty"}) {
    ground_->arrange({{"sbom_vulnerabilities", none}});
    model::Assessment assessment = scan({"openssl"}, distro_);
    EXPECT_EQ(assessment.completeness, Completeness::complete);
    EXPECT_THAT(assessment.findings, IsEmpty());
  }
}

TEST_F(InspectorSbom, MoreThanItTakesAtOnce) {
  std::vector<std::string> names = {"openssl"};
  for (int i = 0; i < 5000; ++i) names.push_back("p" + std::to_string(i));
  model::Assessment assessment = scan(names, distro_);
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_EQ(assessment.package_count, 5001);
  EXPECT_THAT(assessment.raw, SizeIs(2));
}

TEST_F(InspectorSbom, IsAScannerWithoutAMachine) {
  auto scanner =
      make_inspector_sbom_scanner({kAccount, kRegion}, ground_->access(), ground_->clock);
  scanner->check({});
  EXPECT_EQ(kind_of([&] { scanner->launch(target_, {}); }), ErrorKind::usage) << "no list";
  target_.sbom = [] {
    return Json{{"bomFormat", "CycloneDX"},
                {"specVersion", "1.6"},
                {"components",
                 {{{"name", "openssl"},
                   {"version", "3.0.8"},
                   {"purl", "pkg:deb/debian/openssl@3.0.8?distro=debian-12"}}}}};
  };
  std::string id = scanner->launch(target_, {});
  EXPECT_TRUE(scanner->look(target_, id, {}).ended);
  model::Assessment assessment = scanner->collect(
      target_, id,
      [](const std::string& name, const std::string& media_type, std::string_view bytes) {
        return model::RawResult{name, media_type, bytes.size(), sha256_hex(bytes)};
      },
      {});
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_EQ(assessment.scanner, scanner->name());
  EXPECT_THAT(assessment.findings, SizeIs(2));
  scanner->clean_up(target_, id, {});
  aws::Credentials wrong{.access_key_id = "AKIAWRONGWRONGWRONG1",
                         .secret_access_key = std::string(40, 'x'),
                         .source = "the test"};
  scanner = make_inspector_sbom_scanner({kAccount, kRegion},
                                        {.caller = ground_->service.client(wrong, ground_->clock)},
                                        ground_->clock);
  EXPECT_EQ(kind_of([&] { scanner->check({}); }), ErrorKind::denied);
}

TEST_F(InspectorSbom, RefusalsHaveTheirKinds) {
  ground_->arrange({{"sbom_error", "FAILED_TO_GENERATE_SBOM"}});
  EXPECT_EQ(kind_of([&] { scan({"openssl"}, distro_); }), ErrorKind::unavailable);
  ground_->arrange({{"sbom_error", nullptr}, {"sbom_limit", 1}});
  EXPECT_EQ(kind_of([&] { scan({"openssl", "zlib"}, distro_); }), ErrorKind::usage);
}

}  // namespace
}  // namespace hallmark::scan::inspector
