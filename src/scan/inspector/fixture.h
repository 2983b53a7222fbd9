#pragma once
/// For tests: Inspector on tests/aws_fake, an instance there, and a scanner that looks at it.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "cloud/aws/stand_in.h"
#include "scan/inspector/answers.h"
#include "scan/inspector/inspector.h"

namespace hallmark::scan::inspector {

using namespace std::chrono_literals;

inline constexpr const char* kAccount = "111122223333";
inline constexpr const char* kRegion = "eu-central-1";
inline constexpr const char* kTag = "hallmark:token";

inline Json found_on_machines() {
  return parse_json(R"([
    {"cve": "CVE-2023-0464", "severity": "HIGH", "package": "openssl", "version": "3.0.8",
     "fixed": "0:3.0.9-1", "score": 7.5, "epss": 0.02, "exploit": "YES",
     "kev": {"dateAdded": 1700000000, "dateDue": 1701000000, "action": "Apply updates"}},
    {"cve": "CVE-2022-3715", "severity": "CRITICAL", "package": "bash", "status": "SUPPRESSED"},
    {"cve": "CVE-2024-0001", "severity": "UNTRIAGED", "bare": true},
    {"cve": "CVE-2024-0002", "severity": "LOW", "fix": "PARTIAL", "packages": [
      {"package": "libssl3", "fixed": "3.0.9-1"}, {"package": "openssl"}]},
    {"cve": "NETWORK-1", "type": "NETWORK_REACHABILITY", "severity": "MEDIUM", "port": 22}])",
                    "test");
}

inline Json step(const std::string& reason, const std::string& scanned = "") {
  Json step = {{"reason", reason}};
  if (!scanned.empty()) step["scanned"] = scanned;
  return step;
}

/// The stand-in's time; that of the test runs ahead.
inline TimePoint real_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

/// The stand-in with an instance, and a clock that moves when waited on.
struct Ground {
  cloud::StandIn service{{kAccount}};
  ManualClock clock{real_now()};
  std::string image;

  Ground() {
    image = service.control("images", Json{{"region", kRegion}, {"name", "base"}}).at("image");
    arrange({{"found", found_on_machines()},
             {"coverage",
              {step("PENDING_INITIAL_SCAN"), step("SUCCESSFUL", "old"), step("SUCCESSFUL", "now")}},
             {"cis_checks",
              {{{"checkId", "1.1.1"}, {"title", "Disable cramfs"}, {"status", "PASSED"}},
               {{"checkId", "1.1.2"},
                {"title", "Separate /tmp"},
                {"status", "FAILED"},
                {"checkDescription", "Why."},
                {"remediation", "How."}},
               {{"checkId", "1.1.3"}, {"title", "By hand"}, {"status", "SKIPPED"}},
               {{"checkId", "1.1.4"}, {"title", "No telnet"}, {"status", "PASSED"}}}}});
  }
  Json arrange(Json what) {
    what["account"] = kAccount;
    what["region"] = kRegion;
    return service.control("inspector", what);
  }
  void fault(Json fault) {
    fault["service"] = "inspector2";
    service.control("faults", fault);
  }
  int calls(const std::string& operation) {
    return service.control("calls?service=inspector2&operation=" + operation).at("calls").size();
  }
  int launches() {
    int count = 0;
    Json calls = service.control("calls?service=inspector2&operation=CreateCisScanConfiguration");
    for (const Json& call : calls.at("calls")) count += call.value("outcome", "") == "ok";
    return count;
  }
  int configurations() { return arrange(Json::object()).at("cis_configurations").size(); }
  Value ec2(const std::string& operation, const Value& input) {
    return service.client(kAccount, clock)->call({"ec2", operation, kRegion, nullptr}, input, {});
  }
  /// A new instance, as its scan's target.
  ScanTarget target(const std::string& token = "token-1") {
    Value answer =
        ec2("RunInstances",
            {{"ImageId", image},
             {"MinCount", 1},
             {"MaxCount", 1},
             {"InstanceType", "t3.micro"},
             {"TagSpecifications",
              Value::array({{{"ResourceType", "instance"},
                             {"Tags", Value::array({{{"Key", kTag}, {"Value", token}}})}}})}});
    return {.title = "hallmark run-1 inspector " + token,
            .account_id = kAccount,
            .region = kRegion,
            .image_id = image,
            .machine_id = answer["Instances"][0]["InstanceId"],
            .launched_at = real_now() - 10min,
            .tags = {{kTag, token}, {"Name", "candidate"}}};
  }
  InspectorConfig config(const std::string& cis_level = "") {
    return {.places = {{kAccount, kRegion}}, .cis_level = cis_level};
  }
  InspectorAccess access() { return {.caller = service.client(kAccount, clock)}; }
};

class InspectorStandIn : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = cloud::why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    ground_ = std::make_unique<Ground>();
    target_ = ground_->target();
    open(ground_->config());
  }
  void open(InspectorConfig config) {
    scanner_ = make_inspector_scanner(std::move(config), ground_->access(), ground_->clock);
  }
  std::string launch() { return scanner_->launch(target_, {}); }
  bool run_to_end(const std::string& id, int looks = 60) {
    for (int i = 0; i < looks; ++i) {
      ScanProgress progress = scanner_->look(target_, id, {});
      states_.push_back(progress.state);
      if (progress.ended) return true;
      ground_->clock.advance(scanner_->poll_interval());
    }
    return false;
  }
  model::Assessment collect(const std::string& id) {
    kept_.clear();
    return scanner_->collect(
        target_, id,
        [this](const std::string& name, const std::string& media_type, std::string_view bytes) {
          kept_.push_back(name);
          return model::RawResult{name, media_type, bytes.size(), sha256_hex(bytes)};
        },
        {});
  }
  model::Assessment scan_once() {
    std::string id = launch();
    EXPECT_TRUE(run_to_end(id)) << states_.back();
    return collect(id);
  }
  static std::optional<ErrorKind> kind_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_FALSE(error.message().empty());
      return error.kind();
    }
    return std::nullopt;
  }

  std::unique_ptr<Ground> ground_;
  ScanTarget target_;
  std::unique_ptr<OutsideScanner> scanner_;
  std::vector<std::string> kept_, states_;
};

}  // namespace hallmark::scan::inspector
