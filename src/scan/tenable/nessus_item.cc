#include "scan/tenable/nessus_item.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace hallmark::scan::tenable {
namespace {

using model::Finding;
using model::Severity;

/// Sentences of the vendor's. A record of 100,000 findings has no room for whole advisories.
constexpr std::size_t kTitleLimit = 512;
constexpr std::size_t kDescriptionLimit = 4u << 10;
constexpr std::size_t kShortLimit = 256;
/// A plugin for a distribution's update lists each binary package of it.
constexpr std::size_t kPackagesOfAnItem = 200;
constexpr std::size_t kReferencesOfAnItem = 64;
/// Kernel updates name hundreds.
constexpr std::size_t kCvesOfAnItem = 5000;

template <typename Number>
std::optional<Number> number(std::string_view text) {
  text = trim(text);
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Severity severity_of(std::string_view native, std::string_view risk) {
  // The numbers of .nessus files and of the API alike.
  constexpr std::array kLevels = {Severity::info, Severity::low, Severity::medium, Severity::high,
                                  Severity::critical};
  if (!native.empty()) {
    std::optional<int> level = number<int>(native);
    return level && *level >= 0 && *level < 5 ? kLevels[*level] : Severity::unknown;
  }
  constexpr std::array<std::string_view, 5> kRisks = {"none", "low", "medium", "high", "critical"};
  auto found = std::find(kRisks.begin(), kRisks.end(), to_lower(risk));
  return found == kRisks.end() ? Severity::unknown : kLevels[found - kRisks.begin()];
}

/// "CVSS2#AV:N/.." is how Nessus marks vectors of version 2, which have no prefix of their own.
void add_cvss(const NessusItem& item, std::string_view score_name, std::string_view vector_name,
              std::string_view version, Finding& finding) {
  std::optional<double> score = number<double>(item.element(score_name));
  if (!score || !(*score >= 0 && *score <= 10)) return;
  std::string_view vector = trim(item.element(vector_name));
  if (vector.starts_with("CVSS2#")) vector.remove_prefix(6);
  if (vector.starts_with("CVSS:") && vector.find('/') != std::string_view::npos) {
    version = vector.substr(5, vector.find('/') - 5);
  }
  finding.cvss.push_back({.version = model::safe_text(version, kShortLimit),
                          .score = *score,
                          .vector = model::safe_text(vector, kShortLimit),
                          .source = "tenable"});
}

/// "DSA:5417" is what Debian calls DSA-5417; other references ("IAVT:0001-T-0931") stay.
std::string advisory_of(std::string_view xref) {
  std::string id = model::safe_text(trim(xref), kShortLimit);
  constexpr std::array<std::string_view, 9> kAdvisories = {
      "DSA:", "DLA:", "USN:", "RHSA:", "ALSA:", "RLSA:", "ELSA:", "ALAS:", "SUSE-SU:"};
  for (std::string_view prefix : kAdvisories) {
    if (id.starts_with(prefix)) id[prefix.size() - 1] = '-';
  }
  return id;
}

void add_references(const NessusItem& item, Finding& finding) {
  std::vector<std::string> other;
  for (const auto& [name, value] : item.elements) {
    if (name == "cve") {
      for (std::string& cve : model::split_cves(value, other)) {
        if (finding.cves.size() < kCvesOfAnItem) finding.cves.push_back(std::move(cve));
      }
    } else if (name == "cisa-known-exploited") {
      finding.known_exploited = true;
    } else if (name == "xref") {
      if (value.starts_with("CISA-KNOWN-EXPLOITED:")) finding.known_exploited = true;
      other.push_back(advisory_of(value));
    } else if (name == "compliance-reference") {
      // "800-53|AC-2,CCE|CCE-80170-5": scheme and number of each.
      for (const std::string& reference : split(value, ','))
        other.push_back(advisory_of(reference));
    } else if (name == "see_also" || name == "compliance-see-also") {
      for (const std::string& line : split(value, '\n')) {
        std::string url = model::safe_text(trim(line), kShortLimit);
        const bool is_url = url.starts_with("https://") || url.starts_with("http://");
        if (is_url && finding.references.size() < kReferencesOfAnItem) {
          finding.references.push_back(std::move(url));
        }
      }
    }
  }
  std::erase(other, "");
  if (other.size() > kCvesOfAnItem) other.resize(kCvesOfAnItem);
  finding.advisory_ids = std::move(other);
  for (auto* list : {&finding.cves, &finding.advisory_ids, &finding.references}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
}

/// Outputs quote files; a key among them would be stored and shown with the evidence.
std::string without_keys(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kEnd = "-----END ";
  constexpr std::string_view kKind = "PRIVATE KEY";
  std::string clean;
  while (true) {
    std::size_t begin = text.find(kBegin);
    if (begin == std::string_view::npos) return clean.append(text);
    std::size_t line_end = std::min(text.find('\n', begin), text.size());
    const bool is_key = text.substr(begin, line_end - begin).find(kKind) != std::string_view::npos;
    if (!is_key) {
      clean.append(text.substr(0, begin + kBegin.size()));
      text.remove_prefix(begin + kBegin.size());
      continue;
    }
    clean.append(text.substr(0, begin)).append("[a private key]");
    std::size_t end = text.find(kEnd, line_end);
    // One that does not end goes on to the end of the text.
    if (end == std::string_view::npos) return clean;
    text.remove_prefix(std::min(text.find('\n', end), text.size()));
  }
}

struct NamedPackage {
  std::string_view name;
  std::string_view installed;
  std::string_view fixed;
  std::string_view lines;  ///< of the output
};

/// "openssl_3.0.8-1" of dpkg, "openssl-libs-1.0.2k-16.el7" of rpm.
std::pair<std::string_view, std::string_view> split_package(std::string_view text) {
  std::size_t at = text.find('_');
  if (at == std::string_view::npos) {
    std::size_t release = text.rfind('-');
    if (release == std::string_view::npos || release == 0) return {};
    at = text.rfind('-', release - 1);
  }
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return {};
  return {text.substr(0, at), text.substr(at + 1)};
}

/// "  - Installed package : bash_5.1-2" has the key "Installed package".
std::optional<std::pair<std::string_view, std::string_view>> key_value(std::string_view line) {
  std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view key = trim(line.substr(0, colon));
  if (key.starts_with("- ")) key = trim(key.substr(2));
  return {{key, trim(line.substr(colon + 1))}};
}

/// The packages that the plugins for distributions list, each by two lines.
std::vector<NamedPackage> packages_in(std::string_view output) {
  std::vector<NamedPackage> packages;
  for (std::size_t at = 0; at < output.size() && packages.size() < kPackagesOfAnItem;) {
    std::size_t end = std::min(output.find('\n', at), output.size());
    std::string_view line = output.substr(at, end - at);
    if (auto pair = key_value(line)) {
      auto [key, value] = *pair;
      auto [name, version] = split_package(value);
      if ((key == "Remote package installed" || key == "Installed package") && !name.empty()) {
        packages.push_back({.name = name, .installed = version, .lines = line});
      } else if ((key == "Should be" || key == "Fixed package") && !packages.empty() &&
                 packages.back().name == name && packages.back().fixed.empty()) {
        NamedPackage& last = packages.back();
        last.fixed = version;
        last.lines = {last.lines.data(),
                      static_cast<std::size_t>(line.data() + line.size() - last.lines.data())};
      }
    }
    at = end + 1;
  }
  return packages;
}

std::string text_of(std::string_view text, std::size_t limit) {
  return model::safe_text(trim(text), limit);
}

std::string either(std::string_view first, std::string_view second) {
  return text_of(first.empty() ? second : first, kDescriptionLimit);
}

void describe_rule(const NessusItem& item, std::string_view plugin, Finding& finding) {
  finding.kind = model::FindingKind::compliance;
  std::string_view name = item.element("compliance-check-name");
  finding.title = text_of(name.empty() ? item.attribute("pluginName") : name, kTitleLimit);
  std::string_view check = item.element("compliance-check-id");
  finding.finding_id = std::string(plugin) + ":" + text_of(check.empty() ? name : check, 128);
  finding.description = either(item.element("compliance-info"), item.element("description"));
  finding.remediation = either(item.element("compliance-solution"), item.element("solution"));
  finding.severity_native = text_of(item.element("compliance-result"), kShortLimit);
  std::string evidence;
  for (auto [what, element] : {std::pair{"Policy value: ", "compliance-policy-value"},
                               std::pair{"Actual value: ", "compliance-actual-value"}}) {
    std::string_view value = trim(item.element(element));
    if (!value.empty()) evidence.append(what).append(value).append("\n");
  }
  if (evidence.empty()) evidence = trim(item.element("plugin_output"));
  finding.evidence = model::safe_text(without_keys(evidence));
}

}  // namespace

std::string_view NessusItem::attribute(std::string_view name) const {
  for (const auto& [key, value] : attributes) {
    if (key == name) return value;
  }
  return {};
}

std::string_view NessusItem::element(std::string_view name) const {
  for (const auto& [key, value] : elements) {
    if (key == name) return value;
  }
  return {};
}

std::string_view line_value(std::string_view output, std::string_view name) {
  for (std::size_t at = 0; at < output.size();) {
    std::size_t end = std::min(output.find('\n', at), output.size());
    auto pair = key_value(output.substr(at, end - at));
    if (pair && pair->first == name) return pair->second;
    at = end + 1;
  }
  return {};
}

RuleResult rule_result(const NessusItem& item) {
  std::string_view word = trim(item.element("compliance-result"));
  if (word.empty()) return RuleResult::none;
  if (word == "PASSED") return RuleResult::passed;
  // WARNING: a person has to judge it. ERROR and words that are new: nothing was learnt.
  return word == "FAILED" ? RuleResult::failed : RuleResult::undecided;
}

std::vector<Finding> findings_of(const NessusItem& item) {
  const RuleResult rule = rule_result(item);
  if (rule == RuleResult::passed) return {};
  Finding finding;
  const std::string plugin = text_of(item.attribute("pluginID"), kShortLimit);
  finding.finding_id = plugin;
  finding.severity_native = text_of(item.attribute("severity"), kShortLimit);
  finding.severity = severity_of(trim(item.attribute("severity")), item.element("risk_factor"));
  finding.severity_source = "tenable";
  finding.kind = finding.severity == Severity::info ? model::FindingKind::information
                                                    : model::FindingKind::vulnerability;
  std::optional<int> port = number<int>(item.attribute("port"));
  if (port && *port > 0 && *port <= 65535) {
    finding.port = *port;
    finding.protocol = text_of(item.attribute("protocol"), kShortLimit);
  }
  add_references(item, finding);
  if (rule != RuleResult::none) {
    describe_rule(item, plugin, finding);
    return {finding};
  }
  add_cvss(item, "cvss_base_score", "cvss_vector", "2.0", finding);
  add_cvss(item, "cvss3_base_score", "cvss3_vector", "3.0", finding);
  add_cvss(item, "cvss4_base_score", "cvss4_vector", "4.0", finding);
  finding.title = text_of(item.attribute("pluginName"), kTitleLimit);
  finding.description = either(item.element("description"), item.element("synopsis"));
  finding.remediation = text_of(item.element("solution"), kDescriptionLimit);
  if (finding.remediation == "n/a") finding.remediation.clear();
  if (item.element("unsupported_by_vendor") == "true") {
    finding.fix = model::FixState::end_of_life;
  } else if (!item.element("patch_publication_date").empty()) {
    finding.fix = model::FixState::available;
  }
  const std::string output = without_keys(item.element("plugin_output"));
  finding.evidence = model::safe_text(trim(output));
  if (finding.kind == model::FindingKind::information) return {finding};
  std::vector<NamedPackage> packages = packages_in(output);
  if (packages.empty()) {
    finding.installed_version = text_of(line_value(output, "Installed version"), kShortLimit);
    finding.fixed_version = text_of(line_value(output, "Fixed version"), kShortLimit);
    return {finding};
  }
  std::vector<Finding> findings;
  for (const NamedPackage& package : packages) {
    Finding& one = findings.emplace_back(finding);
    one.package = text_of(package.name, kShortLimit);
    one.installed_version = text_of(package.installed, kShortLimit);
    one.fixed_version = text_of(package.fixed, kShortLimit);
    if (packages.size() > 1) one.evidence = text_of(package.lines, kDescriptionLimit);
    if (!one.fixed_version.empty()) one.fix = model::FixState::available;
  }
  return findings;
}

}  // namespace hallmark::scan::tenable
