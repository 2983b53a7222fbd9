#include "scan/tenable/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace hallmark::scan::tenable {
namespace {

using model::Completeness;
using model::Login;

bool is_target(const NessusHost& host, const ScanTarget& target) {
  auto matches = [&](std::string_view wanted) {
    return !wanted.empty() && (host.name == wanted || host.property("host-ip") == wanted);
  };
  if (!target.ip.empty()) return matches(target.ip);
  return matches(target.machine_id) ||
         (!target.machine_id.empty() &&
          host.property("aws-instance-instanceId") == target.machine_id);
}

/// The host's property and the scan's report on itself can differ; then the worse one counts.
Login login_of(const NessusHost& host) {
  const std::string property = to_lower(trim(host.property("Credentialed_Scan")));
  const std::string word = to_lower(host.credential_word);
  if (property == "false" || word.starts_with("no")) return Login::no;
  if (property == "true") return Login::yes;
  return property.empty() && word.starts_with("yes") ? Login::yes : Login::unknown;
}

void judge_host(const NessusHost& host, model::Assessment& assessment) {
  assessment.login = login_of(host);
  if (assessment.login == Login::no) {
    lower(assessment, Completeness::inconclusive,
          "Tenable could not log in to the machine: it saw only what shows from outside");
  } else if (assessment.login == Login::unknown) {
    lower(assessment, Completeness::inconclusive,
          "Tenable does not say whether it was logged in to the machine");
  } else if (host.lacked_rights) {
    lower(assessment, Completeness::partial,
          "Tenable's login on the machine was not allowed to see everything");
  }
  if (host.item_count == 0) {
    lower(assessment, Completeness::inconclusive, "no check reported anything of the machine");
  }
  if (host.property("HOST_END").empty()) {
    lower(assessment, Completeness::partial, "the scan of the machine has no end");
  }
}

}  // namespace

bool has_ended(std::string_view status) {
  return status == "completed" || status == "aborted" || status == "canceled" ||
         status == "stopped" || status == "imported";
}

bool has_results(std::string_view status) { return has_ended(status) && status != "imported"; }

void judge_status(std::string_view status, model::Assessment& assessment) {
  if (status == "completed") return;
  if (status == "imported") {
    lower(assessment, Completeness::failed,
          "what Tenable has under this name is an imported file, no scan");
  } else if (has_ended(status)) {
    lower(assessment, Completeness::partial,
          fmt::format("the scan ended as \"{}\", before it had seen everything", status));
  } else {
    lower(assessment, Completeness::failed,
          fmt::format("the scan has not ended: it is \"{}\"", model::safe_text(status, 64)));
  }
}

void take_report(NessusReport report, const ScanTarget& target, model::Assessment& assessment) {
  if (assessment.profile.empty()) assessment.profile = report.policy;
  if (!report.damage.empty()) {
    lower(assessment, Completeness::partial,
          fmt::format("the report breaks off: {}", report.damage));
  }
  if (report.findings_left_out > 0) {
    lower(assessment, Completeness::partial,
          fmt::format("{} findings beyond the limit were left out", report.findings_left_out));
  }
  std::size_t others = 0;
  NessusHost* seen = nullptr;
  for (NessusHost& host : report.hosts) {
    if (!is_target(host, target)) {
      ++others;
    } else if (!seen) {
      seen = &host;
    } else {
      // One address, two entries: which of them is the machine cannot be told.
      lower(assessment, Completeness::inconclusive,
            fmt::format("the report has {} more than once", host.name));
      std::move(host.findings.begin(), host.findings.end(), std::back_inserter(seen->findings));
    }
  }
  const std::string& wanted = target.ip.empty() ? target.machine_id : target.ip;
  if (!seen) {
    lower(assessment, Completeness::inconclusive,
          others == 0
              ? fmt::format("the report has no host: {} did not answer", wanted)
              : fmt::format("the report is of {}, not of {}", report.hosts.front().name, wanted));
    return;
  }
  if (others > 0) {
    lower(assessment, Completeness::partial,
          fmt::format("the report is also of {} other machines, left out here", others));
  }
  judge_host(*seen, assessment);
  assessment.scanner_version = seen->scanner_version;
  assessment.distribution.pretty_name = seen->property("operating-system");
  if (!seen->plugin_feed.empty()) {
    assessment.advisories.push_back({.name = "nessus-plugins " + seen->plugin_feed,
                                     .valid_from = feed_date(seen->plugin_feed)});
  }
  const model::Checks& rules = seen->rules;
  if (rules.passed + rules.failed + rules.not_checked > 0) assessment.checks = rules;
  if (rules.passed + rules.failed > 0) {
    assessment.hardening_score = 100.0 * rules.passed / (rules.passed + rules.failed);
  }
  assessment.findings = std::move(seen->findings);
  std::stable_sort(assessment.findings.begin(), assessment.findings.end(),
                   [](const model::Finding& a, const model::Finding& b) {
                     return std::tie(a.package, a.finding_id, a.port) <
                            std::tie(b.package, b.finding_id, b.port);
                   });
}

std::string feed_date(std::string_view feed) {
  constexpr std::size_t kLength = 12;  // YYYYMMDDhhmm, UTC
  const bool digits =
      std::all_of(feed.begin(), feed.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (feed.size() != kLength || !digits) return {};
  std::string text = fmt::format("{}-{}-{}T{}:{}:00Z", feed.substr(0, 4), feed.substr(4, 2),
                                 feed.substr(6, 2), feed.substr(8, 2), feed.substr(10, 2));
  try {
    return to_rfc3339(from_rfc3339(text));
  } catch (const Error&) {
    return {};
  }
}

}  // namespace hallmark::scan::tenable
