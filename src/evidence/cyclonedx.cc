#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "evidence/documents.h"
#include "evidence/purl.h"

namespace hallmark::evidence {
namespace {

using model::Finding;
using scan::MergedFinding;

constexpr const char* kRoot = "image";

Json property(const std::string& name, const std::string& value) {
  return {{"name", "hallmark:" + name}, {"value", line(value)}};
}

void add_property(Json& properties, const std::string& name, const std::string& value) {
  if (!value.empty()) properties.push_back(property(name, value));
}

/// `finding` and `package` in one name, each once.
std::string reference_of(const MergedFinding& finding) {
  return "finding/" + percent_encode(finding.id) + "/" + percent_encode(finding.package);
}

std::string method_of(const std::string& cvss_version) {
  if (cvss_version == "2.0") return "CVSSv2";
  if (cvss_version == "3.0") return "CVSSv3";
  if (cvss_version == "3.1") return "CVSSv31";
  if (cvss_version == "4.0") return "CVSSv4";
  return "other";
}

/// CycloneDX has other words for OpenVEX's reasons.
std::string justification_of(const std::string& word) {
  if (word == "vulnerable_code_not_in_execute_path") return "code_not_reachable";
  if (word == "vulnerable_code_cannot_be_controlled_by_adversary") return "requires_environment";
  if (word == "inline_mitigations_already_exist") return "protected_by_mitigating_control";
  return "code_not_present";
}

Json ratings_of(const Subject& subject, const MergedFinding& finding) {
  Json ratings = Json::array();
  auto add = [&](Json rating) {
    if (std::find(ratings.begin(), ratings.end(), rating) == ratings.end()) {
      ratings.push_back(std::move(rating));
    }
  };
  for (const scan::Observation& observation : finding.observations) {
    const Finding& seen = observed(subject, observation);
    Json own = {{"source", {{"name", line(subject.assessments[observation.assessment].scanner)}}},
                {"severity", model::to_string(seen.severity)},
                {"method", "other"}};
    if (!seen.severity_native.empty()) {
      own["justification"] = "said as: " + line(seen.severity_native);
    }
    add(std::move(own));
    for (const model::Cvss& cvss : seen.cvss) {
      if (!std::isfinite(cvss.score)) continue;
      Json rating = {{"score", cvss.score},
                     {"severity", model::to_string(model::severity_of_score(cvss.score))},
                     {"method", method_of(cvss.version)}};
      if (!cvss.source.empty()) rating["source"] = {{"name", line(cvss.source)}};
      if (!cvss.vector.empty()) rating["vector"] = line(cvss.vector);
      add(std::move(rating));
    }
  }
  if (finding.epss) {
    add({{"source", {{"name", "EPSS"}, {"url", "https://www.first.org/epss/"}}},
         {"score", *finding.epss},
         {"method", "other"}});
  }
  return ratings;
}

Json analysis_of(const MergedFinding& finding, const Verdict* verdict) {
  Json analysis = {{"state", finding.known_exploited ? "exploitable" : "in_triage"}};
  if (finding.fixable) analysis["response"] = {"update"};
  if (verdict == nullptr) return analysis;
  analysis["detail"] = model::safe_text(verdict->why);
  if (!verdict->waived) return analysis;
  const Waived& waived = *verdict->waived;
  if (is_vex_justification(waived.justification)) {
    analysis = {{"state", "not_affected"},
                {"justification", justification_of(waived.justification)}};
  } else {
    analysis = {{"state", "exploitable"}, {"response", {"will_not_fix"}}};
  }
  analysis["detail"] = model::safe_text("waived by " + waived.by + " until " + waived.expires_at +
                                        ": " + waived.reason);
  return analysis;
}

Json vulnerability_of(const Subject& subject, const Index& index, const MergedFinding& finding,
                      const std::vector<std::string>& references) {
  Json json = {{"bom-ref", reference_of(finding)},
               {"id", line(finding.id)},
               {"ratings", ratings_of(subject, finding)},
               {"analysis", analysis_of(finding, index.verdict_of(finding))}};
  if (!finding.cve.empty()) {
    json["source"] = {{"name", "NVD"},
                      {"url", "https://nvd.nist.gov/vuln/detail/" + line(finding.cve)}};
  }
  if (!finding.title.empty()) json["description"] = model::safe_text(finding.title);
  std::set<std::string> urls;
  std::set<std::string> scanners;
  Json equivalents = Json::array();
  for (const scan::Observation& observation : finding.observations) {
    const Finding& seen = observed(subject, observation);
    const std::string scanner = line(subject.assessments[observation.assessment].scanner);
    scanners.insert(scanner);
    for (const std::string& text : seen.references) {
      if (auto url = web_url(text)) urls.insert(*url);
    }
    Json equivalent = {{"id", line(seen.finding_id)}, {"source", {{"name", scanner}}}};
    if (!seen.finding_id.empty() &&
        std::find(equivalents.begin(), equivalents.end(), equivalent) == equivalents.end()) {
      equivalents.push_back(std::move(equivalent));
    }
    if (!json.contains("detail") && !seen.description.empty()) {
      json["detail"] = model::safe_text(seen.description);
    }
    if (!json.contains("recommendation") && !seen.remediation.empty()) {
      json["recommendation"] = model::safe_text(seen.remediation);
    }
  }
  if (!equivalents.empty()) json["references"] = std::move(equivalents);
  for (const std::string& url : urls) json["advisories"].push_back({{"url", url}});

  for (std::size_t place : index.packages_of(finding)) {
    Json affected = {{"ref", references[place]}};
    if (const std::string& version = subject.inventory.packages[place].version; !version.empty()) {
      affected["versions"] = {{{"version", line(version)}, {"status", "affected"}}};
    }
    json["affects"].push_back(std::move(affected));
  }
  if (!json.contains("affects")) json["affects"] = {{{"ref", kRoot}}};

  Json& properties = json["properties"] = Json::array();
  for (const std::string& scanner : scanners) properties.push_back(property("scanner", scanner));
  add_property(properties, "package", finding.package);
  add_property(properties, "fixed_version", finding.fixed_version);
  if (finding.known_exploited) properties.push_back(property("known_exploited", "true"));
  if (finding.suppressed) properties.push_back(property("suppressed_by_scanner", "true"));
  return json;
}

Json root_of(const Subject& subject) {
  Json root = {{"type", "platform"},
               {"bom-ref", kRoot},
               {"name", line(subject.product + "/" + subject.os)},
               {"version", line(subject.version)}};
  if (!subject.disk_sha256.empty()) {
    root["hashes"] = {{{"alg", "SHA-256"}, {"content", subject.disk_sha256}}};
  }
  Json& properties = root["properties"] = Json::array();
  add_property(properties, "image_key", subject.image_key);
  add_property(properties, "image_id", subject.image_id);
  add_property(properties, "region", subject.region);
  add_property(properties, "account", subject.account);
  add_property(properties, "disk_digest_of", subject.disk_digest_of);
  add_property(properties, "source_image_id", subject.source_image_id);
  add_property(properties, "run_id", subject.run_id);
  add_property(properties, "evidence_digest", subject.evidence_digest);
  for (const model::Assessment& assessment : subject.assessments) {
    properties.push_back(property("completeness:" + line(assessment.scanner),
                                  std::string(model::to_string(assessment.completeness))));
  }
  for (const model::CoverageGap& gap : subject.inventory.gaps) {
    properties.push_back(property("gap", gap.what + ": " + gap.reason));
  }
  return root;
}

}  // namespace

Json cyclonedx(const Subject& subject) {
  const model::Distribution& distribution = subject.inventory.distribution;
  Json components = Json::array();
  Json contained = Json::array();
  if (!distribution.id.empty()) {
    Json system = {{"type", "operating-system"},
                   {"bom-ref", "operating-system"},
                   {"name", line(distribution.id)},
                   {"version", line(distribution.version_id)}};
    if (!distribution.pretty_name.empty()) system["description"] = line(distribution.pretty_name);
    components.push_back(std::move(system));
    contained.push_back("operating-system");
  }
  std::vector<std::string> references;
  std::unordered_map<std::string, int> seen;
  for (const model::Package& package : subject.inventory.packages) {
    const std::string url = package_url(package, distribution);
    const int before = seen[url]++;
    references.push_back(before == 0 ? url : url + "#" + std::to_string(before + 1));
    Json component = {{"type", "library"},
                      {"bom-ref", references.back()},
                      {"name", line(package.name)},
                      {"version", line(package.version)},
                      {"purl", url}};
    Json& properties = component["properties"] = Json::array();
    add_property(properties, "source_package", package.source_name);
    add_property(properties, "source_version", package.source_version);
    add_property(properties, "manager", package.manager);
    contained.push_back(references.back());
    components.push_back(std::move(component));
  }
  const Index index(subject);
  Json vulnerabilities = Json::array();
  for (const MergedFinding& finding : subject.findings) {
    if (is_vulnerability(finding)) {
      vulnerabilities.push_back(vulnerability_of(subject, index, finding, references));
    }
  }
  const Json tool = {
      {"type", "application"}, {"name", "hallmark"}, {"version", line(subject.tool_version)}};
  Json document = {
      {"bomFormat", "CycloneDX"},
      {"specVersion", "1.6"},
      {"version", 1},
      {"metadata",
       {{"timestamp", subject.made_at},
        {"tools", {{"components", Json::array({tool})}}},
        {"component", root_of(subject)}}},
      {"components", std::move(components)},
      {"dependencies", Json::array({{{"ref", kRoot}, {"dependsOn", std::move(contained)}}})},
      {"compositions",
       Json::array({{{"aggregate", subject.inventory.gaps.empty() ? "complete" : "incomplete"},
                     {"assemblies", {kRoot}}}})},
      {"vulnerabilities", std::move(vulnerabilities)}};
  document["serialNumber"] = "urn:uuid:" + uuid_of(compact(document));
  return document;
}

}  // namespace hallmark::evidence
