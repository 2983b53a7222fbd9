/// The scanner on a service that says what a test wants.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/api_error.h"
#include "base/error.h"
#include "base/ids.h"
#include "scan/inspector/answers.h"
#include "scan/inspector/inspector.h"

namespace hallmark::scan {
namespace {

using namespace std::chrono_literals;
using aws::Value;
using model::Completeness;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const char* const kMachine = "i-0c0ffee0000000001";
const char* const kArn =
    "arn:aws:inspector2:eu-central-1:111122223333:owner/111122223333/"
    "cis-configuration/11111111-2222-3333-4444-555555555555";
const TimePoint kLaunch = from_rfc3339("2026-11-22T10:00:00Z");

/// Answers by operation; the last one of an operation stays.
class Script : public aws::Caller {
 public:
  Value call(const aws::Call& call, const Value& input, std::stop_token) override {
    calls.push_back(call.operation);
    inputs.push_back(input);
    credentials.push_back(call.credentials.get());
    if (answer) return answer(call.operation, input);
    auto found = answers.find(call.operation);
    return found == answers.end() ? Value::object() : found->second;
  }

  std::map<std::string, Value> answers;
  std::function<Value(const std::string& operation, const Value& input)> answer;
  std::vector<std::string> calls;
  std::vector<Value> inputs;
  std::vector<aws::CredentialProvider*> credentials;
};

Value json(const std::string& text) { return Value::parse(text); }

Value seen_at(const std::string& time) {
  return json(fmt::format(R"({{"coveredResources": [{{"resourceId": "{}", "scanType": "PACKAGE",
      "scanStatus": {{"statusCode": "ACTIVE", "reason": "SUCCESSFUL"}},
      "lastScannedAt": "{}"}}]}})",
                          kMachine, time));
}

Value finding(const std::string& arn, const std::string& resource) {
  return json(fmt::format(R"({{"findingArn": "{}", "severity": "HIGH", "status": "ACTIVE",
      "type": "PACKAGE_VULNERABILITY", "resources": [{{"id": "{}"}}],
      "packageVulnerabilityDetails": {{"vulnerabilityId": "CVE-2025-1234",
      "vulnerablePackages": [{{"name": "openssl", "version": "1"}}]}}}})",
                          arn, resource));
}

class InspectorScannerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    script_->answers["ListCoverage"] = seen_at("2026-11-22T10:30:00Z");
    script_->answers["BatchGetFindingDetails"] = json(R"({"findingDetails": [
        {"findingArn": "arn:1"}]})");
    script_->answers["BatchGetAccountStatus"] = json(R"({"accounts": [{"accountId":
        "111122223333", "resourceState": {"ec2": {"status": "ENABLED"}}}]})");
    open({});
  }
  void open(InspectorConfig config) {
    if (config.places.empty()) config.places = {{"111122223333", "eu-central-1"}};
    scanner_ = make_inspector_scanner(std::move(config), {.caller = script_}, clock_);
  }
  model::Assessment collect(const std::string& id = "id") {
    raw_bytes_ = 0;
    return scanner_->collect(
        target_, id,
        [this](const std::string& name, const std::string& media_type, std::string_view bytes) {
          raw_bytes_ += bytes.size();
          return model::RawResult{name, media_type, bytes.size(), ""};
        },
        {});
  }
  static std::optional<ErrorKind> kind_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.kind();
    }
    return std::nullopt;
  }

  std::shared_ptr<Script> script_ = std::make_shared<Script>();
  ManualClock clock_{kLaunch + 1h};
  ScanTarget target_{.title = "hallmark run-1",
                     .account_id = "111122223333",
                     .region = "eu-central-1",
                     .image_id = "ami-1",
                     .machine_id = kMachine,
                     .launched_at = kLaunch,
                     .tags = {{"hallmark:token", "t-1"}}};
  std::unique_ptr<OutsideScanner> scanner_;
  std::size_t raw_bytes_ = 0;
};

TEST_F(InspectorScannerTest, FindingsOfAnotherMachine) {
  script_->answers["ListFindings"] = {{"findings", Value::array({finding("arn:1", "i-0other")})}};
  model::Assessment assessment = collect();
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(assessment.findings, IsEmpty());
  script_->answers["ListFindings"] = {
      {"findings", Value::array({finding("arn:2", "i-0other"), finding("arn:1", kMachine)})}};
  assessment = collect();
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, ElementsAre(HasSubstr("other resources")));
  EXPECT_THAT(assessment.findings, SizeIs(1));
}

