#include "scan/inspector/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace hallmark::scan::inspector {
namespace {

using model::Finding;
using model::FindingKind;
using model::FindingStatus;
using model::FixState;
using model::safe_text;
using model::Severity;

// Inspector's word for "no version has a fix".
constexpr std::string_view kNoFix = "NotAvailable";
// More than the hops from the internet to a port.
constexpr std::size_t kSteps = 50;
// More answers to why details are missing than a sentence can hold.
constexpr std::size_t kReasons = 10;

FindingStatus status_of(const std::string& word) {
  return word == "SUPPRESSED" ? FindingStatus::suppressed : FindingStatus::open;
}

FixState fix_of(const Value& package, const std::string& fixed_version, const std::string& word) {
  if (!fixed_version.empty()) return FixState::available;
  if (word == "NO") return FixState::none;
  bool said_none = text_of(package, "fixedInVersion") == kNoFix;
  // Of several packages this is one that has no fix.
  if (word == "PARTIAL" && said_none) return FixState::none;
  // A fix that the package itself denies.
  if (word == "YES") return said_none ? FixState::unknown : FixState::available;
  return FixState::unknown;
}

void add_cvss(Finding& finding, const Value& score, const char* number, std::string source) {
  auto value = number_of(score, number);
  if (!value || *value < 0 || *value > 10) return;
  finding.cvss.push_back({.version = safe_text(text_of(score, "version"), kName),
                          .score = *value,
                          .vector = safe_text(text_of(score, "scoringVector"), kName),
                          .source = std::move(source)});
}

void take_scores(Finding& finding, const Value& json, const Value& details) {
  for (const Value& score : list_of(details, "cvss")) {
    if (finding.cvss.size() < kReferences) {
      add_cvss(finding, score, "baseScore", safe_text(text_of(score, "source"), kName));
    }
  }
  add_cvss(finding, object_of(object_of(json, "inspectorScoreDetails"), "adjustedCvss"), "score",
           "inspector");
  auto epss = number_of(object_of(json, "epss"), "score");
  if (epss && *epss >= 0 && *epss <= 1) finding.epss = epss;
}

/// What all kinds of findings have.
Finding common(const Value& json) {
  Finding finding;
  finding.finding_id = safe_text(text_of(json, "findingArn"), kName);
  finding.status = status_of(text_of(json, "status"));
  finding.severity_native = safe_text(text_of(json, "severity"), kName);
  finding.severity = severity_of(text_of(json, "severity"));
  finding.severity_source = "inspector";
  finding.title = safe_text(text_of(json, "title"), kTitle);
  finding.description = safe_text(text_of(json, "description"), kDescription);
  finding.first_seen = time_text_of(json, "firstObservedAt");
  const Value& recommendation = object_of(object_of(json, "remediation"), "recommendation");
  std::string text = text_of(recommendation, "text");
  if (text != "None Provided") finding.remediation = safe_text(text, kDescription);
  add_reference(finding.references, text_of(recommendation, "Url"));
  return finding;
}

void take_network(Finding& finding, const Value& details) {
  finding.kind = FindingKind::reachability;
  const Value& range = object_of(details, "openPortRange");
  double begin = number_of(range, "begin").value_or(0), end = number_of(range, "end").value_or(0);
  bool is_port = begin >= 1 && begin <= 65535;
  if (is_port) finding.port = static_cast<int>(begin);
  finding.protocol = safe_text(to_lower(text_of(details, "protocol")), kName);
  std::string evidence =
      is_port && end > begin && end <= 65535
          ? fmt::format("open ports: {} to {}", finding.port, static_cast<int>(end))
          : std::string();
  std::size_t steps = 0;
  for (const Value& step : list_of(object_of(details, "networkPath"), "steps")) {
    if (++steps > kSteps) break;
    evidence += fmt::format("{}{} {}", evidence.empty() ? "" : "\n", text_of(step, "componentType"),
                            text_of(step, "componentId"));
  }
  finding.evidence = safe_text(evidence);
}

void take_package(Finding& finding, const Value& package, const Value& json, const Value& details) {
  finding.package = safe_text(text_of(package, "name"), kName);
  finding.architecture = safe_text(to_lower(text_of(package, "arch")), kName);
  finding.installed_version = version_of(package);
  finding.fixed_version = fixed_version_of(text_of(package, "fixedInVersion"));
  finding.fix = fix_of(package, finding.fixed_version, text_of(json, "fixAvailable"));
  std::string remediation = text_of(package, "remediation");
  if (finding.remediation.empty()) finding.remediation = safe_text(remediation, kDescription);
  std::string evidence;
  for (const auto& [what, text] :
       {std::pair{"package manager", text_of(package, "packageManager")},
        std::pair{"file", text_of(package, "filePath")},
        std::pair{"severity by the vendor", text_of(details, "vendorSeverity")},
        std::pair{"exploit available", text_of(json, "exploitAvailable")}}) {
    if (!text.empty()) evidence += fmt::format("{}: {}\n", what, text);
  }
  finding.evidence = safe_text(trim(evidence));
}

void take_names(Finding& finding, const Value& details, const std::string& id) {
  finding.cves = model::split_cves(id, finding.advisory_ids);
  std::size_t taken = 0;
  for (const Value& related : list_of(details, "relatedVulnerabilities")) {
    if (!related.is_string() || ++taken > kReferences) continue;
    for (std::string& cve : model::split_cves(related.get<std::string>(), finding.advisory_ids)) {
      finding.cves.push_back(std::move(cve));
    }
  }
  sort_unique(finding.cves);
  sort_unique(finding.advisory_ids);
  finding.advisory_source = safe_text(text_of(details, "source"), kName);
  add_reference(finding.references, text_of(details, "sourceUrl"));
  for (const Value& url : list_of(details, "referenceUrls")) {
    if (url.is_string()) add_reference(finding.references, url.get<std::string>());
  }
}

}  // namespace

