#include "scan/inspector/sbom_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/text.h"
#include "scan/inspector/findings.h"

namespace hallmark::scan::inspector {
namespace {

using model::Finding;
using model::safe_text;
using model::Severity;

constexpr std::string_view kPrefix = "amazon:inspector:sbom_scanner:";
constexpr const char* kOwn = "AMAZON_INSPECTOR";
// Of a probability of exploitation, which stands among the ratings with the severity "none".
constexpr const char* kEpss = "EPSS";

Severity severity_of_word(const std::string& word) {
  if (word == "critical") return Severity::critical;
  if (word == "high") return Severity::high;
  if (word == "medium") return Severity::medium;
  if (word == "low") return Severity::low;
  if (word == "info" || word == "none") return Severity::info;
  return Severity::unknown;
}

/// Of a property under the service's own prefix; "" if there is none.
std::string property_of(const Value& value, const std::string& name) {
  for (const Value& property : list_of(value, "properties")) {
    std::string full = text_of(property, "name");
    if (full.starts_with(kPrefix) && full.substr(kPrefix.size()) == name) {
      return text_of(property, "value");
    }
  }
  return {};
}

std::string cvss_version_of(const std::string& method) {
  if (method == "CVSSv2") return "2.0";
  if (method == "CVSSv3") return "3.0";
  if (method == "CVSSv31") return "3.1";
  if (method == "CVSSv4") return "4.0";
  return {};
}

/// Inspector's own severity if it has one, else the worst that anybody says.
void take_ratings(Finding& finding, const Value& vulnerability) {
  bool own = false;
  for (const Value& rating : list_of(vulnerability, "ratings")) {
    const std::string source = text_of(object_of(rating, "source"), "name");
    auto score = number_of(rating, "score");
    if (source == kEpss) {
      if (score && *score >= 0 && *score <= 1) finding.epss = score;
      continue;
    }
    const std::string version = cvss_version_of(text_of(rating, "method"));
    if (score && *score >= 0 && *score <= 10 && !version.empty() &&
        finding.cvss.size() < kReferences) {
      finding.cvss.push_back({.version = version,
                              .score = *score,
                              .vector = safe_text(text_of(rating, "vector"), kName),
                              .source = safe_text(source, kName)});
    }
    const std::string word = text_of(rating, "severity");
    if (own || word.empty()) continue;
    own = source == kOwn;
    if (own || finding.severity_source.empty() || severity_of_word(word) > finding.severity) {
      finding.severity = severity_of_word(word);
      finding.severity_native = safe_text(word, kName);
      finding.severity_source = own ? "inspector" : safe_text(source, kName);
    }
  }
}

Finding common(const Value& vulnerability, const std::string& id) {
  Finding finding;
  finding.finding_id = safe_text(id, kName);
  finding.title = finding.finding_id;
  finding.cves = model::split_cves(id, finding.advisory_ids);
  finding.description = safe_text(text_of(vulnerability, "description"), kDescription);
  finding.remediation = safe_text(text_of(vulnerability, "recommendation"), kDescription);
  const Value& source = object_of(vulnerability, "source");
  finding.advisory_source = safe_text(text_of(source, "name"), kName);
  add_reference(finding.references, text_of(source, "url"));
  for (const Value& advisory : list_of(vulnerability, "advisories")) {
    add_reference(finding.references, text_of(advisory, "url"));
  }
  finding.known_exploited = !property_of(vulnerability, "cisa_kev_date_added").empty();
  std::string seen = property_of(vulnerability, "exploit_last_seen_in_public");
  if (property_of(vulnerability, "exploit_available") == "true") {
    finding.evidence =
        safe_text("exploit available" + (seen.empty() ? "" : ", last seen at " + seen), kTitle);
  }
  take_ratings(finding, vulnerability);
  return finding;
}

using Asked = std::unordered_map<std::string, const AskedComponent*>;

void take_vulnerability(const Value& vulnerability, const Asked& asked,
                        model::Assessment& assessment) {
  const std::string id = text_of(vulnerability, "id");
  if (id.empty()) {
    assessment.gaps.push_back({"a vulnerability", "Inspector does not say which"});
    return;
  }
  const Finding finding = common(vulnerability, id);
  std::unordered_set<std::string> taken;
  for (const Value& affected : list_of(vulnerability, "affects")) {
    const std::string reference = text_of(affected, "ref");
    auto known = asked.find(reference);
    if (known == asked.end() || !taken.insert(reference).second) continue;
    const AskedComponent& component = *known->second;
    Finding& one = assessment.findings.emplace_back(finding);
    one.package = safe_text(component.name, kName);
    one.source_package = safe_text(component.source_name, kName);
    one.architecture = safe_text(purl_qualifier(component.purl, "arch"), kName);
    one.installed_version = safe_text(component.version, kName);
    one.fixed_version = fixed_version_of(property_of(vulnerability, "fixed_version:" + reference));
    one.fix = one.fixed_version.empty() ? model::FixState::unknown : model::FixState::available;
  }
  // Of something that was not asked about, or nothing: still not to be lost.
  if (taken.empty()) assessment.findings.push_back(finding);
}

}  // namespace

std::string purl_qualifier(const std::string& purl, const std::string& name) {
  const std::string plain = purl.substr(0, purl.find('#'));
  const std::size_t mark = plain.find('?');
  if (mark == plain.npos) return {};
  for (const std::string& pair : split(std::string_view(plain).substr(mark + 1), '&')) {
    if (pair.starts_with(name + "=")) return pair.substr(name.size() + 1);
  }
  return {};
}

std::string why_unknowable(const AskedComponent& component) {
  if (component.purl.empty()) return "it has no package URL, by which Inspector would know it";
  if (component.version.empty()) return "it has no version";
  for (const char* type : {"pkg:deb/", "pkg:rpm/", "pkg:apk/"}) {
    if (component.purl.starts_with(type) && purl_qualifier(component.purl, "distro").empty()) {
      return "its package URL does not say of which distribution it is";
    }
  }
  return {};
}

void take_sbom(const Value& answer, const std::vector<AskedComponent>& asked,
               model::Assessment& assessment) {
  const Value& sbom = object_of(answer, "sbom");
  auto vulnerabilities = sbom.find("vulnerabilities");
  const bool none = vulnerabilities == sbom.end() || vulnerabilities->is_null();
  if (sbom.empty() || (!none && !vulnerabilities->is_array())) {
    throw Error(ErrorKind::corrupt, "Inspector's answer holds no scanned list of packages");
  }
  Asked by_reference;
  for (const AskedComponent& component : asked) by_reference[component.reference] = &component;
  Asked missing = by_reference;
  for (const Value& component : list_of(sbom, "components")) {
    auto known = by_reference.find(text_of(component, "bom-ref"));
    if (known == by_reference.end()) continue;
    missing.erase(known->first);
    std::string info = property_of(component, "info");
    if (info.empty()) info = property_of(component, "warning");
    if (to_lower(info).find("skipped") == info.npos) continue;
    assessment.gaps.push_back(
        {safe_text("component " + known->second->name + " " + known->second->version, kName),
         safe_text("Inspector says: " + info, kTitle)});
  }
  for (const AskedComponent& component : asked) {
    if (!missing.contains(component.reference)) continue;
    assessment.gaps.push_back(
        {safe_text("component " + component.name + " " + component.version, kName),
         "it is not in Inspector's answer"});
  }
  if (none) return;
  for (const Value& vulnerability : *vulnerabilities) {
    take_vulnerability(vulnerability, by_reference, assessment);
  }
}

}  // namespace hallmark::scan::inspector
