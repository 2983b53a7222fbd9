#include "scan/qualys/findings.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::scan::qualys {
namespace {

using model::Finding;
using model::FindingKind;
using model::safe_text;
using model::Severity;

// A title is a line, a name a word; what is longer is not what it claims to be.
constexpr std::size_t kTitle = 500;
constexpr std::size_t kName = 200;
constexpr std::size_t kDescription = 8u << 10;
constexpr std::size_t kReferences = 30;
// More than a machine's packages that one advisory concerns.
constexpr std::size_t kPackages = 200;

FindingKind kind_of(const std::string& type) {
  if (type == "Practice") return FindingKind::potential;
  if (type == "Ig") return FindingKind::information;
  return FindingKind::vulnerability;
}

/// Qualys' own words are shifted by one against everybody else's: its "Critical" is level 4.
Severity severity_of(const ResultRow& row) {
  if (row.type == "Ig") return Severity::info;
  if (row.severity == "5") return Severity::critical;
  if (row.severity == "4") return Severity::high;
  if (row.severity == "3") return Severity::medium;
  if (row.severity == "2") return Severity::low;
  if (row.severity == "1") return Severity::info;
  return Severity::unknown;
}

int port_of(const std::string& text) {
  int port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && port > 0 && port < 65536 ? port : 0;
}

void sort_unique(std::vector<std::string>& values) {
  std::erase(values, "");
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

void take_knowledge(Finding& finding, const KnowledgeEntry& entry) {
  if (entry.patchable == "1") finding.fix = model::FixState::available;
  if (entry.patchable == "0") finding.fix = model::FixState::none;
  for (const std::string& text : entry.cves) {
    std::vector<std::string> cves = model::split_cves(text, finding.advisory_ids);
    finding.cves.insert(finding.cves.end(), cves.begin(), cves.end());
  }
  for (const std::string& id : entry.reference_ids) {
    finding.advisory_ids.push_back(safe_text(id, kName));
  }
  for (const std::string& url : entry.urls) {
    bool web = url.starts_with("https://") || url.starts_with("http://");
    if (web && finding.references.size() < kReferences) {
      finding.references.push_back(safe_text(url, 2 * kTitle));
    }
  }
  double score = 0;
  const std::string& base = entry.cvss3_base;
  auto [end, error] = std::from_chars(base.data(), base.data() + base.size(), score);
  bool whole = error == std::errc() && end == base.data() + base.size();
  if (whole && score >= 0 && score <= 10) {
    finding.cvss.push_back({.version = safe_text(entry.cvss3_version, 8),
                            .score = score,
                            .vector = safe_text(entry.cvss3_vector, kName),
                            .source = "qualys"});
  }
  if (finding.title.empty()) finding.title = safe_text(entry.title, kTitle);
  if (finding.description.empty()) {
    finding.description =
        safe_text(without_tags(entry.diagnosis + "\n\n" + entry.consequence), kDescription);
  }
  if (finding.remediation.empty()) {
    finding.remediation = safe_text(without_tags(entry.solution), kDescription);
  }
}

void take_history(Finding& finding, const Detection& detection) {
  try {
    finding.first_seen = to_rfc3339(from_rfc3339(detection.first_found_at));
  } catch (const Error&) {
    finding.first_seen.clear();
  }
  if (detection.hidden) finding.status = model::FindingStatus::suppressed;
}

std::string history_key(const std::string& ip, const std::string& qid, const std::string& port) {
  return ip + ' ' + qid + ' ' + std::to_string(port_of(port));
}

}  // namespace

std::vector<TablePackage> packages_in(std::string_view results) {
  std::vector<TablePackage> packages;
  std::vector<std::string> lines = split(results, '\n');
  std::vector<std::string> head = split(trim(lines.front()), '\t');
  bool is_table = head.size() >= 2 && to_lower(trim(head[0])) == "package" &&
                  to_lower(head[1]).find("installed") != std::string::npos;
  if (!is_table) return packages;
  for (std::size_t i = 1; i < lines.size() && packages.size() < kPackages; ++i) {
    std::vector<std::string> cells = split(lines[i], '\t');
    if (cells.size() < 2 || trim(cells[0]).empty()) continue;
    packages.push_back({.name = safe_text(trim(cells[0]), kName),
                        .installed_version = safe_text(trim(cells[1]), kName),
                        .fixed_version = cells.size() > 2 ? safe_text(trim(cells[2]), kName) : ""});
  }
  return packages;
}

std::string without_tags(std::string_view text) {
  // Longer than any link Qualys writes; "a < b" in a text is no tag either.
  constexpr std::size_t kLongestTag = 500;
  std::string plain;
  while (!text.empty()) {
    std::size_t open = text.find('<');
    plain += text.substr(0, open);
    if (open == text.npos) break;
    text.remove_prefix(open);
    std::size_t close = text.find('>');
    char next = text.size() > 1 ? text[1] : ' ';
    bool tag = close != text.npos && close < kLongestTag &&
               ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '/');
    if (!tag) {
      plain += '<';
      text.remove_prefix(1);
      continue;
    }
    std::string name = to_lower(text.substr(1, 2));
    bool line = name.starts_with("p>") || name.starts_with("br") || name == "li";
    if (line && !plain.ends_with('\n')) plain += '\n';
    text.remove_prefix(close + 1);
  }
  return std::string(trim(plain));
}