Severity severity_of(std::string_view word) {
  if (word == "CRITICAL") return Severity::critical;
  if (word == "HIGH") return Severity::high;
  if (word == "MEDIUM") return Severity::medium;
  if (word == "LOW") return Severity::low;
  if (word == "INFORMATIONAL") return Severity::info;
  return Severity::unknown;
}

std::string version_of(const Value& package) {
  std::string version = text_of(package, "version");
  if (version.empty()) return {};
  auto epoch = number_of(package, "epoch");
  // Some package managers have it in the version already.
  if (epoch && *epoch >= 1 && *epoch < 1e9 && version.find(':') == version.npos) {
    version = fmt::format("{}:{}", static_cast<long>(*epoch), version);
  }
  std::string release = text_of(package, "release");
  if (!release.empty()) version += "-" + release;
  return safe_text(version, kName);
}

std::string fixed_version_of(std::string version) {
  if (version == kNoFix) return {};
  if (version.starts_with("0:")) version.erase(0, 2);
  return safe_text(trim(version), kName);
}

void FoundOnMachine::take_page(const Value& page) {
  for (const Value& finding : list_of(page, "findings")) take(finding);
}

std::uint32_t FoundOnMachine::vulnerability(const std::string& id, const std::string& arn) {
  if (id.empty()) return kNone;
  auto [known, is_new] =
      by_id_.try_emplace(id, static_cast<std::uint32_t>(vulnerabilities_.size()));
  if (is_new) {
    vulnerabilities_.push_back({.id = id, .arn = arn, .epss = std::nullopt});
    by_arn_.emplace(arn, known->second);
  }
  return known->second;
}

void FoundOnMachine::add(Finding finding, std::uint32_t vulnerability) {
  if (findings_.size() >= most_) {
    ++left_out_;
    return;
  }
  findings_.push_back(std::move(finding));
  vulnerability_of_.push_back(vulnerability);
}

