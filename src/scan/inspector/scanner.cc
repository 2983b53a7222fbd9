#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "scan/inspector/cis.h"
#include "scan/inspector/coverage.h"
#include "scan/inspector/findings.h"
#include "scan/inspector/reading.h"
#include "scan/service.h"

namespace hallmark::scan {
namespace inspector {
namespace {

using model::Completeness;

// What Inspector takes at once.
constexpr int kCoveragePage = 200;
// As often as an answer that was lost may hide what it started.
constexpr int kLooksAfterLoss = 3;

bool is_configuration(const std::string& scan_id) { return scan_id.starts_with("arn:"); }

void check_config(const InspectorConfig& config, const InspectorAccess& access) {
  auto refuse = [](const std::string& text) {
    throw Error(ErrorKind::usage, "inspector: {}", text);
  };
  if (!access.caller) refuse("there is nothing to call AWS with");
  if (!config.cis_level.empty() && config.cis_level != "LEVEL_1" && config.cis_level != "LEVEL_2") {
    refuse("cis_level is LEVEL_1 or LEVEL_2, not " + model::safe_text(config.cis_level, kName));
  }
  if (!config.cis_level.empty() && config.cis_tag.empty()) {
    refuse("cis_tag is needed, so that the CIS benchmark finds the machine");
  }
  if (config.limits.poll_interval < std::chrono::seconds(1)) {
    refuse("poll_interval is at least a second");
  }
}

[[noreturn]] void refuse_status(const InspectorPlace& place, const std::string& status,
                                const std::string& message) {
  std::string where = fmt::format("account {}, region {}", place.account_id, place.region);
  std::string why = message.empty() ? "" : ": " + model::safe_text(message, kTitle);
  if (status == "ENABLING") {
    throw Error(ErrorKind::unavailable, "Inspector is still being enabled in {}", where)
        .hint("that takes some minutes");
  }
  throw Error(ErrorKind::usage, "Inspector does not scan EC2 instances in {}: it is {}{}", where,
              status.empty() ? "not enabled" : model::safe_text(status, kName), why)
      .hint(fmt::format("enable it there: aws inspector2 enable --resource-types EC2 --region {}",
                        place.region));
}

class InspectorScanner : public OutsideScanner {
 public:
  InspectorScanner(InspectorConfig config, InspectorAccess access, Clock& clock)
      : config_(std::move(config)), access_(std::move(access)), clock_(clock) {}

  std::string name() const override { return "inspector"; }
  Duration poll_interval() const override { return config_.limits.poll_interval; }
  void check(std::stop_token stop) override;
  std::string launch(const ScanTarget& target, std::stop_token stop) override;
  ScanProgress look(const ScanTarget& target, const std::string& scan_id,
                    std::stop_token stop) override;
  model::Assessment collect(const ScanTarget& target, const std::string& scan_id,
                            const KeepRaw& keep_raw, std::stop_token stop) override;
  void clean_up(const ScanTarget& target, const std::string& scan_id,
                std::stop_token stop) override;

 private:
  Api api_of(const ScanTarget& target) const {
    return Api(access_, {target.account_id, target.region});
  }
  void check_enabled(const Api& api, std::stop_token stop);
  /// Looks twice with a pause, since what was just made is not listed yet.
  std::vector<std::string> find_cis_for_sure(const Api& api, const std::string& name,
                                             std::stop_token stop);
  std::string launch_cis(const Api& api, const ScanTarget& target, std::stop_token stop);
  Coverage read_coverage(const Api& api, const ScanTarget& target, std::stop_token stop,
                         RawPages* raw = nullptr);
  bool has_ended(const Coverage& coverage, const CoverageVerdict& verdict,
                 const ScanTarget& target) const;
  void pause(Duration time, std::stop_token stop);