TEST_F(InspectorScannerTest, AsksOnlyAboutTheMachineAndForWhatIsHiddenToo) {
  EXPECT_EQ(collect().completeness, Completeness::complete);
  ASSERT_THAT(script_->calls, ElementsAre("ListCoverage", "ListFindings"));
  EXPECT_EQ(script_->inputs[0]["filterCriteria"]["resourceId"][0]["value"], kMachine);
  const Value& filter = script_->inputs[1]["filterCriteria"];
  EXPECT_EQ(filter["resourceId"][0]["value"], kMachine);
  EXPECT_EQ(filter["findingStatus"][0]["value"], "ACTIVE");
  EXPECT_EQ(filter["findingStatus"][1]["value"], "SUPPRESSED");
}

TEST_F(InspectorScannerTest, WaitsUntilFindingsAreListed) {
  clock_.advance(-30min);  // now it is half past ten
  EXPECT_FALSE(scanner_->look(target_, "id", {}).ended) << "it was scanned just now";
  clock_.advance(2min);
  EXPECT_TRUE(scanner_->look(target_, "id", {}).ended);
}

TEST_F(InspectorScannerTest, AnswersThatAreNoneAreNeverClean) {
  for (const char* garbage :
       {"null", "[]", "5", R"("text")", "{}", R"({"coveredResources": 5, "findings": "x"})",
        R"({"coveredResources": [[[]], null], "findings": [[[]], null], "nextToken": 7})",
        R"({"coveredResources": [{"resourceId": ["i-0c0ffee0000000001"], "scanType": {}}]})",
        R"({"coveredResources": [{"resourceId": "i-0c0ffee0000000001", "scanType": "PACKAGE",
            "scanStatus": [], "scanMode": {}, "lastScannedAt": {}}]})"}) {
    script_->answer = [&](const std::string&, const Value&) { return json(garbage); };
    EXPECT_FALSE(scanner_->look(target_, kArn, {}).ended) << garbage;
    for (const char* id : {"id", kArn}) {
      EXPECT_GE(collect(id).completeness, Completeness::inconclusive) << garbage;
    }
    EXPECT_TRUE(kind_of([&] { scanner_->check({}); })) << garbage;
    scanner_->clean_up(target_, "", {});
  }
}

TEST_F(InspectorScannerTest, FindingsThatAreNoneLowerTheVerdict) {
  script_->answers["ListFindings"] = json(R"({"findings": [5, {"title": "no name"}]})");
  model::Assessment assessment = collect();
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(assessment.reasons, ElementsAre("2 findings could not be read"));
}

TEST_F(InspectorScannerTest, ATokenThatComesBackIsAnError) {
  int pages = 0;
  script_->answer = [&](const std::string& operation, const Value& input) -> Value {
    if (operation == "ListCoverage") return script_->answers["ListCoverage"];
    ++pages;
    // Two tokens that take turns.
    std::string token = input.value("nextToken", "b") == "b" ? "a" : "b";
    return {{"findings", Value::array()}, {"nextToken", token}};
  };
  EXPECT_EQ(kind_of([&] { collect(); }), ErrorKind::corrupt);
  EXPECT_LE(pages, 4);
}

TEST_F(InspectorScannerTest, RefusalsGoOn) {
  for (ErrorKind kind : {ErrorKind::denied, ErrorKind::throttled, ErrorKind::unavailable}) {
    script_->answer = [&](const std::string& operation, const Value&) -> Value {
      if (operation == "ListCoverage") return script_->answers["ListCoverage"];
      throw aws::ApiError(kind, "no", "Code", 400, "id");
    };
    EXPECT_EQ(kind_of([&] { collect(); }), kind);
  }
}

TEST_F(InspectorScannerTest, WhyItIsNotEnabled) {
  auto account = [&](const std::string& answer) {
    script_->answers["BatchGetAccountStatus"] = json(answer);
    return kind_of([&] { scanner_->check({}); });
  };
  EXPECT_EQ(account(R"({"failedAccounts": [{"accountId": "111122223333",
      "errorCode": "ACCESS_DENIED"}]})"),
            ErrorKind::denied);
  EXPECT_EQ(account(R"({"failedAccounts": [{"accountId": "111122223333",
      "errorCode": "ACCOUNT_IS_ISOLATED", "errorMessage": "\u001b[31mno"}]})"),
            ErrorKind::usage);
  EXPECT_EQ(account(R"({"accounts": [{"accountId": "999999999999", "resourceState":
      {"ec2": {"status": "ENABLED"}}}]})"),
            ErrorKind::usage)
      << "of another account";
  EXPECT_EQ(account(R"({"accounts": [{"accountId": "111122223333", "state":
      {"status": "ENABLED"}, "resourceState": {"ec2": {"status": "DISABLED"}}}]})"),
            ErrorKind::usage)
      << "for something else than EC2";
}

