/// The whole walk against tests/aws_fake, and all that goes wrong on it.

#include <gmock/gmock.h>

#include <algorithm>
#include <tuple>

#include "scan/inspector/fixture.h"
#include "scan/scanner_contract.h"

namespace hallmark::scan::inspector {
namespace {

using namespace std::chrono_literals;
using model::Completeness;
using model::Login;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void set_machine(Ground& ground, MachineIs how) {
  if (how == MachineIs::blind) {
    ground.arrange(
        {{"coverage", {step("UNMANAGED_EC2_INSTANCE")}},
         {"cis_target", {{"targetStatus", "TIMED_OUT"}, {"targetStatusReason", "SSM_UNMANAGED"}}}});
  } else if (how == MachineIs::dead) {
    ground.arrange({{"coverage", {step("EC2_INSTANCE_STOPPED")}},
                    {"cis_target", {{"targetStatus", "TIMED_OUT"}}}});
  }
}

ScannerSetup make_setup(const std::string& cis_level) {
  if (std::string why = cloud::why_no_stand_in(); !why.empty()) return {.why_skipped = why};
  auto ground = std::make_shared<Ground>();
  Ground* at = ground.get();
  ScannerSetup setup;
  setup.keep = ground;
  setup.clock = &ground->clock;
  setup.target = ground->target();
  setup.scans_by_itself = cis_level.empty();
  setup.open = [at, cis_level] {
    return make_inspector_scanner(at->config(cis_level), at->access(), at->clock);
  };
  setup.open_denied = [at, cis_level] {
    aws::Credentials wrong{.access_key_id = "AKIAWRONGWRONGWRONG1",
                           .secret_access_key = std::string(40, 'x'),
                           .source = "the test"};
    return make_inspector_scanner(at->config(cis_level),
                                  {.caller = at->service.client(wrong, at->clock)}, at->clock);
  };
  setup.set_machine = [at](MachineIs how) { set_machine(*at, how); };
  setup.never_end = [at] {
    at->arrange({{"coverage", {step("PENDING_INITIAL_SCAN")}}, {"cis_walk", {"IN_PROGRESS"}}});
  };
  setup.lose_launch_answer = [at] {
    at->fault({{"kind", "drop-after"}, {"operation", "CreateCisScanConfiguration"}});
  };
  setup.launches = [at] { return at->launches(); };
  setup.scans_left = [at] { return at->configurations(); };
  return setup;
}

std::vector<const model::Finding*> find(const model::Assessment& assessment,
                                        const std::string& cve) {
  std::vector<const model::Finding*> found;
  for (const model::Finding& finding : assessment.findings) {
    if (std::ranges::find(finding.cves, cve) != finding.cves.end()) found.push_back(&finding);
  }
  return found;
}

TEST_F(InspectorStandIn, TheWholeWalk) {
  scanner_->check({});
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.completeness, Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  EXPECT_EQ(assessment.login, Login::yes);
  EXPECT_EQ(assessment.distribution.pretty_name, "DEBIAN_12");
  EXPECT_THAT(assessment.native_state, HasSubstr("SUCCESSFUL"));
  EXPECT_THAT(assessment.native_id, HasSubstr(target_.machine_id));
  EXPECT_THAT(assessment.findings, SizeIs(6)) << "five, one of them of two packages";
  auto openssl = find(assessment, "CVE-2023-0464");
  ASSERT_THAT(openssl, SizeIs(1));
  EXPECT_EQ(openssl[0]->severity, model::Severity::high);
  EXPECT_EQ(openssl[0]->installed_version, "3.0.8-1");
  EXPECT_EQ(openssl[0]->fixed_version, "3.0.9-1") << "without its epoch of zero";
  EXPECT_EQ(openssl[0]->fix, model::FixState::available);
  EXPECT_TRUE(openssl[0]->known_exploited);
  EXPECT_EQ(openssl[0]->epss, 0.02);
  ASSERT_THAT(openssl[0]->cvss, SizeIs(1));
  EXPECT_EQ(openssl[0]->cvss[0].score, 7.5);
  EXPECT_EQ(openssl[0]->status, model::FindingStatus::open);
  EXPECT_FALSE(openssl[0]->first_seen.empty());
  auto bash = find(assessment, "CVE-2022-3715");
  ASSERT_THAT(bash, SizeIs(1)) << "hidden by a rule there, shown here";
  EXPECT_EQ(bash[0]->status, model::FindingStatus::suppressed);
  EXPECT_EQ(bash[0]->fixed_version, "");
  EXPECT_EQ(bash[0]->fix, model::FixState::none);
  EXPECT_FALSE(bash[0]->known_exploited);
  auto both = find(assessment, "CVE-2024-0002");
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0]->package, "libssl3");
  EXPECT_EQ(both[0]->fix, model::FixState::available);
  EXPECT_EQ(both[1]->package, "openssl");
  EXPECT_EQ(both[1]->fix, model::FixState::none);
  int ports = 0, unknown = 0;
  for (const model::Finding& finding : assessment.findings) {
    unknown += finding.severity == model::Severity::unknown;
    if (finding.kind != model::FindingKind::reachability) continue;
    ++ports;
    EXPECT_EQ(finding.port, 22);
    EXPECT_EQ(finding.protocol, "tcp");
  }
  EXPECT_EQ(ports, 1);
  EXPECT_EQ(unknown, 1) << "UNTRIAGED is not harmless";
  EXPECT_THAT(kept_, ElementsAre("inspector/coverage-1.jsonl", "inspector/findings-1.jsonl",
                                 "inspector/details-1.jsonl"));
  EXPECT_EQ(ground_->launches(), 0);
}

