#pragma once
/// The contract suite: the promises of scan/scanner.h as tests, run against any scanner on its
/// stand-in.
///
///     INSTANTIATE_SCANNER_CONTRACT(Qualys, make_qualys_setup);

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "scan/scanner.h"

namespace hallmark::scan {

/// How the machine that is scanned shall be.
enum class MachineIs {
  well,   ///< up, the login works, and it has findings
  blind,  ///< up, but the login fails
  dead,   ///< not to be reached
};

struct ScannerSetup {
  std::string why_skipped;  ///< why the stand-in cannot run on this machine; empty if it can
  /// What the scanner stands on; dropped after the scanners. Has the clock.
  std::shared_ptr<void> keep;
  /// One more scanner over the same service, as another process would open it.
  std::function<std::unique_ptr<OutsideScanner>()> open;
  /// The same with credentials that are wrong.
  std::function<std::unique_ptr<OutsideScanner>()> open_denied;
  Clock* clock = nullptr;  ///< moves when it is waited on
  ScanTarget target;       ///< a machine that the service can scan, in the state `well`
  std::function<void(MachineIs)> set_machine;
  std::function<void()> never_end;           ///< scans from now on
  std::function<void()> lose_launch_answer;  ///< of the next launch, which takes effect
  std::function<int()> launches;             ///< that the service has ever done
  std::function<int()> scans_left;           ///< that the service still has
  int looks = 60;                            ///< after which a scan must have ended
  /// The service scans every machine by itself: a launch starts nothing there and leaves nothing.
  bool scans_by_itself = false;
};

using MakeScannerSetup = std::function<ScannerSetup()>;

class ScannerContract : public ::testing::TestWithParam<MakeScannerSetup> {
 protected:
  void SetUp() override {
    setup_ = GetParam()();
    if (!setup_.why_skipped.empty()) GTEST_SKIP() << setup_.why_skipped;
    scanner_ = setup_.open();
    keep_raw_ = [this](const std::string& name, const std::string& media_type,
                       std::string_view bytes) {
      raw_.emplace_back(name, std::string(bytes));
      return model::RawResult{name, media_type, bytes.size(), sha256_hex(bytes)};
    };
  }
  void TearDown() override { scanner_.reset(); }

  bool run_to_end(const std::string& scan_id) {
    for (int i = 0; i < setup_.looks; ++i) {
      if (scanner_->look(setup_.target, scan_id, stop_).ended) return true;
      setup_.clock->sleep_until(setup_.clock->now() + scanner_->poll_interval(), stop_);
    }
    return false;
  }
  /// What so many launches are to the service.
  int started(int launches) const { return setup_.scans_by_itself ? 0 : launches; }
  model::Assessment scan_once() {
    std::string id = scanner_->launch(setup_.target, stop_);
    EXPECT_TRUE(run_to_end(id));
    return scanner_->collect(setup_.target, id, keep_raw_, stop_);
  }
  static std::optional<ErrorKind> kind_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.kind();
    }
    return std::nullopt;
  }

  ScannerSetup setup_;
  std::unique_ptr<OutsideScanner> scanner_;
  std::stop_token stop_;
  KeepRaw keep_raw_;
  std::vector<std::pair<std::string, std::string>> raw_;
};

TEST_P(ScannerContract, HasANameAndPatience) {
  EXPECT_FALSE(scanner_->name().empty());
  EXPECT_GE(scanner_->poll_interval(), std::chrono::seconds(1));
  scanner_->check(stop_);
  EXPECT_EQ(setup_.launches(), 0) << "a check spends nothing";
}

TEST_P(ScannerContract, LaunchingTwiceIsOneScan) {
  std::string id = scanner_->launch(setup_.target, stop_);
  EXPECT_EQ(scanner_->launch(setup_.target, stop_), id);
  EXPECT_EQ(setup_.open()->launch(setup_.target, stop_), id) << "as another process";
  EXPECT_EQ(setup_.launches(), started(1));
}

TEST_P(ScannerContract, AnotherTitleIsAnotherScan) {
  std::string id = scanner_->launch(setup_.target, stop_);
  ScanTarget other = setup_.target;
  other.title += " again";
  EXPECT_NE(scanner_->launch(other, stop_), id);
  EXPECT_EQ(setup_.launches(), started(2));
}

TEST_P(ScannerContract, ALostAnswerIsNotASecondScan) {
  setup_.lose_launch_answer();
  std::string id;
  auto kind = kind_of([&] { id = scanner_->launch(setup_.target, stop_); });
  if (kind) id = scanner_->launch(setup_.target, stop_);  // as the next attempt of the step
  EXPECT_EQ(setup_.launches(), started(1));
  EXPECT_TRUE(run_to_end(id));
}

TEST_P(ScannerContract, SeesWhatIsThere) {
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.completeness, model::Completeness::complete)
      << ::testing::PrintToString(assessment.reasons);
  EXPECT_TRUE(assessment.reasons.empty());
  EXPECT_EQ(assessment.scanner, scanner_->name());
  EXPECT_FALSE(assessment.findings.empty());
  EXPECT_FALSE(assessment.native_id.empty());
  EXPECT_FALSE(assessment.assessed_at.empty());
  for (const model::Finding& finding : assessment.findings) {
    EXPECT_FALSE(finding.finding_id.empty());
    EXPECT_FALSE(finding.title.empty());
  }
}