TEST_F(InspectorScannerTest, WhatCannotBeScannedIsNotLaunched) {
  auto launch = [&](const std::function<void(ScanTarget&)>& change) {
    ScanTarget target = target_;
    change(target);
    return kind_of([&] { scanner_->launch(target, {}); });
  };
  EXPECT_EQ(launch([](ScanTarget&) {}), std::nullopt);
  EXPECT_EQ(launch([](ScanTarget& target) { target.title = "  "; }), ErrorKind::usage);
  EXPECT_EQ(launch([](ScanTarget& target) { target.machine_id = "vm-7"; }), ErrorKind::usage);
  EXPECT_EQ(launch([](ScanTarget& target) { target.machine_id = ""; }), ErrorKind::usage);
  EXPECT_EQ(launch([](ScanTarget& target) { target.launched_at = {}; }), ErrorKind::usage);
  open({.cis_level = "LEVEL_2"});
  EXPECT_EQ(launch([](ScanTarget& target) { target.tags.clear(); }), ErrorKind::usage);
  EXPECT_EQ(launch([](ScanTarget&) {}), ErrorKind::corrupt) << "it does not say the scan's name";
}

TEST_F(InspectorScannerTest, ConfigurationsThatCannotWork) {
  using Change = std::function<void(InspectorConfig&)>;
  for (const Change& change :
       std::vector<Change>{[](auto& c) { c.cis_level = "3"; },
                           [](auto& c) { c.cis_level = "LEVEL_1", c.cis_tag = ""; },
                           [](auto& c) { c.limits.poll_interval = 0ms; }}) {
    InspectorConfig config;
    change(config);
    EXPECT_EQ(kind_of([&] { make_inspector_scanner(config, {.caller = script_}, clock_); }),
              ErrorKind::usage);
  }
  EXPECT_EQ(kind_of([&] { make_inspector_scanner({}, {}, clock_); }), ErrorKind::usage);
}

TEST_F(InspectorScannerTest, EveryAccountHasItsCredentials) {
  std::vector<std::string> asked;
  InspectorConfig config{.places = {{"111122223333", "eu-central-1"}}};
  scanner_ = make_inspector_scanner(config,
                                    {.caller = script_,
                                     .credentials_of =
                                         [&](const std::string& account) {
                                           asked.push_back(account);
                                           return nullptr;
                                         }},
                                    clock_);
  scanner_->check({});
  target_.account_id = "444455556666";
  scanner_->look(target_, "id", {});
  EXPECT_THAT(asked, ElementsAre("111122223333", "444455556666"));
}

TEST_F(InspectorScannerTest, ManyFindings) {
  constexpr int kCount = 2000;  // and not for ever under the sanitizers
  int given = 0;
  script_->answer = [&](const std::string& operation, const Value& input) -> Value {
    if (operation == "ListCoverage") return script_->answers["ListCoverage"];
    Value answer = Value::object();
    if (operation == "BatchGetFindingDetails") {
      for (const Value& arn : input["findingArns"]) {
        answer["findingDetails"].push_back({{"findingArn", arn}});
      }
      return answer;
    }
    for (int i = 0; i < 100 && given < kCount; ++i, ++given) {
      Value one = finding(fmt::format("arn:{}", given), kMachine);
      one["packageVulnerabilityDetails"]["vulnerabilityId"] =
          fmt::format("CVE-2025-{}", 10000 + given % 1000);
      one["description"] = std::string(800, 'd');
      answer["findings"].push_back(std::move(one));
    }
    if (given < kCount) answer["nextToken"] = std::to_string(given);
    script_->inputs.clear();
    return answer;
  };
  model::Assessment assessment = collect();
  EXPECT_EQ(assessment.completeness, Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  EXPECT_THAT(assessment.findings, SizeIs(kCount));
  EXPECT_EQ(std::ranges::count(script_->calls, "BatchGetFindingDetails"), 1000 / 10)
      << "of each vulnerability once";
  EXPECT_GT(raw_bytes_, std::size_t{kCount} * 800);
  EXPECT_LT(assessment.raw.size(), 100u) << "few files";
}

}  // namespace
}  // namespace hallmark::scan