  InspectorConfig config_;
  InspectorAccess access_;
  Clock& clock_;
};

void InspectorScanner::pause(Duration time, std::stop_token stop) {
  if (!clock_.sleep_until(clock_.now() + time, stop)) {
    throw Error(ErrorKind::cancelled, "stopped while waiting for Inspector");
  }
}

void InspectorScanner::check_enabled(const Api& api, std::stop_token stop) {
  const InspectorPlace& place = api.place();
  Value answer =
      api.call("BatchGetAccountStatus", {{"accountIds", Value::array({place.account_id})}}, stop);
  for (const Value& account : list_of(answer, "accounts")) {
    if (text_of(account, "accountId") != place.account_id) continue;
    const Value& ec2 = object_of(object_of(account, "resourceState"), "ec2");
    std::string status = text_of(ec2, "status");
    if (status == "ENABLED") return;
    refuse_status(place, status, "");
  }
  for (const Value& failed : list_of(answer, "failedAccounts")) {
    if (text_of(failed, "accountId") != place.account_id) continue;
    std::string code = text_of(failed, "errorCode");
    if (code == "ACCESS_DENIED") {
      throw Error(ErrorKind::denied, "Inspector does not tell whether it is enabled in account {}",
                  place.account_id)
          .hint("the credentials must be of that account, or of Inspector's administrator");
    }
    refuse_status(place, text_of(failed, "status"), code + " " + text_of(failed, "errorMessage"));
  }
  refuse_status(place, "", "");
}

void InspectorScanner::check(std::stop_token stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before asking Inspector");
  if (!config_.must_be_enabled) return;
  for (const InspectorPlace& place : config_.places) check_enabled(Api(access_, place), stop);
}

std::vector<std::string> InspectorScanner::find_cis_for_sure(const Api& api,
                                                             const std::string& name,
                                                             std::stop_token stop) {
  std::vector<std::string> found = find_cis(api, name, stop);
  if (!found.empty()) return found;
  pause(config_.limits.listed_after, stop);
  return find_cis(api, name, stop);
}

std::string InspectorScanner::launch_cis(const Api& api, const ScanTarget& target,
                                         std::stop_token stop) {
  const std::string name = cis_name(target.title);
  std::vector<std::string> known = find_cis_for_sure(api, name, stop);
  if (!known.empty()) return known.front();
  try {
    return start_cis(api, config_, target, stop);
  } catch (Error& error) {
    if (!may_have_happened(error.kind())) throw;
    // It may run although we were not told.
    for (int i = 0; i < kLooksAfterLoss; ++i) {
      pause(config_.limits.listed_after, stop);
      known = find_cis(api, name, stop);
      if (!known.empty()) return known.front();
    }
    throw error.note("no CIS scan of that name appeared since");
  }
}

std::string InspectorScanner::launch(const ScanTarget& target, std::stop_token stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before asking Inspector");
  if (trim(target.title).empty()) throw Error(ErrorKind::usage, "a scan needs a title");
  if (!target.machine_id.starts_with("i-")) {
    throw Error(ErrorKind::usage, "Inspector scans EC2 instances; {} is none",
                target.machine_id.empty() ? "a machine without id"
                                          : model::safe_text(target.machine_id, kName));
  }
  // Without it a scan of anybody's at any time would count.
  if (target.launched_at == TimePoint{}) {
    throw Error(ErrorKind::usage, "when {} was launched is not known", target.machine_id);
  }
  const Api api = api_of(target);
  if (config_.must_be_enabled) check_enabled(api, stop);
  if (!config_.cis_level.empty()) return launch_cis(api, target, stop);
  // Nothing is started: Inspector finds the machine by itself.
  return id_from_token(target.machine_id, target.title);
}

Coverage InspectorScanner::read_coverage(const Api& api, const ScanTarget& target,
                                         std::stop_token stop, RawPages* raw) {
  Coverage coverage;
  api.each_page(
      "ListCoverage",
      {{"filterCriteria",
        {{"resourceId", equals({target.machine_id})},
         {"resourceType", equals({"AWS_EC2_INSTANCE"})}}},
       {"maxResults", kCoveragePage}},
      [&](const Value& page) {
        if (raw) raw->add(page);
        take_coverage(coverage, page, target.machine_id);
      },
      stop);
  return coverage;
}

bool InspectorScanner::has_ended(const Coverage& coverage, const CoverageVerdict& verdict,
                                 const ScanTarget& target) const {
  switch (verdict.course) {
    case Course::waiting:
      return false;
    case Course::passing:
      return clock_.now() >= target.launched_at + config_.limits.settle_limit;
    case Course::ended:
      break;
  }
  bool has_seen = verdict.completeness <= Completeness::partial && coverage.scanned_at;
  return !has_seen || clock_.now() >= *coverage.scanned_at + config_.limits.publish_delay;
}

ScanProgress InspectorScanner::look(const ScanTarget& target, const std::string& scan_id,
                                    std::stop_token stop) {
  const Api api = api_of(target);
  Coverage coverage = read_coverage(api, target, stop);
  CoverageVerdict verdict = judge(coverage, target.launched_at);
  ScanProgress progress{.ended = has_ended(coverage, verdict, target), .state = describe(coverage)};
  if (!is_configuration(scan_id)) return progress;
  std::optional<CisScan> scan = find_cis_scan(api, scan_id, stop);
  progress.ended = progress.ended && scan && inspector::has_ended(*scan);
  progress.state += "; CIS: " + (scan ? model::safe_text(scan->status, kName) : "not started");
  return progress;
}

model::Assessment InspectorScanner::collect(const ScanTarget& target, const std::string& scan_id,
                                            const KeepRaw& keep_raw, std::stop_token stop) {
  const Api api = api_of(target);
  model::Assessment assessment;
  assessment.scanner = name();
  assessment.completeness = Completeness::complete;
  assessment.native_id = model::safe_text(scan_id, kTitle);
  KeepRaw keep = [&](const std::string& file, const std::string& media_type,
                     std::string_view bytes) {
    assessment.raw.push_back(keep_raw(file, media_type, bytes));
    return assessment.raw.back();
  };
  RawPages rows(keep, "inspector/coverage");
  Coverage coverage;
  rows.keep([&] { coverage = read_coverage(api, target, stop, &rows); });
  const CoverageVerdict verdict = judge(coverage, target.launched_at);
  if (verdict.completeness != Completeness::complete) {
    lower(assessment, verdict.completeness, verdict.why);
  }
  assessment.login = verdict.login;
  assessment.native_state = describe(coverage);
  assessment.profile = model::safe_text(coverage.mode, kName);
  if (coverage.scanned_at && *coverage.scanned_at >= target.launched_at) {
    assessment.started_at = to_rfc3339(*coverage.scanned_at);
    // It matches with what it knows at that time; it does not say of when that is.
    assessment.advisories.push_back(
        {.name = "Amazon Inspector", .fetched_at = assessment.started_at});
  }

  FoundOnMachine found(target.machine_id);
  read_findings(api, found, keep, assessment, stop);
  assessment.distribution.pretty_name =
      found.platform().empty() ? model::safe_text(coverage.platform, kName) : found.platform();
  assessment.findings = std::move(found).findings();

  if (is_configuration(scan_id)) {
    if (!config_.cis_level.empty()) {
      assessment.profile += (assessment.profile.empty() ? "CIS " : ", CIS ") + config_.cis_level;
    }
    bearably(assessment, "the CIS benchmark could not be read", [&] {
      RawPages scans(keep, "inspector/cis-scans");
      std::optional<CisScan> scan;
      scans.keep([&] { scan = find_cis_scan(api, scan_id, stop, &scans); });
      take_cis(api, target, scan, keep, assessment, stop);
    });
  } else if (!config_.cis_level.empty()) {
    lower(assessment, Completeness::partial, "the CIS benchmark was not started");
  }
  sort(assessment.findings);
  assessment.assessed_at = to_rfc3339(clock_.now());
  return assessment;
}

void InspectorScanner::clean_up(const ScanTarget& target, const std::string& scan_id,
                                std::stop_token stop) {
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped before asking Inspector");
  const Api api = api_of(target);
  if (is_configuration(scan_id)) return remove_cis(api, scan_id, stop);
  // What Inspector knows of a machine goes with the machine.
  if (!scan_id.empty() || config_.cis_level.empty()) return;
  for (const std::string& configuration : find_cis_for_sure(api, cis_name(target.title), stop)) {
    remove_cis(api, configuration, stop);
  }
}

}  // namespace
}  // namespace inspector

std::unique_ptr<OutsideScanner> make_inspector_scanner(InspectorConfig config,
                                                       InspectorAccess access, Clock& clock) {
  inspector::check_config(config, access);
  return std::make_unique<inspector::InspectorScanner>(std::move(config), std::move(access), clock);
}

}  // namespace hallmark::scan
