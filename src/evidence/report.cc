#include "evidence/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hallmark::evidence {
namespace {

using model::Assessment;
using model::Severity;
using scan::Counts;
using scan::MergedFinding;

/// Members are called as the words that `to_string` has for severities.
Json counts_json(Counts counts) {
  Json json = Json::object();
  for (Severity severity : kWorstFirst) {
    json[std::string(model::to_string(severity))] = counts.of(severity);
  }
  return json;
}

Counts counts_of(const Assessment& assessment) {
  Counts counts;
  for (const model::Finding& finding : assessment.findings) ++counts.of(finding.severity);
  return counts;
}

Json lines(const std::vector<std::string>& texts) {
  Json json = Json::array();
  for (const std::string& text : texts) json.push_back(model::safe_text(text));
  return json;
}

std::set<std::string> seen_by(const Subject& subject, const MergedFinding& finding) {
  std::set<std::string> names;
  for (const scan::Observation& observation : finding.observations) {
    names.insert(line(subject.assessments.at(observation.assessment).scanner));
  }
  return names;
}

Json scanner_json(const Assessment& assessment) {
  Json gaps = Json::array();
  for (const model::CoverageGap& gap : assessment.gaps) {
    gaps.push_back({{"what", line(gap.what)}, {"reason", model::safe_text(gap.reason)}});
  }
  Json advisories = Json::array();
  for (const model::AdvisorySource& source : assessment.advisories) {
    advisories.push_back({{"name", line(source.name)},
                          {"digest", line(source.digest)},
                          {"valid_from", line(source.valid_from)},
                          {"fetched_at", line(source.fetched_at)}});
  }
  Json json = {{"scanner", line(assessment.scanner)},
               {"version", line(assessment.scanner_version)},
               {"profile", line(assessment.profile)},
               {"completeness", model::to_string(assessment.completeness)},
               {"reasons", lines(assessment.reasons)},
               {"login", model::to_string(assessment.login)},
               {"hardening_score", nullptr},
               {"packages", assessment.package_count},
               {"findings", assessment.findings.size()},
               {"counts", counts_json(counts_of(assessment))},
               {"gaps", std::move(gaps)},
               {"advisories", std::move(advisories)},
               {"assessed_at", line(assessment.assessed_at)}};
  if (assessment.hardening_score) json["hardening_score"] = *assessment.hardening_score;
  return json;
}

Json finding_json(const MergedFinding& finding) {
  return {{"id", line(finding.id)},
          {"package", line(finding.package)},
          {"kind", model::to_string(finding.kind)},
          {"severity", model::to_string(finding.severity)},
          {"installed_version", line(finding.installed_version)},
          {"fixed_version", line(finding.fixed_version)},
          {"known_exploited", finding.known_exploited},
          {"title", model::safe_text(finding.title)}};
}

Json list_json(const scan::FindingList& findings) {
  Json json = Json::array();
  for (const MergedFinding* finding : findings) json.push_back(finding_json(*finding));
  return json;
}

Json change_json(const Subject& subject, const std::optional<Previous>& previous) {
  if (!previous) return nullptr;
  const scan::Change change = change_since(subject, *previous);
  return {{"since", line(previous->image_key)},
          {"completeness_then", model::to_string(previous->completeness)},
          {"scanners", lines(previous->scanners)},
          {"unchanged", change.unchanged.size()},
          {"introduced", list_json(change.introduced)},
          {"fixed", list_json(change.fixed)}};
}

}  // namespace

Json report_json(const Subject& subject) {
  Json scanners = Json::array();
  for (const Assessment& assessment : subject.assessments) {
    scanners.push_back(scanner_json(assessment));
  }
  const Index index(subject);
  Json findings = Json::array();
  for (const MergedFinding& finding : subject.findings) {
    Json json = finding_json(finding);
    const Explanation explanation = explain(index, finding);
    json["scanners"] = seen_by(subject, finding);
    json["suppressed"] = finding.suppressed;
    if (finding.epss) json["epss"] = *finding.epss;
    json["verdict"] = explanation.verdict;
    json["why"] = explanation.why;
    findings.push_back(std::move(json));
  }
  Json decisions = Json::array();
  for (const Decision& decision : subject.decisions) {
    decisions.push_back({{"approver", line(decision.approver)},
                         {"approve", decision.approve},
                         {"comment", model::safe_text(decision.comment)},
                         {"decided_at", line(decision.decided_at)}});
  }
  Json json = {{"image_key", line(subject.image_key)},
               {"image_id", line(subject.image_id)},
               {"region", line(subject.region)},
               {"account", line(subject.account)},
               {"source_image_id", line(subject.source_image_id)},
               {"run_id", line(subject.run_id)},
               {"disk_sha256", subject.disk_sha256},
               {"disk_digest_of", line(subject.disk_digest_of)},
               {"made_at", subject.made_at},
               {"evidence_digest", subject.evidence_digest},
               {"distribution", line(subject.inventory.distribution.pretty_name)},
               {"packages", subject.inventory.packages.size()},
               {"completeness", model::to_string(completeness(subject))},
               {"scanners", std::move(scanners)},
               {"rules",
                {{"failures", lines(subject.rules.failures)},
                 {"reviews", lines(subject.rules.reviews)},
                 {"passes", lines(subject.rules.passes)},
                 {"warnings", lines(subject.rules.warnings)}}},
               {"counts", counts_json(scan::count(scan::list_of(subject.findings)))},
               {"findings", std::move(findings)},
               {"change_since_previous", change_json(subject, subject.previous)},
               {"change_since_source", change_json(subject, subject.source)},
               {"decisions", std::move(decisions)},
               {"approved", nullptr}};
  if (subject.approved) json["approved"] = *subject.approved;
  return json;
}

}  // namespace hallmark::evidence
