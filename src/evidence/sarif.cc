#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/ids.h"
#include "evidence/documents.h"
#include "evidence/purl.h"

namespace hallmark::evidence {
namespace {

using model::Severity;
using scan::MergedFinding;

std::string level_of(const MergedFinding& finding) {
  if (finding.kind == model::FindingKind::information) return "none";
  switch (finding.severity) {
    case Severity::critical:
    case Severity::high:
    case Severity::unknown:  // not harmless: the gate takes it for high too
      return "error";
    case Severity::medium:
      return "warning";
    case Severity::low:
    case Severity::info:
      break;
  }
  return "note";
}

/// The newest CVSS version's worst score; without any, the middle of the severity's band.
std::optional<double> score_of(const Subject& subject, const MergedFinding& finding) {
  std::pair<std::string, double> best;
  for (const scan::Observation& observation : finding.observations) {
    for (const model::Cvss& cvss : observed(subject, observation).cvss) {
      if (std::isfinite(cvss.score)) best = std::max(best, {cvss.version, cvss.score});
    }
  }
  if (!best.first.empty()) return std::clamp(best.second, 0.0, 10.0);
  switch (finding.severity) {
    case Severity::critical:
      return 9.5;
    case Severity::high:
      return 8;
    case Severity::medium:
      return 5.5;
    case Severity::low:
      return 2;
    case Severity::info:
      return 0;
    case Severity::unknown:
      break;
  }
  return std::nullopt;
}

/// Neither versions nor the image's version: an alert stays the same alert in the next version.
std::string fingerprint(const Subject& subject, const MergedFinding& finding) {
  std::string text;
  for (const std::string& part : {finding.id, finding.package, subject.product, subject.os}) {
    text += std::to_string(part.size()) + ":" + part;
  }
  return sha256_hex(text);
}

class Run {
 public:
  explicit Run(const Subject& subject) : subject_(subject), index_(subject) {}

  Json make() {
    scan::Change change;
    if (subject_.previous) change = change_since(subject_, *subject_.previous);
    // What only a scanner sees that did not look then is neither new nor unchanged.
    std::unordered_map<const MergedFinding*, const char*> state;
    for (const MergedFinding* finding : change.introduced) state[finding] = "new";
    for (const MergedFinding* finding : change.unchanged) state[finding] = "unchanged";
    for (const MergedFinding& finding : subject_.findings) {
      Json result = result_of(finding, /*is_here=*/true);
      if (auto known = state.find(&finding); known != state.end()) {
        result["baselineState"] = known->second;
      }
      results_.push_back(std::move(result));
    }
    for (const MergedFinding* gone : change.fixed) {
      Json result = result_of(*gone, /*is_here=*/false);
      result["baselineState"] = "absent";
      results_.push_back(std::move(result));
    }
    Json driver = {{"name", "hallmark"}, {"rules", std::move(rules_)}};
    if (!subject_.tool_version.empty()) driver["version"] = line(subject_.tool_version);
    return {{"tool", {{"driver", std::move(driver)}, {"extensions", scanners()}}},
            {"automationDetails",
             {{"id", percent_encode(subject_.product) + "/" + percent_encode(subject_.os) + "/" +
                         percent_encode(subject_.version)}}},
            {"originalUriBaseIds",
             {{"IMAGE", {{"description", {{"text", "The image's root directory."}}}}}}},
            {"columnKind", "unicodeCodePoints"},
            {"invocations", invocations()},
            {"results", std::move(results_)},
            {"properties",
             {{"image_id", line(subject_.image_id)},
              {"evidence_digest", line(subject_.evidence_digest)},
              {"completeness", model::to_string(completeness(subject_))}}}};
  }

 private:
  std::size_t rule_of(const MergedFinding& finding, bool is_here) {
    auto [known, is_new] = rule_at_.try_emplace(finding.id, rules_.size());
    const std::optional<double> score = is_here ? score_of(subject_, finding) : std::nullopt;
    if (is_new) rules_.push_back(rule(finding, is_here));
    Json& properties = rules_[known->second]["properties"];
    // One rule may be several packages' findings: it has the worst one's score.
    double& worst = worst_.try_emplace(finding.id, -1).first->second;
    if (score && *score > worst) {
      worst = *score;
      properties["security-severity"] = fmt::format("{:.1f}", *score);
    }
    return known->second;
  }

  Json rule(const MergedFinding& finding, bool is_here) {
    const std::string id = line(finding.id);
    Json rule = {{"id", id},
                 {"shortDescription",
                  {{"text", finding.title.empty() ? id : model::safe_text(finding.title)}}},
                 {"properties", {{"tags", {"security", model::to_string(finding.kind)}}}}};
    if (!finding.cve.empty()) {
      rule["helpUri"] = "https://nvd.nist.gov/vuln/detail/" + percent_encode(finding.cve);
    }
    if (!is_here) return rule;  // what a previous version's scanners wrote is not at hand
    for (const scan::Observation& observation : finding.observations) {
      const model::Finding& seen = observed(subject_, observation);
      if (!rule.contains("fullDescription") && !seen.description.empty()) {
        rule["fullDescription"] = {{"text", model::safe_text(seen.description)}};
      }
      if (!rule.contains("help") && !seen.remediation.empty()) {
        rule["help"] = {{"text", model::safe_text(seen.remediation)}};
      }
      for (const std::string& text : seen.references) {
        if (rule.contains("helpUri")) break;
        if (auto url = web_url(text)) rule["helpUri"] = *url;
      }
    }
    return rule;
  }

