/// The whole walk against tests/scanner_fakes, and all that goes wrong on it.

#include "scan/stand_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/qualys/qualys.h"
#include "scan/scanner_contract.h"

namespace hallmark::scan {
namespace {

using namespace std::chrono_literals;
using model::Completeness;
using model::Login;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const char* const kIp = "10.0.0.9";
const char* const kInstance = "i-0c0ffee0000000001";

/// The stand-in, and a clock that moves when waited on.
struct Ground {
  StandIn service{"qualys"};
  ManualClock clock{std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())};

  QualysConfig config() const {
    QualysConfig config;
    config.url = service.url();
    config.username = "hallmark_api";
    config.password = "qualys-Secret-1";
    config.option_title = "Golden image";
    config.iscanner_name = "golden-scanner";
    return config;
  }
  ScanTarget target() const {
    return {.title = "hallmark run-1 scan",
            .account_id = "111122223333",
            .region = "eu-central-1",
            .machine_id = kInstance,
            .ip = kIp,
            .launched_at = clock.now() - 10min};
  }
  void fault(const Json& fault) { service.control("faults", fault); }
  void set(const std::string& name, const Json& body) { service.control(name, body); }
  Json state() { return service.control("state"); }
  Json default_host() { return service.control("hosts").at("hosts").at(0); }
};

ScannerSetup make_setup() {
  auto ground = std::make_shared<Ground>();
  Json host;
  for (const char* name : {"ip", "instance_id", "dns", "findings"}) {
    host[name] = ground->default_host().at(name);
  }
  for (Json& finding : host["findings"]) finding.erase("id");
  ScannerSetup setup;
  setup.keep = ground;
  Ground* at = ground.get();
  setup.clock = &ground->clock;
  setup.target = ground->target();
  setup.open = [at] { return make_qualys_scanner(at->config(), at->clock); };
  setup.open_denied = [at] {
    QualysConfig config = at->config();
    config.password = "something else";
    return make_qualys_scanner(config, at->clock);
  };
  setup.set_machine = [at, host](MachineIs how) mutable {
    host["alive"] = how != MachineIs::dead;
    host["login_works"] = how != MachineIs::blind;
    at->service.control("hosts", Json::array({host}));
  };
  setup.never_end = [at] {
    at->service.control("walk", Json{{"steps", {{{"state", "Running"}}}}});
  };
  setup.lose_launch_answer = [at] {
    at->fault({{"kind", "drop-after"}, {"operation", "scan.launch"}});
  };
  setup.launches = [at] { return static_cast<int>(at->state().at("launches").size()); };
  setup.scans_left = [at] { return static_cast<int>(at->state().at("scans").size()); };
  return setup;
}

class QualysStandIn : public ::testing::Test {
 protected:
  void open(const QualysConfig& config) { scanner_ = make_qualys_scanner(config, ground_.clock); }
  void SetUp() override { open(ground_.config()); }

  std::string launch() { return scanner_->launch(ground_.target(), {}); }
  void run_to_end(const std::string& id) {
    for (int i = 0; i < 30; ++i) {
      if (scanner_->look(ground_.target(), id, {}).ended) return;
    }
    FAIL() << "the scan has not ended";
  }
  model::Assessment collect(const std::string& id) {
    return scanner_->collect(
        ground_.target(), id,
        [this](const std::string& name, const std::string& media_type, std::string_view bytes) {
          kept_.push_back(name);
          return model::RawResult{name, media_type, bytes.size(), sha256_hex(bytes)};
        },
        {});
  }
  /// All but the collecting.
  std::string finished_scan() {
    std::string id = launch();
    run_to_end(id);
    return id;
  }
  std::optional<ErrorKind> kind_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.full_text().find("qualys-Secret"), std::string::npos);
      return error.kind();
    }
    return std::nullopt;
  }

  Ground ground_;
  std::unique_ptr<OutsideScanner> scanner_;
  std::vector<std::string> kept_;
};

const model::Finding* find(const model::Assessment& assessment, const std::string& id) {
  for (const model::Finding& finding : assessment.findings) {
    if (finding.finding_id == id) return &finding;
  }
  return nullptr;
}

