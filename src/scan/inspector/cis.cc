#include "scan/inspector/cis.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::scan::inspector {
namespace {

using model::Completeness;
using model::safe_text;

// Inspector's own limit, and how much of a digest tells titles apart.
constexpr std::size_t kLongestName = 128;
constexpr std::size_t kDigest = 16;
// The most that it gives in one answer.
constexpr int kPage = 100;
constexpr int kChecksPage = 1000;

std::string shown_name(const std::string& text) { return safe_text(text, kName); }

/// How the benchmark ended on the machine.
struct CisTarget {
  bool found = false;
  std::string status;
  std::string reason;
};

CisTarget find_target(const Api& api, const std::string& scan, const std::string& machine_id,
                      RawPages& raw, std::stop_token stop) {
  CisTarget target;
  Value input = {{"scanArn", scan},
                 {"filterCriteria", {{"targetResourceIdFilters", equals({machine_id})}}},
                 {"maxResults", kPage}};
  api.each_page(
      "ListCisScanResultsAggregatedByTargetResource", input,
      [&](const Value& page) {
        raw.add(page);
        for (const Value& row : list_of(page, "targetResourceAggregations")) {
          if (text_of(row, "targetResourceId") != machine_id) continue;
          target = {true, text_of(row, "targetStatus"), text_of(row, "targetStatusReason")};
        }
      },
      stop);
  return target;
}

}  // namespace

std::string cis_name(const std::string& title) {
  std::string name = safe_text(trim(title), kLongestName);
  if (name == title) return name;
  // Two titles that differ only where they are cut, or by what cannot be sent, are still two.
  std::string mark = " " + sha256_hex(title).substr(0, kDigest);
  return safe_text(trim(title), kLongestName - mark.size()) + mark;
}

std::string start_cis(const Api& api, const InspectorConfig& config, const ScanTarget& target,
                      std::stop_token stop) {
  auto tag = target.tags.find(config.cis_tag);
  if (tag == target.tags.end() || tag->second.empty()) {
    throw Error(ErrorKind::usage,
                "machine {} has no tag {}, by which its CIS benchmark would find "
                "it",
                target.machine_id, config.cis_tag)
        .hint("name another tag that only this machine has, or leave the benchmark out");
  }
  Value input = {{"scanName", cis_name(target.title)},
                 {"securityLevel", config.cis_level},
                 {"schedule", {{"oneTime", Value::object()}}},
                 {"targets",
                  {{"accountIds", Value::array({"SELF"})},
                   {"targetResourceTags", {{config.cis_tag, Value::array({tag->second})}}}}}};
  std::string arn =
      text_of(api.call("CreateCisScanConfiguration", input, stop), "scanConfigurationArn");
  if (arn.empty()) {
    throw Error(ErrorKind::corrupt, "Inspector does not say what the new CIS scan is called");
  }
  return arn;
}

std::vector<std::string> find_cis(const Api& api, const std::string& name, std::stop_token stop) {
  std::vector<std::string> arns;
  Value input = {{"filterCriteria", {{"scanNameFilters", equals({name})}}}, {"maxResults", kPage}};
  api.each_page(
      "ListCisScanConfigurations", input,
      [&](const Value& page) {
        for (const Value& row : list_of(page, "scanConfigurations")) {
          std::string arn = text_of(row, "scanConfigurationArn");
          if (text_of(row, "scanName") == name && !arn.empty()) arns.push_back(std::move(arn));
        }
      },
      stop);
  return arns;
}

