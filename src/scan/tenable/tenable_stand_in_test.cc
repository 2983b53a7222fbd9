#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ids.h"
#include "net/exchange.h"
#include "scan/stand_in.h"
#include "scan/tenable/tenable.h"

namespace hallmark::scan {
namespace {

using namespace std::chrono_literals;
using model::Completeness;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// Of no machine; its passphrase is of no use either.
const char* const kLockedKey =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkq\n-----END ENCRYPTED PRIVATE KEY-----\n";

class TenableStandIn : public testing::Test {
 protected:
  static void SetUpTestSuite() { stand_in_ = new StandIn("tenable"); }
  static void TearDownTestSuite() {
    delete stand_in_;
    stand_in_ = nullptr;
  }

  void SetUp() override { control("reset", Json::object()); }
  void TearDown() override {
    EXPECT_EQ(control("calls").at("secrets_in_urls"), 0);
    EXPECT_THAT(control("fetched").at("fetched"), IsEmpty());
  }

  static Json control(const std::string& name, const std::optional<Json>& body = std::nullopt) {
    return stand_in_->control(name, body);
  }
  void fault(const Json& rule) { control("faults", rule); }

  TenableConfig config() {
    TenableConfig config;
    config.url = stand_in_->url();
    config.access_key = std::string(63, 'a') + "1";
    config.secret_key = std::string(63, 'b') + "2";
    config.scanner_name = "golden-scanner";
    config.folder = "My Scans";
    config.ssh_user = "admin";
    config.ssh_private_key = kLockedKey;
    config.ssh_passphrase = "correct horse battery";
    return config;
  }

  std::unique_ptr<OutsideScanner> open() { return open(config()); }
  std::unique_ptr<OutsideScanner> open(TenableConfig config) {
    return make_tenable_scanner(std::move(config), clock_);
  }

  /// Looks until it has ended, at most so often.
  ScanProgress watch(OutsideScanner& scanner, const std::string& id, int looks = 20) {
    ScanProgress progress;
    while (looks-- > 0 && !progress.ended) progress = scanner.look(target_, id, {});
    return progress;
  }

  model::Assessment collect(OutsideScanner& scanner, const std::string& id) {
    raw_.clear();
    return scanner.collect(target_, id,
                           [this](const std::string& name, const std::string& type,
                                  std::string_view bytes) -> model::RawResult {
                             raw_[name] = bytes;
                             return {name, type, bytes.size(), sha256_hex(bytes)};
                           },
                           {});
  }

  /// From the launch to the assessment.
  model::Assessment walk(OutsideScanner& scanner) {
    const std::string id = scanner.launch(target_, {});
    watch(scanner, id);
    return collect(scanner, id);
  }
  model::Assessment walk() { return walk(*open()); }

  int launches() { return static_cast<int>(control("state").at("launches").size()); }
  int scans() { return static_cast<int>(control("state").at("scans").size()); }

  template <typename Function>
  Error error_of(Function function) {
    try {
      function();
    } catch (const Error& e) {
      EXPECT_THAT(e.full_text(), Not(HasSubstr("aaaaaaaa")));
      EXPECT_THAT(e.full_text(), Not(HasSubstr("bbbbbbbb")));
      EXPECT_THAT(e.full_text(), Not(HasSubstr("correct horse")));
      return e;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "nothing was thrown");
  }

  static void expect(const model::Assessment& assessment, Completeness completeness,
                     const char* reason) {
    EXPECT_EQ(to_string(assessment.completeness), to_string(completeness));
    EXPECT_THAT(assessment.reasons, Contains(HasSubstr(reason)));
  }