TEST_F(QualysStandIn, TheWholeWalk) {
  for (bool evaluation : {false, true}) {
    ground_.set("reset", Json::object());
    ground_.set("settings", {{"evaluation", evaluation}, {"no_prolog", evaluation}});
    kept_.clear();
    open(ground_.config());
    scanner_->check({});
    std::string id = finished_scan();
    EXPECT_TRUE(id.starts_with("scan/"));
    model::Assessment assessment = collect(id);
    EXPECT_EQ(assessment.completeness, Completeness::complete)
        << ::testing::PrintToString(assessment.reasons);
    EXPECT_EQ(assessment.login, Login::yes);
    EXPECT_EQ(assessment.native_state, "Finished");
    EXPECT_EQ(assessment.scanner_version, "12.20.30-1");
    EXPECT_THAT(assessment.findings, SizeIs(6)) << "four and what was gathered";
    const model::Finding* openssl = find(assessment, "181234");
    ASSERT_TRUE(openssl);
    EXPECT_EQ(openssl->package, "openssl");
    EXPECT_EQ(openssl->installed_version, "3.0.8-1");
    EXPECT_EQ(openssl->fixed_version, "3.0.9-1");
    EXPECT_EQ(openssl->severity, model::Severity::high);
    EXPECT_THAT(openssl->cves, ElementsAre("CVE-2023-0464", "CVE-2023-2650"));
    EXPECT_THAT(openssl->advisory_ids, ElementsAre("DSA 5417-1"));
    ASSERT_THAT(openssl->cvss, SizeIs(1));
    EXPECT_EQ(openssl->cvss[0].score, 7.5);
    EXPECT_FALSE(openssl->first_seen.empty());
    EXPECT_EQ(find(assessment, "11827")->kind, model::FindingKind::potential);
    EXPECT_EQ(find(assessment, "38739")->port, 22);
    EXPECT_THAT(kept_, ElementsAre("qualys/scan-list.xml", "qualys/results.json",
                                   "qualys/detections-1.xml", "qualys/knowledge-1.xml"));
    scanner_->clean_up(ground_.target(), id, {});
    EXPECT_TRUE(ground_.state().at("scans").empty());
    EXPECT_EQ(ground_.service.control("calls").at("secrets_in_urls"), 0);
  }
}

TEST_F(QualysStandIn, FindsAnInstanceThroughItsConnector) {
  QualysConfig config = ground_.config();
  config.target = QualysConfig::Target::ec2;
  config.connector_name = "aws-candidates";
  open(config);
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::usage) << "the connector does not know it yet";
  config.connector_id = "9001";
  open(config);
  EXPECT_EQ(collect(finished_scan()).completeness, Completeness::complete);
  EXPECT_EQ(ground_.state().at("launches")[0]["parameters"]["ec2_endpoint"], "eu-central-1");
  EXPECT_EQ(ground_.service.calls("ip.add"), 0);
}

TEST_F(QualysStandIn, EveryLostLaunchIsOneScan) {
  for (const char* kind : {"drop-after", "reset-after", "html-503-after", "cut", "bomb"}) {
    ground_.set("reset", Json::object());
    ground_.fault({{"kind", kind}, {"operation", "scan.launch"}});
    std::string id = launch();
    EXPECT_EQ(launch(), id);
    EXPECT_THAT(ground_.state().at("launches"), SizeIs(1)) << kind;
  }
}

TEST_F(QualysStandIn, ALaunchThatNeverArrivedIsNone) {
  for (const char* kind : {"drop-before", "html-200", "html-503"}) {
    ground_.set("reset", Json::object());
    ground_.fault({{"kind", kind}, {"operation", "scan.launch"}});
    EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::unavailable) << kind;
    EXPECT_TRUE(ground_.state().at("launches").empty());
    launch();
    EXPECT_THAT(ground_.state().at("launches"), SizeIs(1)) << kind;
  }
}

TEST_F(QualysStandIn, WaitsForItsLimits) {
  ground_.fault({{"kind", "rate"}, {"operation", "scan.launch"}, {"to_wait", 40}});
  ground_.fault({{"kind", "busy"}, {"operation", "kb.list"}, {"count", 2}});
  ground_.fault({{"kind", "busy"}, {"operation", "fetch"}});
  TimePoint before = ground_.clock.now();
  std::string id = finished_scan();
  EXPECT_GE(ground_.clock.now() - before, 40s);
  EXPECT_THAT(ground_.state().at("launches"), SizeIs(1));
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
}