TEST_F(InspectorStandIn, AnOldScanIsNotTheEnd) {
  ground_->arrange({{"coverage",
                     {Json{{"absent", true}}, step("PENDING_INITIAL_SCAN"), step("SUCCESSFUL"),
                      step("SUCCESSFUL", "old")}}});
  std::string id = launch();
  EXPECT_FALSE(run_to_end(id));
  EXPECT_EQ(states_[0], "not listed");
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(assessment.reasons, Contains(HasSubstr("since its launch")));
}

TEST_F(InspectorStandIn, NothingListedIsNotClean) {
  std::string id = launch();
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"coverage", {Json{{"absent", true}}}}}, "does not list the machine"},
      {{{"scan_types", {"NETWORK"}}, {"coverage", {step("SUCCESSFUL", "now")}}},
       "no scan of its packages"},
      {{{"scan_types", {"PACKAGE"}}, {"coverage", {Json{{"bare", true}}}}}, "does not say"}};
  for (const auto& [arranged, why] : cases) {
    Json all = arranged;
    all["found"] = Json::array();
    ground_->arrange(all);
    target_ = ground_->target();
    EXPECT_FALSE(run_to_end(id)) << why;
    model::Assessment assessment = collect(id);
    EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
    EXPECT_THAT(assessment.reasons, Contains(HasSubstr(why)));
    EXPECT_THAT(assessment.findings, IsEmpty());
  }
}

TEST_F(InspectorStandIn, EveryReasonHasItsVerdict) {
  const std::vector<std::tuple<std::string, std::string, Completeness>> reasons = {
      {"UNMANAGED_EC2_INSTANCE", "", Completeness::inconclusive},
      {"RESOURCE_UNMANAGED", "", Completeness::inconclusive},
      {"UNSUPPORTED_OS", "", Completeness::inconclusive},
      {"AGENTLESS_INSTANCE_STORAGE_LIMIT_EXCEEDED", "", Completeness::inconclusive},
      {"EXCLUDED_BY_TAG", "", Completeness::failed},
      {"SCAN_ELIGIBILITY_EXPIRED", "", Completeness::failed},
      {"PENDING_DISABLE", "now", Completeness::failed},
      {"STALE_INVENTORY", "now", Completeness::partial},
      {"STALE_INVENTORY", "old", Completeness::inconclusive},
      {"DEEP_INSPECTION_NO_INVENTORY", "now", Completeness::partial},
      {"ACCESS_DENIED", "now", Completeness::failed},
      {"INTERNAL_ERROR", "now", Completeness::failed},
      {"NO_RESOURCES_FOUND", "now", Completeness::failed}};
  for (const auto& [reason, scanned, verdict] : reasons) {
    ground_->arrange({{"coverage", {step(reason, scanned)}}});
    target_ = ground_->target();
    std::string id = launch();
    EXPECT_TRUE(run_to_end(id)) << reason;
    model::Assessment assessment = collect(id);
    EXPECT_EQ(assessment.completeness, verdict) << reason;
    EXPECT_THAT(assessment.reasons, SizeIs(1)) << reason;
  }
}

TEST_F(InspectorStandIn, AMachineThatJustStartedMayBeUnmanaged) {
  ground_->arrange({{"coverage",
                     {step("UNMANAGED_EC2_INSTANCE"), step("ACCESS_DENIED"), step("NO_INVENTORY"),
                      step("SUCCESSFUL", "now")}}});
  EXPECT_EQ(scan_once().completeness, Completeness::complete);
}

TEST_F(InspectorStandIn, AMachineThatEndedIsNeverClean) {
  std::string id = launch();
  ASSERT_TRUE(run_to_end(id));
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
  ground_->ec2("StopInstances", {{"InstanceIds", Value::array({target_.machine_id})}});
  EXPECT_EQ(collect(id).completeness, Completeness::failed);
  ground_->ec2("TerminateInstances", {{"InstanceIds", Value::array({target_.machine_id})}});
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(assessment.findings, IsEmpty()) << "what is closed is not open";
}