TEST_P(ScannerContract, KeepsWhatItReadAsItCame) {
  model::Assessment assessment = scan_once();
  ASSERT_FALSE(raw_.empty());
  ASSERT_EQ(assessment.raw.size(), raw_.size());
  for (std::size_t i = 0; i < raw_.size(); ++i) {
    EXPECT_EQ(assessment.raw[i].name, raw_[i].first);
    EXPECT_EQ(assessment.raw[i].sha256, sha256_hex(raw_[i].second));
    EXPECT_TRUE(raw_[i].first.starts_with(scanner_->name() + "/"));
  }
}

TEST_P(ScannerContract, CollectingTwiceIsTheSame) {
  std::string id = scanner_->launch(setup_.target, stop_);
  ASSERT_TRUE(run_to_end(id));
  auto first = scanner_->collect(setup_.target, id, keep_raw_, stop_);
  auto second = scanner_->collect(setup_.target, id, keep_raw_, stop_);
  EXPECT_EQ(Json(first.findings), Json(second.findings));
  EXPECT_EQ(first.completeness, second.completeness);
}

TEST_P(ScannerContract, NoLoginIsNeverComplete) {
  setup_.set_machine(MachineIs::blind);
  model::Assessment assessment = scan_once();
  EXPECT_EQ(assessment.login, model::Login::no);
  EXPECT_GE(assessment.completeness, model::Completeness::partial);
  EXPECT_FALSE(assessment.reasons.empty());
}

TEST_P(ScannerContract, ADeadMachineIsNeverClean) {
  setup_.set_machine(MachineIs::dead);
  model::Assessment assessment = scan_once();
  EXPECT_GE(assessment.completeness, model::Completeness::inconclusive);
  EXPECT_FALSE(assessment.reasons.empty());
}

TEST_P(ScannerContract, AScanThatDoesNotEndIsNeverComplete) {
  setup_.never_end();
  std::string id = scanner_->launch(setup_.target, stop_);
  setup_.looks = 10;
  EXPECT_FALSE(run_to_end(id));
  model::Assessment assessment = scanner_->collect(setup_.target, id, keep_raw_, stop_);
  EXPECT_GE(assessment.completeness, model::Completeness::inconclusive);
  EXPECT_FALSE(assessment.reasons.empty());
  scanner_->clean_up(setup_.target, id, stop_);
  EXPECT_EQ(setup_.scans_left(), 0) << "one that still runs is stopped and removed";
}

TEST_P(ScannerContract, CleansUpTwice) {
  std::string id = scanner_->launch(setup_.target, stop_);
  ASSERT_TRUE(run_to_end(id));
  scanner_->clean_up(setup_.target, id, stop_);
  EXPECT_EQ(setup_.scans_left(), 0);
  scanner_->clean_up(setup_.target, id, stop_);
  scanner_->clean_up(setup_.target, "", stop_);
}

TEST_P(ScannerContract, CleansUpByTitleAlone) {
  scanner_->launch(setup_.target, stop_);
  ScanTarget other = setup_.target;
  other.title += " again";
  scanner_->launch(other, stop_);
  scanner_->clean_up(setup_.target, "", stop_);
  EXPECT_EQ(setup_.scans_left(), started(1)) << "that of another title stays";
}

TEST_P(ScannerContract, StopsWhenAsked) {
  std::string id = scanner_->launch(setup_.target, stop_);
  std::stop_source source;
  source.request_stop();
  std::stop_token stop = source.get_token();
  const ScanTarget& target = setup_.target;
  EXPECT_EQ(kind_of([&] { scanner_->check(stop); }), ErrorKind::cancelled);
  EXPECT_EQ(kind_of([&] { scanner_->launch(target, stop); }), ErrorKind::cancelled);
  EXPECT_EQ(kind_of([&] { scanner_->look(target, id, stop); }), ErrorKind::cancelled);
  EXPECT_EQ(kind_of([&] { scanner_->collect(target, id, keep_raw_, stop); }), ErrorKind::cancelled);
  EXPECT_EQ(kind_of([&] { scanner_->clean_up(target, id, stop); }), ErrorKind::cancelled);
}

TEST_P(ScannerContract, WrongCredentialsAreDenied) {
  auto denied = setup_.open_denied();
  EXPECT_EQ(kind_of([&] { denied->check(stop_); }), ErrorKind::denied);
  EXPECT_EQ(kind_of([&] { denied->launch(setup_.target, stop_); }), ErrorKind::denied);
  EXPECT_EQ(setup_.launches(), 0);
}

}  // namespace hallmark::scan

#define INSTANTIATE_SCANNER_CONTRACT(prefix, make)                                              \
  namespace hallmark::scan {                                                                    \
  INSTANTIATE_TEST_SUITE_P(prefix, ScannerContract, ::testing::Values(MakeScannerSetup(make))); \
  }                                                                                             \
  static_assert(true, "takes a semicolon")