TEST_F(QualysStandIn, AnHourOfWaitingIsLeftToTheCaller) {
  ground_.fault({{"kind", "rate"}, {"operation", "scan.launch"}, {"to_wait", 3600}});
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::throttled);
}

TEST_F(QualysStandIn, OutagesPass) {
  for (const char* operation : {"scan.list", "scan.fetch", "detection.list", "kb.list"}) {
    for (const char* kind : {"html-200", "html-503", "drop-before", "cut", "error"}) {
      ground_.fault({{"kind", kind}, {"operation", operation}, {"nth", 2}});
    }
  }
  std::string id = finished_scan();
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
}

TEST_F(QualysStandIn, LongOutagesAreErrors) {
  std::string id = finished_scan();
  for (const char* kind : {"html-200", "html-500", "cut"}) {
    ground_.fault({{"kind", kind}, {"operation", "scan.fetch"}, {"count", 5}});
    EXPECT_EQ(kind_of([&] { collect(id); }), ErrorKind::unavailable) << kind;
  }
  EXPECT_EQ(collect(id).completeness, Completeness::complete);
}

TEST_F(QualysStandIn, HostileAnswersAreNone) {
  std::string id = finished_scan();
  for (const char* kind : {"bomb", "external-dtd"}) {
    for (const char* operation : {"scan.list", "scan.fetch"}) {
      ground_.fault({{"kind", kind}, {"operation", operation}});
      EXPECT_EQ(kind_of([&] { collect(id); }), ErrorKind::corrupt) << kind << operation;
    }
  }
  EXPECT_TRUE(ground_.service.control("fetched").at("fetched").empty());
}

TEST_F(QualysStandIn, WhatIsLackingLowersTheVerdict) {
  std::string id = finished_scan();
  ground_.fault({{"kind", "html-503"}, {"operation", "kb.list"}, {"count", 5}});
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, Contains(HasSubstr("knowledge base")));
  EXPECT_TRUE(find(assessment, "181234")) << "the findings are there all the same";
  ground_.fault({{"kind", "bomb"}, {"operation", "detection.list"}});
  EXPECT_EQ(collect(id).completeness, Completeness::partial);
}

TEST_F(QualysStandIn, PagesThatTurnInACircleEnd) {
  std::string id = finished_scan();
  ground_.set("settings", {{"detection_loop", true}});
  EXPECT_EQ(collect(id).completeness, Completeness::partial);
  EXPECT_LE(ground_.service.calls("detection.list"), 3);
}

TEST_F(QualysStandIn, AnotherHostAndNoHost) {
  std::string id = finished_scan();
  ground_.fault({{"kind", "wrong-host"}, {"operation", "scan.fetch"}});
  model::Assessment wrong = collect(id);
  EXPECT_EQ(wrong.completeness, Completeness::inconclusive);
  EXPECT_TRUE(wrong.findings.empty());
  ground_.fault({{"kind", "zero-hosts"}, {"operation", "scan.fetch"}});
  EXPECT_EQ(collect(id).completeness, Completeness::inconclusive);
}

TEST_F(QualysStandIn, EveryEndHasItsVerdict) {
  const std::vector<std::pair<std::string, Completeness>> ends = {
      {R"({"state": "Finished", "processed": 0})", Completeness::inconclusive},
      {R"({"state": "Finished", "processed": 1, "sub_state": "No_Host"})",
       Completeness::inconclusive},
      {R"({"state": "Canceled", "processed": 1})", Completeness::failed},
      {R"({"state": "Error", "processed": 1})", Completeness::failed},
      {R"({"state": "Paused"})", Completeness::failed},
      {R"({"state": "Hibernating"})", Completeness::failed}};
  for (const auto& [end, verdict] : ends) {
    ground_.set("reset", Json::object());
    ground_.set("walk", {{"end", parse_json(end, "test")}});
    std::string id = launch();
    for (int i = 0; i < 10; ++i) scanner_->look(ground_.target(), id, {});
    EXPECT_EQ(collect(id).completeness, verdict) << end;
    if (end.find("Hibernating") != end.npos) {
      EXPECT_EQ(kind_of([&] { scanner_->clean_up(ground_.target(), id, {}); }), ErrorKind::timeout)
          << "a scan that can be neither cancelled nor deleted is not said to be gone";
      continue;
    }
    scanner_->clean_up(ground_.target(), id, {});
    EXPECT_TRUE(ground_.state().at("scans").empty()) << end;
  }
}