TEST_F(InspectorStandIn, OnlyWhereItIsEnabled) {
  for (const char* status : {"DISABLED", "SUSPENDED", "DISABLING"}) {
    ground_->arrange({{"status", status}});
    for (const auto& call :
         std::vector<std::function<void()>>{[&] { scanner_->check({}); }, [&] { launch(); }}) {
      try {
        call();
        FAIL() << status;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::usage);
        EXPECT_THAT(error.message(), HasSubstr(status));
        EXPECT_THAT(error.hint(), HasSubstr("aws inspector2 enable --resource-types EC2"));
        EXPECT_THAT(error.hint(), HasSubstr(kRegion));
      }
    }
  }
  ground_->arrange({{"status", "ENABLING"}, {"enable_looks", 1}});
  EXPECT_EQ(kind_of([&] { scanner_->check({}); }), ErrorKind::unavailable);
  scanner_->check({});
  EXPECT_EQ(ground_->launches(), 0);

  ground_->arrange({{"status", "DISABLED"}});
  InspectorConfig config = ground_->config();
  config.must_be_enabled = false;
  open(config);
  scanner_->check({});
  EXPECT_FALSE(launch().empty());
}

TEST_F(InspectorStandIn, ReadsAllPages) {
  Json found = Json::array();
  for (int i = 0; i < 101; ++i) {
    found.push_back({{"cve", fmt::format("CVE-2025-{}", 10000 + i)},
                     {"package", fmt::format("package-{}", i % 7)},
                     {"severity", "MEDIUM"}});
  }
  ground_->arrange({{"found", found}});
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_THAT(assessment.findings, SizeIs(101));
  EXPECT_EQ(ground_->calls("ListFindings"), 2);
  EXPECT_EQ(ground_->calls("BatchGetFindingDetails"), 11) << "ten at once";
  EXPECT_TRUE(std::ranges::is_sorted(assessment.findings, {}, &model::Finding::package));
}

TEST_F(InspectorStandIn, PagesThatTurnInACircleEnd) {
  Json found = Json::array();
  for (int i = 0; i < 201; ++i) found.push_back({{"cve", fmt::format("CVE-2025-{}", 10000 + i)}});
  ground_->arrange({{"found", found}, {"token_loop", true}});
  std::string id = launch();
  ASSERT_TRUE(run_to_end(id));
  EXPECT_EQ(kind_of([&] { collect(id); }), ErrorKind::corrupt);
  EXPECT_LE(ground_->calls("ListFindings"), 3);
}

TEST_F(InspectorStandIn, NoFindingsAfterAWholeLookIsClean) {
  ground_->arrange({{"found", Json::array()}});
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.completeness, Completeness::complete);
  EXPECT_THAT(assessment.findings, IsEmpty());
  EXPECT_EQ(ground_->calls("BatchGetFindingDetails"), 0);
}

TEST_F(InspectorStandIn, DetailsThatFailLowerTheVerdict) {
  ground_->arrange({{"details_errors", {{"CVE-2022-3715", "INTERNAL_ERROR"}}}});
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr("INTERNAL_ERROR")));
  EXPECT_THAT(assessment.findings, SizeIs(6));
  EXPECT_TRUE(find(assessment, "CVE-2023-0464").at(0)->known_exploited);
  ground_->arrange({{"details_errors", Json::object()}});
  ground_->fault({{"kind", "html-500"}, {"operation", "BatchGetFindingDetails"}, {"count", 20}});
  target_ = ground_->target();
  assessment = scan_once();
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.findings, SizeIs(6)) << "the findings are there all the same";
}

TEST_F(InspectorStandIn, WaitsWhenItAsksTooOften) {
  for (const char* operation : {"ListCoverage", "ListFindings", "BatchGetFindingDetails"}) {
    ground_->fault({{"kind", "throttle"}, {"operation", operation}, {"count", 4}});
  }
  EXPECT_EQ(scan_once().completeness, Completeness::complete);
}

TEST_F(InspectorStandIn, OutagesAreErrorsNotResults) {
  std::string id = launch();
  ASSERT_TRUE(run_to_end(id));
  for (const char* operation : {"ListCoverage", "ListFindings"}) {
    for (const char* kind : {"html-500", "drop-before", "cut"}) {
      ground_->fault({{"kind", kind}, {"operation", operation}, {"count", 6}});
      auto failure = kind_of([&] { collect(id); });
      EXPECT_TRUE(failure == ErrorKind::unavailable || failure == ErrorKind::corrupt)
          << operation << " " << kind;
      for (int i = 0; failure && i < 3; ++i) failure = kind_of([&] { collect(id); });
      EXPECT_EQ(failure, std::nullopt) << "it passes";
    }
  }
}

ScannerSetup without_cis() { return make_setup(""); }
ScannerSetup with_cis() { return make_setup("LEVEL_1"); }

}  // namespace
}  // namespace hallmark::scan::inspector

INSTANTIATE_SCANNER_CONTRACT(Inspector, inspector::without_cis);
INSTANTIATE_SCANNER_CONTRACT(InspectorWithCis, inspector::with_cis);