void FoundOnMachine::take(const Value& json) {
  const std::string arn = text_of(json, "findingArn");
  if (arn.empty()) {
    ++unreadable_;
    return;
  }
  bool own = false;
  for (const Value& resource : list_of(json, "resources")) {
    if (text_of(resource, "id") != machine_id_) continue;
    own = true;
    const Value& instance = object_of(object_of(resource, "details"), "awsEc2Instance");
    if (platform_.empty()) platform_ = safe_text(text_of(instance, "platform"), kName);
  }
  if (!own) {
    ++of_others_;
    return;
  }
  if (text_of(json, "status") == "CLOSED" || !seen_.insert(arn).second) return;
  if (auto at = time_of(json, "lastObservedAt"); at && (!last_seen_ || *at > *last_seen_)) {
    last_seen_ = at;
  }

  Finding finding = common(json);
  const std::string type = text_of(json, "type");
  if (type == "NETWORK_REACHABILITY") {
    take_network(finding, object_of(json, "networkReachabilityDetails"));
    if (finding.title.empty()) finding.title = "A port can be reached from outside";
    add(std::move(finding), kNone);
    return;
  }
  const Value& details = object_of(json, "packageVulnerabilityDetails");
  const std::string id = text_of(details, "vulnerabilityId");
  take_scores(finding, json, details);
  take_names(finding, details, id);
  if (finding.title.empty()) {
    finding.title = safe_text(id.empty() ? "A finding of Inspector: " + type : id, kTitle);
  }
  const std::uint32_t vulnerability = this->vulnerability(id, arn);
  const Value& packages = list_of(details, "vulnerablePackages");
  for (const Value& package : packages) {
    Finding one = finding;
    take_package(one, package, json, details);
    add(std::move(one), vulnerability);
  }
  if (packages.empty()) {
    take_package(finding, Value::object(), json, details);
    add(std::move(finding), vulnerability);
  }
}

std::vector<std::string> FoundOnMachine::wanted_details() const {
  std::vector<std::string> arns;
  arns.reserve(vulnerabilities_.size());
  for (const Vulnerability& vulnerability : vulnerabilities_) arns.push_back(vulnerability.arn);
  return arns;
}

void FoundOnMachine::take_details(const std::vector<std::string>& asked, const Value& answer) {
  std::unordered_set<std::string> open(asked.begin(), asked.end());
  for (const Value& details : list_of(answer, "findingDetails")) {
    auto known = by_arn_.find(text_of(details, "findingArn"));
    if (known == by_arn_.end() || open.erase(known->first) == 0) continue;
    Vulnerability& vulnerability = vulnerabilities_[known->second];
    vulnerability.known_exploited = !object_of(details, "cisaData").empty();
    auto epss = number_of(details, "epssScore");
    if (epss && *epss >= 0 && *epss <= 1) vulnerability.epss = epss;
  }
  for (const Value& error : list_of(answer, "errors")) {
    if (open.erase(text_of(error, "findingArn")) == 0) continue;
    std::string code = safe_text(text_of(error, "errorCode"), kName);
    ++refused_[refused_.size() < kReasons || refused_.contains(code) ? code : "other"];
  }
  if (!open.empty()) refused_["not answered"] += open.size();
}

std::vector<Finding> FoundOnMachine::findings() && {
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    if (vulnerability_of_[i] == kNone) continue;
    const Vulnerability& vulnerability = vulnerabilities_[vulnerability_of_[i]];
    findings_[i].known_exploited = vulnerability.known_exploited;
    if (!findings_[i].epss) findings_[i].epss = vulnerability.epss;
  }
  return std::move(findings_);
}

void sort(std::vector<Finding>& findings) {
  auto key = [](const Finding& finding) {
    return std::tie(finding.package, finding.finding_id, finding.port, finding.architecture,
                    finding.installed_version);
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
}

}  // namespace hallmark::scan::inspector