std::string without_keys(std::string_view text) {
  std::string safe;
  while (true) {
    std::size_t begin = text.find("-----BEGIN ");
    std::size_t name = text.find("PRIVATE KEY", begin);
    std::size_t line = text.find('\n', begin);
    if (begin == text.npos || name == text.npos) break;
    if (line < name) {  // a certificate, say
      safe += text.substr(0, line);
      text.remove_prefix(line);
      continue;
    }
    safe += text.substr(0, begin);
    safe += "[a private key, left out]";
    std::size_t end = text.find("-----END ", name);
    if (end == text.npos) return safe;
    std::size_t rest = text.find("-----", end + 9);
    if (rest == text.npos) return safe;
    text.remove_prefix(rest + 5);
  }
  return safe.append(text);
}

History history_of(const std::vector<DetectedHost>& hosts) {
  History history;
  for (const DetectedHost& host : hosts) {
    for (const Detection& detection : host.detections) {
      history[history_key(host.ip, detection.qid, detection.port)] = &detection;
    }
  }
  return history;
}

void add_findings(std::vector<Finding>& findings, const ResultRow& row, const Knowledge& knowledge,
                  const History& history) {
  Finding finding;
  finding.finding_id = safe_text(row.qid, kName);
  finding.kind = kind_of(row.type);
  finding.severity = severity_of(row);
  finding.severity_native = safe_text(row.severity, kName);
  finding.severity_source = "qualys";
  finding.port = port_of(row.port);
  finding.protocol = safe_text(row.protocol, kName);
  finding.title = safe_text(row.title, kTitle);
  finding.description = safe_text(
      without_tags(row.threat + (row.impact.empty() ? "" : "\n\n") + row.impact), kDescription);
  finding.remediation = safe_text(without_tags(row.solution), kDescription);
  finding.evidence = safe_text(without_keys(row.results), model::kEvidenceLimit);
  finding.cves = model::split_cves(row.cve_id, finding.advisory_ids);
  for (const std::string& id : split(row.vendor_reference, ',')) {
    finding.advisory_ids.push_back(safe_text(trim(id), kName));
  }
  auto known = knowledge.find(row.qid);
  if (known != knowledge.end()) take_knowledge(finding, known->second);
  auto past = history.find(history_key(row.ip, row.qid, row.port));
  if (past != history.end()) take_history(finding, *past->second);
  sort_unique(finding.cves);
  sort_unique(finding.advisory_ids);
  std::vector<TablePackage> packages = packages_in(row.results);
  if (packages.empty()) {
    findings.push_back(std::move(finding));
    return;
  }
  for (TablePackage& package : packages) {
    Finding& one = findings.emplace_back(finding);
    one.package = std::move(package.name);
    one.installed_version = std::move(package.installed_version);
    one.fixed_version = std::move(package.fixed_version);
    if (!one.fixed_version.empty()) one.fix = model::FixState::available;
  }
}

}  // namespace hallmark::scan::qualys