  Json result_of(const MergedFinding& finding, bool is_here) {
    const std::size_t rule = rule_of(finding, is_here);
    const std::string level = level_of(finding);
    Json result = {{"ruleId", line(finding.id)},
                   {"ruleIndex", rule},
                   {"level", level},
                   {"kind", level == "none" ? "informational" : "fail"},
                   {"message", {{"text", message_of(finding)}}},
                   {"locations", Json::array({location_of(finding, is_here)})},
                   {"partialFingerprints", {{"hallmark/v1", fingerprint(subject_, finding)}}}};
    Json properties = {{"severity", model::to_string(finding.severity)},
                       {"known_exploited", finding.known_exploited}};
    if (finding.epss) properties["epss"] = *finding.epss;
    if (!is_here) {
      result["properties"] = std::move(properties);
      return result;
    }
    std::set<std::string> scanners;
    for (const scan::Observation& observation : finding.observations) {
      observed(subject_, observation);
      scanners.insert(line(subject_.assessments[observation.assessment].scanner));
    }
    properties["scanners"] = scanners;
    if (const Verdict* verdict = index_.verdict_of(finding)) {
      properties["judgement"] = model::to_string(verdict->judgement);
      properties["why"] = model::safe_text(verdict->why);
      if (verdict->waived)
        suppress(result, "waived by " + verdict->waived->by + " until " +
                             verdict->waived->expires_at + ": " + verdict->waived->reason);
    }
    if (finding.suppressed) suppress(result, "a rule of the scanner hides it");
    result["properties"] = std::move(properties);
    return result;
  }

  static void suppress(Json& result, const std::string& why) {
    result["suppressions"].push_back(
        {{"kind", "external"}, {"status", "accepted"}, {"justification", model::safe_text(why)}});
  }

  static std::string message_of(const MergedFinding& finding) {
    std::string text = line(finding.title.empty() ? finding.id : finding.title);
    if (!finding.package.empty()) text += " (" + line(finding.package);
    if (!finding.package.empty() && !finding.installed_version.empty()) {
      text += " " + line(finding.installed_version);
    }
    if (!finding.package.empty()) text += ")";
    if (!finding.fixed_version.empty()) text += ", fixed in " + line(finding.fixed_version);
    return text;
  }

  /// Viewers want a file: the package database, or what says which system this is.
  Json location_of(const MergedFinding& finding, bool is_here) const {
    const std::vector<std::size_t> places =
        is_here ? index_.packages_of(finding) : std::vector<std::size_t>();
    const bool is_package =
        !places.empty() && subject_.inventory.packages[places[0]].manager == "dpkg";
    Json location = {{"physicalLocation",
                      {{"artifactLocation",
                        {{"uri", is_package ? "var/lib/dpkg/status" : "etc/os-release"},
                         {"uriBaseId", "IMAGE"}}},
                       {"region", {{"startLine", 1}}}}}};
    std::set<std::string> urls;
    for (std::size_t place : places) {
      const model::Package& package = subject_.inventory.packages[place];
      const std::string url = package_url(package, subject_.inventory.distribution);
      if (!urls.insert(url).second) continue;
      location["logicalLocations"].push_back(
          {{"name", line(package.name)}, {"fullyQualifiedName", url}, {"kind", "package"}});
    }
    if (places.empty() && !finding.package.empty()) {
      location["logicalLocations"] =
          Json::array({{{"name", line(finding.package)}, {"kind", "package"}}});
    }
    return location;
  }

  Json scanners() const {
    Json extensions = Json::array();
    for (const model::Assessment& assessment : subject_.assessments) {
      const std::string name = line(assessment.scanner);
      Json extension = {{"name", name.empty() ? "unnamed" : name}};
      if (!assessment.scanner_version.empty()) {
        extension["version"] = line(assessment.scanner_version);
      }
      if (std::find(extensions.begin(), extensions.end(), extension) == extensions.end()) {
        extensions.push_back(std::move(extension));
      }
    }
    return extensions;
  }

  Json invocations() const {
    Json invocations = Json::array();
    for (const model::Assessment& assessment : subject_.assessments) {
      Json notes = Json::array();
      auto note = [&](const std::string& text) {
        notes.push_back({{"level", "warning"}, {"message", {{"text", model::safe_text(text)}}}});
      };
      for (const std::string& reason : assessment.reasons) note(reason);
      for (const model::CoverageGap& gap : assessment.gaps) note(gap.what + ": " + gap.reason);
      Json invocation = {
          {"executionSuccessful", assessment.completeness == model::Completeness::complete},
          {"toolExecutionNotifications", std::move(notes)},
          {"properties",
           {{"scanner", line(assessment.scanner)},
            {"completeness", model::to_string(assessment.completeness)}}}};
      if (auto start = valid_time(assessment.started_at)) invocation["startTimeUtc"] = *start;
      if (auto end = valid_time(assessment.assessed_at)) invocation["endTimeUtc"] = *end;
      invocations.push_back(std::move(invocation));
    }
    return invocations;
  }

  const Subject& subject_;
  Index index_;
  Json rules_ = Json::array();
  Json results_ = Json::array();
  std::unordered_map<std::string, std::size_t> rule_at_;
  std::unordered_map<std::string, double> worst_;
};

}  // namespace

Json sarif(const Subject& subject) {
  return {{"$schema",
           "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
           "sarif-schema-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", Json::array({Run(subject).make()})}};
}

}  // namespace hallmark::evidence