  static inline StandIn* stand_in_ = nullptr;
  ManualClock clock_{from_rfc3339("2026-11-22T10:00:00Z")};
  ScanTarget target_{.title = "hallmark run-1 / web",
                     .machine_id = "i-0c0ffee0000000001",
                     .ip = "10.0.0.9",
                     .launched_at = from_rfc3339("2026-11-22T09:00:00Z")};
  std::map<std::string, std::string> raw_;
};

TEST_F(TenableStandIn, TheWholeWalk) {
  auto scanner = open();
  scanner->check({});
  const std::string id = scanner->launch(target_, {});
  EXPECT_EQ(scanner->launch(target_, {}), id);
  EXPECT_EQ(launches(), 1);
  EXPECT_FALSE(scanner->look(target_, id, {}).ended);
  EXPECT_EQ(watch(*scanner, id).state, "completed");
  model::Assessment assessment = collect(*scanner, id);
  EXPECT_THAT(assessment.reasons, IsEmpty());
  EXPECT_EQ(to_string(assessment.completeness), "complete");
  EXPECT_EQ(assessment.login, model::Login::yes);
  EXPECT_EQ(assessment.scanner, "tenable");
  EXPECT_EQ(assessment.scanner_version, "10.8.3");
  EXPECT_EQ(assessment.native_id, id);
  EXPECT_EQ(assessment.native_state, "completed");
  EXPECT_EQ(assessment.advisories.at(0).valid_from, "2026-11-22T05:30:00.000Z");
  ASSERT_THAT(assessment.findings, SizeIs(5));
  auto openssl = std::find_if(assessment.findings.begin(), assessment.findings.end(),
                              [](const model::Finding& f) { return f.package == "openssl"; });
  ASSERT_NE(openssl, assessment.findings.end());
  EXPECT_EQ(openssl->fixed_version, "3.0.9-1");
  EXPECT_THAT(openssl->cves, testing::ElementsAre("CVE-2023-0464", "CVE-2023-2650"));
  EXPECT_THAT(openssl->advisory_ids, Contains("DSA-5417"));
  ASSERT_THAT(assessment.raw, SizeIs(2));
  EXPECT_EQ(assessment.raw[1].name, "tenable/report.nessus");
  EXPECT_EQ(assessment.raw[1].size_bytes, raw_["tenable/report.nessus"].size());
  scanner->clean_up(target_, id, {});
  EXPECT_EQ(scans(), 0);
  scanner->clean_up(target_, id, {});
}

TEST_F(TenableStandIn, WithACredentialKeptThereNothingIsUploaded) {
  TenableConfig with = config();
  with.ssh_private_key.clear();
  net::ConnectionPool pool;
  Json made =
      parse_json(pool.send({.method = "POST",
                            .url = with.url + "/credentials",
                            .headers = {{"Content-Type", "application/json"},
                                        {"X-ApiKeys", "accessKey=" + with.access_key +
                                                          "; secretKey=" + with.secret_key}},
                            .body = R"({"name": "c", "type": "SSH",
                             "settings": {"username": "admin", "password": "x"}})"})
                     .body,
                 "the stand-in");
  with.credential_id = made.at("uuid");
  auto scanner = open(with);
  scanner->check({});
  EXPECT_EQ(to_string(walk(*scanner).completeness), "complete");
  EXPECT_THAT(control("state").at("files"), IsEmpty());
  with.credential_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_EQ(error_of([&] { open(with)->check({}); }).kind(), ErrorKind::usage);
}

TEST_F(TenableStandIn, CheckNamesWhatThereIs) {
  TenableConfig wrong = config();
  wrong.template_title = "Basic Network Scam";
  Error error = error_of([&] { open(wrong)->check({}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("did you mean \"Basic Network Scan\""));
  EXPECT_THAT(error.hint(), HasSubstr("Host Discovery"));
  wrong = config();
  wrong.scanner_name = "nowhere";
  error = error_of([&] { open(wrong)->check({}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("US Cloud Scanner, golden-scanner"));
  wrong = config();
  wrong.folder = "nowhere";
  EXPECT_THAT(error_of([&] { open(wrong)->check({}); }).hint(), HasSubstr("My Scans"));
  wrong = config();
  wrong.secret_key = std::string(64, 'b');
  EXPECT_EQ(error_of([&] { open(wrong)->check({}); }).kind(), ErrorKind::denied);
}

TEST_F(TenableStandIn, TakesNoConfigurationThatCannotWork) {
  TenableConfig wrong = config();
  wrong.access_key.clear();
  EXPECT_EQ(error_of([&] { open(wrong); }).kind(), ErrorKind::usage);
  wrong = config();
  wrong.ssh_private_key = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(error_of([&] { open(wrong); }).message(), HasSubstr("no passphrase"));
  wrong = config();
  wrong.credential_id = "x";
  EXPECT_EQ(error_of([&] { open(wrong); }).kind(), ErrorKind::usage);
  target_.ip.clear();
  EXPECT_EQ(error_of([&] { open()->launch(target_, {}); }).kind(), ErrorKind::usage);
}

TEST_F(TenableStandIn, LostAnswersLaunchOnce) {
  for (const char* operation : {"scan.create", "scan.launch"}) {
    for (const char* kind : {"drop-after", "reset-after", "html-503-after", "drop-before",
                             "reset-before", "html-503", "html-200", "rate"}) {
      SCOPED_TRACE(std::string(operation) + " " + kind);
      control("reset", Json::object());
      fault({{"kind", kind}, {"operation", operation}});
      auto scanner = open();
      const std::string id = scanner->launch(target_, {});
      EXPECT_EQ(launches(), 1);
      EXPECT_EQ(scans(), 1);
      EXPECT_EQ(open()->launch(target_, {}), id);  // after a crash
      EXPECT_EQ(launches(), 1);
      EXPECT_EQ(id, std::to_string(control("state").at("launches")[0].at("scan").get<int>()) + "/" +
                        control("state").at("launches")[0].at("uuid").get<std::string>());
    }
  }
}

TEST_F(TenableStandIn, TheNextAttemptAdoptsWhatNobodyCouldSee) {
  fault({{"kind", "drop-after"}, {"operation", "scan.create"}});
  fault({{"kind", "html-503"}, {"operation", "scan.list"}, {"nth", 3}, {"count", 5}});
  EXPECT_EQ(error_of([&] { open()->launch(target_, {}); }).kind(), ErrorKind::unavailable);
  EXPECT_EQ(scans(), 1);
  EXPECT_EQ(launches(), 0);
  open()->launch(target_, {});
  EXPECT_EQ(scans(), 1);
  EXPECT_EQ(launches(), 1);
}

TEST_F(TenableStandIn, TooManyRequestsAreWaitedFor) {
  fault({{"kind", "rate"}, {"operation", "*"}, {"every", 2}, {"to_wait", 7}});
  auto scanner = open();
  const TimePoint before = clock_.now();
  EXPECT_EQ(to_string(walk(*scanner).completeness), "complete");
  EXPECT_GE(clock_.now() - before, 7s * 5);
  EXPECT_EQ(launches(), 1);
}

TEST_F(TenableStandIn, ScopeAndMissingApiAreSaidClearly) {
  control("settings", Json{{"scope", "read"}});
  Error error = error_of([&] { open()->launch(target_, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_THAT(error.message(), HasSubstr("Insufficient scope"));
  EXPECT_THAT(error.message(), HasSubstr("request "));
  control("settings", Json{{"scope", "full"}, {"mode", "professional"}});
  error = error_of([&] { open()->launch(target_, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("API is not available"));
  EXPECT_THAT(error.hint(), HasSubstr("Nessus Professional"));
}

TEST_F(TenableStandIn, ANessusOfOnesOwn) {
  control("settings", Json{{"mode", "nessus"}});
  EXPECT_EQ(to_string(walk().completeness), "complete");
  open()->clean_up(target_, "", {});
  EXPECT_EQ(scans(), 0);
}

TEST_F(TenableStandIn, AbortedIsPartial) {
  for (const char* status : {"aborted", "canceled", "stopped"}) {
    control("reset", Json::object());
    control("walk", Json{{"end", {{"status", status}}}});
    model::Assessment assessment = walk();
    expect(assessment, Completeness::partial, status);
    EXPECT_THAT(assessment.findings, Not(IsEmpty()));
  }
}

TEST_F(TenableStandIn, WhatNeverEndsIsFailedAndStopped) {
  for (const char* status : {"pending", "paused", "quiesced", "empty"}) {
    SCOPED_TRACE(status);
    control("reset", Json::object());
    control("walk", Json{{"steps", Json::array({Json{{"status", status}}})}});
    auto scanner = open();
    const std::string id = scanner->launch(target_, {});
    EXPECT_FALSE(watch(*scanner, id).ended);
    expect(collect(*scanner, id), Completeness::failed, status);
    if (std::string(status) == "quiesced") {
      // Nobody knows how to stop it: said, not hidden.
      EXPECT_EQ(error_of([&] { scanner->clean_up(target_, id, {}); }).kind(), ErrorKind::timeout);
    } else {
      scanner->clean_up(target_, id, {});
      EXPECT_EQ(scans(), 0);
    }
  }
}

TEST_F(TenableStandIn, TheRunThatWasLaunchedAndNoOther) {
  control("settings", Json{{"older_run", true}});
  model::Assessment assessment = walk();
  EXPECT_EQ(to_string(assessment.completeness), "complete");
  EXPECT_THAT(assessment.findings, SizeIs(5));
}

TEST_F(TenableStandIn, NoLoginIsInconclusive) {
  TenableConfig without = config();
  without.ssh_private_key.clear();
  model::Assessment assessment = walk(*open(without));
  EXPECT_EQ(assessment.native_state, "completed");
  EXPECT_EQ(assessment.login, model::Login::no);
  expect(assessment, Completeness::inconclusive, "could not log in");
}

TEST_F(TenableStandIn, WrongAndMissingHostsAreInconclusive) {
  fault({{"kind", "wrong-host"}, {"operation", "export.download"}});
  model::Assessment assessment = walk();
  expect(assessment, Completeness::inconclusive, "of 192.0.2.66, not of 10.0.0.9");
  EXPECT_THAT(assessment.findings, IsEmpty());
  control("reset", Json::object());
  fault({{"kind", "zero-hosts"}, {"operation", "export.download"}});
  expect(walk(), Completeness::inconclusive, "did not answer");
}

TEST_F(TenableStandIn, ExportsThatFailOnceAreAskedForAgain) {
  fault({{"kind", "cut"}, {"operation", "export.download"}, {"count", 2}});
  EXPECT_EQ(to_string(walk().completeness), "complete");
  control("reset", Json::object());
  fault({{"kind", "rate"}, {"operation", "export.create"}, {"count", 3}});
  fault({{"kind", "html-503"}, {"operation", "export.status"}});
  fault({{"kind", "drip"}, {"operation", "export.download"}, {"bytes", 400}, {"seconds", 0.001}});
  EXPECT_EQ(to_string(walk().completeness), "complete");
}

TEST_F(TenableStandIn, WithoutAReportThePagesTellLess) {
  struct Case {
    Json settings;
    Json rule;
  };
  const std::vector<Case> cases = {
      {{{"trial", true}}, nullptr},
      {{{"export_walk", {"loading", "error"}}}, nullptr},
      {{{"export_walk", {"loading"}}}, nullptr},
      {{{"null_arrays", true}}, {{"kind", "cut"}, {"operation", "export.download"}, {"count", -1}}},
      {Json::object(), {{"kind", "bomb"}, {"operation", "export.download"}}},
      {Json::object(), {{"kind", "external-dtd"}, {"operation", "export.download"}}},
      {Json::object(), {{"kind", "html-200"}, {"operation", "export.download"}, {"count", -1}}},
  };
  for (const Case& item : cases) {
    SCOPED_TRACE(item.settings.dump() + item.rule.dump());
    control("reset", Json::object());
    control("settings", item.settings);
    if (!item.rule.is_null()) fault(item.rule);
    model::Assessment assessment = walk();
    expect(assessment, Completeness::partial, "the report could not be had");
    EXPECT_EQ(assessment.login, model::Login::yes);
    EXPECT_THAT(assessment.findings, SizeIs(5));
    EXPECT_THAT(raw_, Contains(testing::Key("tenable/host.json")));
  }
}

TEST_F(TenableStandIn, OddReports) {
  control("settings",
          Json{{"shuffle_attributes", true}, {"invalid_utf8", true}, {"null_arrays", true}});
  model::Assessment assessment = walk();
  EXPECT_EQ(to_string(assessment.completeness), "complete");
  EXPECT_THAT(assessment.findings, SizeIs(5));
}

TEST_F(TenableStandIn, AHundredThousandFindings) {
#ifdef __SANITIZE_ADDRESS__
  constexpr int kMany = 10'000;  // each takes ten times as long, and they prove as much
#else
  constexpr int kMany = 100'000;
#endif
  fault({{"kind", "big"}, {"operation", "export.download"}, {"findings", kMany}});
  model::Assessment assessment = walk();
  EXPECT_EQ(to_string(assessment.completeness), "complete");
  EXPECT_THAT(assessment.findings, SizeIs(kMany + 5));
}

TEST_F(TenableStandIn, CleanUpStopsWhatRunsAndFindsItByTitle) {
  auto scanner = open();
  for (const char* status : {"initializing", "pending", "running", "publishing", "paused"}) {
    SCOPED_TRACE(status);
    control("reset", Json::object());
    control("walk",
            Json{{"steps", {{{"status", status}, {"polls", 3}}, {{"status", "completed"}}}}});
    scanner->launch(target_, {});
    scanner->clean_up(target_, "", {});
    EXPECT_EQ(scans(), 0);
  }
  fault({{"kind", "drop-after"}, {"operation", "scan.delete"}});
  const std::string id = scanner->launch(target_, {});
  watch(*scanner, id);
  scanner->clean_up(target_, id, {});  // deleted, the answer lost, then 404
  EXPECT_EQ(scans(), 0);
  scanner->clean_up(target_, "99999/none", {});
}

TEST_F(TenableStandIn, ForbiddenAndUnknown) {
  auto scanner = open();
  EXPECT_EQ(error_of([&] { scanner->look(target_, "99999/none", {}); }).kind(),
            ErrorKind::not_found);
  fault({{"kind", "unauthorized"}, {"operation", "scan.list"}});
  EXPECT_EQ(error_of([&] { scanner->launch(target_, {}); }).kind(), ErrorKind::denied);
  fault({{"kind", "html-500"}, {"operation", "scan.list"}, {"count", -1}});
  EXPECT_EQ(error_of([&] { scanner->launch(target_, {}); }).kind(), ErrorKind::unavailable);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(error_of([&] { open()->check(stopped.get_token()); }).kind(), ErrorKind::cancelled);
}

}  // namespace
}  // namespace hallmark::scan
