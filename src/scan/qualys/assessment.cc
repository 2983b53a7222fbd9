#include "scan/qualys/assessment.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::scan::qualys {
namespace {

using model::Completeness;
using model::Login;

// Words of the service go into sentences; a hostile one must not become a page.
constexpr std::size_t kWord = 200;

std::string shown(const std::string& text) { return model::safe_text(text, kWord); }

bool among(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// Four bytes of "10.0.0.9" as a number; nothing for any other text.
std::optional<std::uint32_t> number_of_ip(std::string_view text) {
  std::uint32_t number = 0;
  std::vector<std::string> parts = split(trim(text), '.');
  if (parts.size() != 4) return {};
  for (const std::string& part : parts) {
    bool digits =
        !part.empty() && part.size() <= 3 && part.find_first_not_of("0123456789") == part.npos;
    int byte = digits ? std::stoi(part) : 256;
    if (byte > 255) return {};
    number = number << 8 | static_cast<std::uint32_t>(byte);
  }
  return number;
}

/// Whether "10.0.0.1, 10.0.0.4-10.0.0.9" names the address.
bool names(const std::string& list, const std::string& ip) {
  for (const std::string& part : split(list, ',')) {
    std::string_view item = trim(part);
    if (item == ip) return true;
    std::size_t dash = item.find('-');
    if (dash == item.npos) continue;
    auto first = number_of_ip(item.substr(0, dash)), last = number_of_ip(item.substr(dash + 1));
    auto wanted = number_of_ip(ip);
    if (first && last && wanted && *first <= *wanted && *wanted <= *last) return true;
  }
  return false;
}

/// The addresses that are the machine's: that by which it was found, and those of the instance.
std::set<std::string> addresses_of(const QualysConfig& config, const ScanTarget& target,
                                   const std::vector<DetectedHost>& hosts) {
  std::set<std::string> own;
  if (!target.ip.empty()) own.insert(target.ip);
  if (config.target != QualysConfig::Target::ec2) return own;
  for (const DetectedHost& host : hosts) {
    if (host.instance_id == target.machine_id && !host.ip.empty()) own.insert(host.ip);
  }
  return own;
}

/// False if there is nothing to read results for.
bool judge_state(model::Assessment& assessment, const std::optional<ListedScan>& listed) {
  if (!listed) {
    lower(assessment, Completeness::failed, "Qualys does not list the scan");
    return false;
  }
  std::string state = shown(describe_state(*listed));
  assessment.native_state = state;
  if (listed->state == "Finished") {
    if (!listed->processed) {
      lower(assessment, Completeness::inconclusive,
            "the scan has finished, but Qualys has not processed its results");
    }
    if (listed->sub_state == "No_Host") {
      lower(assessment, Completeness::inconclusive,
            "Qualys found no host: the machine was not alive or not to be reached");
    } else if (!listed->sub_state.empty() && listed->sub_state != "No_Vuln") {
      lower(assessment, Completeness::partial,
            fmt::format("the scan finished in a way that is not known: {}", state));
    }
    return true;
  }
  if (listed->state == "Canceled") {
    lower(assessment, Completeness::failed, "the scan was cancelled");
  } else if (listed->state == "Error") {
    lower(assessment, Completeness::failed, "the scan ended in an error of Qualys");
  } else if (listed->state == "Paused") {
    lower(assessment, Completeness::failed,
          "the scan is paused: somebody must resume it at Qualys");
  } else {
    lower(assessment, Completeness::failed, fmt::format("the scan has not ended: {}", state));
  }
  return true;
}

void judge_hosts(model::Assessment& assessment, const ScanAnswers& answers,
                 const std::set<std::string>& own) {
  const ScanResults& results = *answers.results;
  if (!results.reference.empty() && results.reference != assessment.native_id) {
    lower(assessment, Completeness::inconclusive,
          fmt::format("the results are those of another scan, {}", shown(results.reference)));
  }
  std::set<std::string> others;
  bool seen = false;
  for (const ResultRow& row : results.rows) {
    if (own.contains(row.ip)) {
      seen = true;
    } else if (others.size() < 3) {
      others.insert(shown(row.ip));
    }
  }
  for (const auto& [why, addresses] : results.not_scanned) {
    for (const std::string& ip : own) {
      if (!names(addresses, ip)) continue;
      lower(assessment, Completeness::inconclusive,
            fmt::format("Qualys did not scan {}: {}", ip, shown(why)));
    }
  }
  std::string list = fmt::format("{}", fmt::join(others, ", "));
  if (!others.empty() && seen) {
    lower(assessment, Completeness::partial,
          "the results also hold rows of another host, which are left out: " + list);
  } else if (!others.empty()) {
    lower(assessment, Completeness::inconclusive, "the results are those of another host: " + list);
  } else if (!seen) {
    // Every live host has rows, if only of what was gathered; so "no rows" is no "no findings".
    lower(assessment, Completeness::inconclusive, "the results do not hold the machine");
  }
}

Login login_of(const QualysConfig& config, const ScanAnswers& answers,
               const std::set<std::string>& own) {
  bool worked = false, failed = false;
  for (const ResultRow& row : answers.results->rows) {
    if (!own.contains(row.ip)) continue;
    worked = worked || among(config.login_qids, row.qid);
    failed = failed || among(config.no_login_qids, row.qid);
  }
  if (failed && !worked) return Login::no;
  for (const DetectedHost& host : answers.hosts) {
    // Both are Qualys' own times, written alike, so that they compare as text.
    if (own.contains(host.ip) && !host.login_at.empty() && !answers.listed->launched_at.empty() &&
        host.login_at >= answers.listed->launched_at) {
      worked = true;
    }
  }
  return worked ? Login::yes : Login::unknown;
}

void judge_login(model::Assessment& assessment, const QualysConfig& config,
                 const ScanAnswers& answers, const std::set<std::string>& own) {
  if (!config.needs_login) return;
  assessment.login = login_of(config, answers, own);
  if (assessment.login == Login::no) {
    lower(assessment, Completeness::inconclusive,
          "Qualys could not log in to the machine, so it saw it from outside only");
  } else if (assessment.login == Login::unknown) {
    lower(assessment, Completeness::inconclusive,
          "nothing says that Qualys was logged in to the machine");
  }
}

/// "1.1.1.1 (Scanner 12.20.30-1, Vulnerability Signatures 2.6.200-3)": the word after `name`.
std::string version_after(std::string_view appliance, std::string_view name) {
  std::size_t at = appliance.find(name);
  if (at == appliance.npos) return {};
  std::string_view rest = trim(appliance.substr(at + name.size()));
  return shown(std::string(rest.substr(0, rest.find_first_of(",) "))));
}

/// Nothing that is no time may reach the record: whoever reads it would stumble.
std::string time_or_nothing(const std::string& text) {
  try {
    return to_rfc3339(from_rfc3339(text));
  } catch (const Error&) {
    return {};
  }
}

void take_versions(model::Assessment& assessment, const ScanAnswers& answers) {
  const ScanResults& results = *answers.results;
  assessment.scanner_version = version_after(results.appliance, "(Scanner ");
  assessment.profile = shown(results.option_profile);
  std::string signatures = version_after(results.appliance, "Vulnerability Signatures ");
  if (signatures.empty()) return;
  // The service matches with the signatures it has at that time; it does not say their date.
  assessment.advisories.push_back(
      {.name = "Qualys signatures " + signatures, .fetched_at = assessment.started_at});
}

}  // namespace

Course course_of(const ListedScan& scan) {
  if (scan.state == "Finished") return scan.processed ? Course::ended : Course::running;
  if (scan.state == "Canceled" || scan.state == "Error") return Course::ended;
  return scan.state == "Paused" ? Course::interrupted : Course::running;
}

std::string describe_state(const ListedScan& scan) {
  std::string text = scan.state.empty() ? "no state" : scan.state;
  if (!scan.sub_state.empty()) text += " (" + scan.sub_state + ")";
  if (scan.state == "Finished" && !scan.processed) text += ", not processed yet";
  return text;
}

model::Assessment assess(const QualysConfig& config, const ScanTarget& target,
                         const ScanAnswers& answers) {
  model::Assessment assessment;
  assessment.scanner = "qualys";
  assessment.completeness = Completeness::complete;
  assessment.login = config.needs_login ? Login::unknown : Login::not_needed;
  if (answers.listed) {
    assessment.native_id = shown(answers.listed->ref);
    assessment.profile = shown(answers.listed->option_profile);
    assessment.started_at = time_or_nothing(answers.listed->launched_at);
  }
  if (!judge_state(assessment, answers.listed)) return assessment;
  if (!answers.results) return assessment;
  take_versions(assessment, answers);
  std::set<std::string> own = addresses_of(config, target, answers.hosts);
  judge_hosts(assessment, answers, own);
  judge_login(assessment, config, answers, own);
  History history = history_of(answers.hosts);
  for (const ResultRow& row : answers.results->rows) {
    if (!own.contains(row.ip)) continue;
    if (assessment.distribution.pretty_name.empty()) {
      assessment.distribution.pretty_name = shown(row.os);
    }
    add_findings(assessment.findings, row, answers.knowledge, history);
  }
  std::sort(assessment.findings.begin(), assessment.findings.end(),
            [](const model::Finding& a, const model::Finding& b) {
              return std::tie(a.package, a.finding_id, a.port, a.protocol) <
                     std::tie(b.package, b.finding_id, b.port, b.protocol);
            });
  return assessment;
}

std::vector<std::string> qids_of(const ScanResults& results) {
  std::set<std::string> qids;
  for (const ResultRow& row : results.rows) {
    // Only numbers are asked for; the answer is from outside.
    bool number = !row.qid.empty() && row.qid.size() <= 10 &&
                  row.qid.find_first_not_of("0123456789") == row.qid.npos;
    if (number) qids.insert(row.qid);
  }
  return {qids.begin(), qids.end()};
}

}  // namespace hallmark::scan::qualys