TEST_F(QualysStandIn, RefusalsHaveTheirKinds) {
  const std::vector<std::pair<Json, ErrorKind>> faults = {
      {{{"kind", "unauthorized"}}, ErrorKind::denied},
      {{{"kind", "forbidden"}}, ErrorKind::denied},
      {{{"kind", "error"}, {"code", 2001}, {"status", 200}}, ErrorKind::denied},
      {{{"kind", "error"}, {"code", 1905}}, ErrorKind::usage},
      {{{"kind", "answer"}, {"status", 410}, {"body", "<html>"}}, ErrorKind::not_found}};
  for (const auto& [fault, kind] : faults) {
    Json all = fault;
    all["operation"] = "scan.list";
    ground_.fault(all);
    EXPECT_EQ(kind_of([&] { scanner_->check({}); }), kind) << fault;
  }
}

TEST_F(QualysStandIn, NamesThatQualysDoesNotKnow) {
  QualysConfig config = ground_.config();
  config.option_title = "No such profile";
  open(config);
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::usage);
  ground_.set("settings", {{"approved", Json::array({"192.0.2.0/24"})}});
  open(ground_.config());
  EXPECT_EQ(kind_of([&] { launch(); }), ErrorKind::denied) << "an address we may not scan";
}

TEST_F(QualysStandIn, KeepsAReportForPeople) {
  QualysConfig config = ground_.config();
  config.report_template_id = "77";
  for (const char* format : {"pdf", "html"}) {
    config.report_format = format;
    open(config);
    std::string id = finished_scan();
    EXPECT_EQ(collect(id).completeness, Completeness::complete);
    EXPECT_THAT(kept_, Contains(std::string("qualys/report.") + format));
    scanner_->clean_up(ground_.target(), id, {});
    EXPECT_TRUE(ground_.state().at("reports").empty());
  }
  config.report_template_id = "990";
  open(config);
  EXPECT_EQ(collect(finished_scan()).completeness, Completeness::complete)
      << "a report that fails is no lack of the scan";
}

TEST_F(QualysStandIn, ManyFindings) {
  std::string id = finished_scan();
  ground_.fault({{"kind", "big"}, {"operation", "scan.fetch"}, {"findings", 2000}});
  ground_.set("settings", {{"rate_limit", 100000}});
  model::Assessment assessment = collect(id);
  EXPECT_EQ(assessment.completeness, Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  EXPECT_THAT(assessment.findings, SizeIs(2006));
}

TEST_F(QualysStandIn, RefusesConfigurationsThatCannotWork) {
  using Change = std::function<void(QualysConfig&)>;
  for (const Change& change : std::vector<Change>{
           [](auto& c) { c.password.clear(); }, [](auto& c) { c.option_id = "1"; },
           [](auto& c) { c.option_title.clear(); },
           [](auto& c) { c.target = QualysConfig::Target::ec2; },
           [](auto& c) { c.url = "http://qualys.example.org"; }, [](auto& c) { c.url = ""; }}) {
    QualysConfig config = ground_.config();
    change(config);
    EXPECT_EQ(kind_of([&] { make_qualys_scanner(config, ground_.clock); }), ErrorKind::usage);
  }
  ScanTarget target = ground_.target();
  target.ip.clear();
  EXPECT_EQ(kind_of([&] { scanner_->launch(target, {}); }), ErrorKind::usage);
  target = ground_.target();
  target.title = " ";
  EXPECT_EQ(kind_of([&] { scanner_->launch(target, {}); }), ErrorKind::usage);
}

}  // namespace

MakeScannerSetup qualys_setup() { return make_setup; }

}  // namespace hallmark::scan

INSTANTIATE_SCANNER_CONTRACT(Qualys, qualys_setup());