void remove_cis(const Api& api, const std::string& configuration, std::stop_token stop) {
  try {
    api.call("DeleteCisScanConfiguration", {{"scanConfigurationArn", configuration}}, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
}

std::optional<CisScan> find_cis_scan(const Api& api, const std::string& configuration,
                                     std::stop_token stop, RawPages* raw) {
  std::optional<CisScan> found;
  Value input = {{"filterCriteria", {{"scanConfigurationArnFilters", equals({configuration})}}},
                 {"maxResults", kPage}};
  api.each_page(
      "ListCisScans", input,
      [&](const Value& page) {
        if (raw) raw->add(page);
        for (const Value& row : list_of(page, "scans")) {
          if (text_of(row, "scanConfigurationArn") != configuration) continue;
          found = {text_of(row, "scanArn"), text_of(row, "status")};
        }
      },
      stop);
  return found;
}

bool has_ended(const CisScan& scan) {
  return scan.status == "COMPLETED" || scan.status == "FAILED" || scan.status == "CANCELLED";
}

std::size_t take_checks(const Value& page, const std::string& machine_id, model::Checks& checks,
                        std::vector<model::Finding>& findings) {
  std::size_t of_others = 0;
  for (const Value& row : list_of(page, "scanResultDetails")) {
    std::string resource = text_of(row, "targetResourceId");
    if (!resource.empty() && resource != machine_id) {
      ++of_others;
      continue;
    }
    const std::string status = text_of(row, "status");
    if (status == "PASSED") {
      ++checks.passed;
      continue;
    }
    // One that was left out was looked at by nobody, whatever the reason.
    if (status != "FAILED") {
      ++checks.not_checked;
      continue;
    }
    ++checks.failed;
    model::Finding& finding = findings.emplace_back();
    finding.kind = model::FindingKind::compliance;
    finding.finding_id = shown_name(text_of(row, "checkId"));
    if (finding.finding_id.empty()) finding.finding_id = shown_name(text_of(row, "findingArn"));
    finding.severity_native = "FAILED";
    finding.severity_source = "inspector";
    finding.title = safe_text(text_of(row, "title"), kTitle);
    if (finding.title.empty()) finding.title = "CIS check " + finding.finding_id;
    finding.description = safe_text(text_of(row, "checkDescription"), kDescription);
    finding.remediation = safe_text(text_of(row, "remediation"), kDescription);
    finding.evidence = safe_text(text_of(row, "statusReason"));
    finding.advisory_source = shown_name("CIS " + text_of(row, "level"));
  }
  return of_others;
}

void take_cis(const Api& api, const ScanTarget& target, const std::optional<CisScan>& scan,
              const KeepRaw& keep_raw, model::Assessment& assessment, std::stop_token stop) {
  auto lacking = [&](const std::string& why) {
    lower(assessment, Completeness::partial, "the CIS benchmark is missing: " + why);
  };
  if (!scan) return lacking("it has not started");
  if (scan->status != "COMPLETED") {
    return lacking(fmt::format("it {} \"{}\"", has_ended(*scan) ? "ended as" : "is",
                               scan->status.empty() ? "unknown" : shown_name(scan->status)));
  }
  RawPages targets(keep_raw, "inspector/cis-targets");
  CisTarget state;
  targets.keep([&] { state = find_target(api, scan->arn, target.machine_id, targets, stop); });
  if (!state.found) return lacking("it did not find the machine");
  if (state.status != "COMPLETED") {
    return lacking(fmt::format("on the machine it ended as \"{}\"{}", shown_name(state.status),
                               state.reason.empty() ? "" : ", " + shown_name(state.reason)));
  }
  RawPages raw(keep_raw, "inspector/cis-checks");
  model::Checks checks;
  std::size_t of_others = 0;
  raw.keep([&] {
    api.each_page(
        "GetCisScanResultDetails",
        {{"scanArn", scan->arn},
         {"targetResourceId", target.machine_id},
         {"accountId", target.account_id},
         {"maxResults", kChecksPage}},
        [&](const Value& page) {
          raw.add(page);
          of_others += take_checks(page, target.machine_id, checks, assessment.findings);
        },
        stop);
  });
  if (of_others > 0) {
    lower(assessment, Completeness::partial,
          fmt::format("{} results of the CIS benchmark are of other machines, and left out",
                      of_others));
  }
  if (checks.passed + checks.failed == 0) return lacking("no check applied to the machine");
  assessment.checks = checks;
  assessment.hardening_score = 100.0 * checks.passed / (checks.passed + checks.failed);
}

}  // namespace hallmark::scan::inspector
