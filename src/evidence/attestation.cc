#include "evidence/attestation.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "evidence/purl.h"

namespace hallmark::evidence {
namespace {

using model::Assessment;
using model::Finding;

constexpr std::size_t kDigestLength = 64;  // SHA-256 in hex

Json statement(const Subject& subject, const char* type, Json predicate) {
  if (subject.disk_sha256.size() != kDigestLength) {
    throw Error(ErrorKind::usage, "there is no digest of {}'s disk to bind a statement to",
                subject.image_key)
        .hint("count one over the disk or over the snapshot's blocks, and say which");
  }
  const Json about = {{"name", line(subject.image_id)},
                      {"digest", {{"sha256", subject.disk_sha256}}},
                      {"annotations",
                       {{"image_key", line(subject.image_key)},
                        {"region", line(subject.region)},
                        {"account", line(subject.account)},
                        {"digest_of", line(subject.disk_digest_of)}}}};
  return {{"_type", "https://in-toto.io/Statement/v1"},
          {"subject", Json::array({about})},
          {"predicateType", type},
          {"predicate", std::move(predicate)}};
}

Json pipeline_of(const Subject& subject) {
  Json pipeline = {{"uri", "urn:hallmark:pipeline:" + percent_encode(subject.image_key, "/")}};
  if (!subject.pipeline_sha256.empty()) {
    pipeline["digest"] = {{"sha256", subject.pipeline_sha256}};
  }
  return pipeline;
}

std::string started_at(const Assessment& assessment) {
  return assessment.started_at.empty() ? assessment.assessed_at : assessment.started_at;
}

/// What was matched is as old as its oldest part. A service does not say how old its feed is, only
/// that it was the feed when it scanned.
Json database_of(const Assessment& assessment) {
  Json names = Json::array();
  std::optional<std::string> oldest;
  for (const model::AdvisorySource& source : assessment.advisories) {
    names.push_back(line(source.name) + (source.digest.empty() ? "" : "@" + line(source.digest)));
    std::optional<std::string> date = valid_time(source.valid_from);
    if (!date) date = valid_time(source.fetched_at);
    if (date && (!oldest || *date < *oldest)) oldest = date;
  }
  Json database = {{"uri", "urn:hallmark:feed:" + percent_encode(assessment.scanner)},
                   {"lastUpdate", oldest.value_or(started_at(assessment))}};
  if (!names.empty()) database["version"] = compact(names);
  return database;
}

/// One vulnerability as one scanner sees it, in all packages.
struct Seen {
  std::set<std::pair<std::string, std::string>> scores;  ///< method and score
  std::set<std::string> packages;
  bool suppressed = true;
};

Json result_of(const std::string& id, const Seen& seen) {
  Json severity = Json::array();
  for (const auto& [method, score] : seen.scores) {
    severity.push_back({{"method", method}, {"score", score}});
  }
  Json annotations = Json::array();
  for (const std::string& package : seen.packages) annotations.push_back({{"package", package}});
  if (seen.suppressed) annotations.push_back({{"suppressed_by_scanner", "true"}});
  return {{"id", id}, {"severity", severity}, {"annotations", annotations}};
}

}  // namespace

Json provenance(const Subject& subject) {
  Json source = {{"uri", "urn:hallmark:image:" + percent_encode(subject.source_image_id)},
                 {"name", line(subject.source_image_id)}};
  if (!subject.source_sha256.empty()) source["digest"] = {{"sha256", subject.source_sha256}};
  Json byproducts = Json::array();
  for (const Assessment& assessment : subject.assessments) {
    for (const model::RawResult& raw : assessment.raw) {
      Json product = {{"name", line(raw.name)}, {"digest", {{"sha256", line(raw.sha256)}}}};
      if (!raw.media_type.empty()) product["mediaType"] = line(raw.media_type);
      byproducts.push_back(std::move(product));
    }
  }
  Json dependencies = Json::array({pipeline_of(subject)});
  if (!subject.source_image_id.empty()) dependencies.push_back(std::move(source));
  return statement(subject, "https://slsa.dev/provenance/v1",
                   {{"buildDefinition",
                     {{"buildType", "urn:hallmark:build:v1"},
                      {"externalParameters",
                       {{"pipeline", pipeline_of(subject)},
                        {"image_key", line(subject.image_key)},
                        {"source_image_id", line(subject.source_image_id)}}},
                      {"internalParameters",
                       {{"region", line(subject.region)}, {"account", line(subject.account)}}},
                      {"resolvedDependencies", std::move(dependencies)}}},
                    {"runDetails",
                     {{"builder",
                       {{"id", line(subject.builder_id)},
                        {"version", {{"hallmark", line(subject.tool_version)}}}}},
                      {"metadata",
                       {{"invocationId", line(subject.run_id)},
                        {"startedOn", subject.started_at},
                        {"finishedOn", subject.finished_at}}},
                      {"byproducts", std::move(byproducts)}}}});
}

std::optional<Json> vulnerabilities(const Subject& subject, std::size_t assessment) {
  const Assessment& told = subject.assessments.at(assessment);
  if (told.completeness != model::Completeness::complete) return std::nullopt;
  std::map<std::string, Seen> seen;
  for (const Finding& finding : told.findings) {
    if (finding.kind != model::FindingKind::vulnerability &&
        finding.kind != model::FindingKind::potential) {
      continue;
    }
    std::vector<std::string> ids = finding.cves;
    if (ids.empty()) ids.push_back(told.scanner + ":" + finding.finding_id);
    for (const std::string& id : ids) {
      Seen& one = seen[line(id)];
      one.scores.emplace(line(told.scanner), model::to_string(finding.severity));
      for (const model::Cvss& cvss : finding.cvss) {
        if (!std::isfinite(cvss.score)) continue;
        one.scores.emplace(
            "CVSS:" + line(cvss.version) + (cvss.source.empty() ? "" : " of " + line(cvss.source)),
            fmt::format("{:.1f}", cvss.score));
      }
      if (finding.epss) one.scores.emplace("EPSS", fmt::format("{:.5f}", *finding.epss));
      if (!finding.package.empty()) one.packages.insert(line(finding.package));
      one.suppressed &= finding.status == model::FindingStatus::suppressed;
    }
  }
  Json results = Json::array();
  for (const auto& [id, one] : seen) results.push_back(result_of(id, one));
  Json scanner = {{"uri", "urn:hallmark:scanner:" + percent_encode(told.scanner)},
                  {"db", database_of(told)},
                  {"result", std::move(results)}};
  if (!told.scanner_version.empty()) scanner["version"] = line(told.scanner_version);
  return statement(
      subject, "https://in-toto.io/attestation/vulns/v0.1",
      {{"scanner", std::move(scanner)},
       {"metadata", {{"scanStartedOn", started_at(told)}, {"scanFinishedOn", told.assessed_at}}}});
}

std::optional<Json> verification_summary(const Subject& subject, const std::vector<Input>& inputs) {
  if (!subject.approved) return std::nullopt;
  Json policy = pipeline_of(subject);
  Json attestations = Json::array();
  for (const Input& input : inputs) {
    attestations.push_back(
        {{"uri", percent_encode(input.name, "/")}, {"digest", {{"sha256", input.sha256}}}});
  }
  std::string verified_at = subject.made_at;
  Json decisions = Json::array();
  for (const Decision& decision : subject.decisions) {
    decisions.push_back({{"approver", line(decision.approver)},
                         {"approve", decision.approve},
                         {"comment", model::safe_text(decision.comment)},
                         {"decided_at", line(decision.decided_at)}});
    verified_at = decision.decided_at;
  }
  // How high the build stands on SLSA's own ladder is not for the builder to say.
  const char* level = *subject.approved ? "HALLMARK_GATE_AND_APPROVAL" : "FAILED";
  return statement(subject, "https://slsa.dev/verification_summary/v1",
                   {{"verifier", {{"id", line(subject.builder_id)}}},
                    {"timeVerified", verified_at},
                    {"resourceUri", "urn:hallmark:image:" + percent_encode(subject.image_id)},
                    {"policy", std::move(policy)},
                    {"inputAttestations", std::move(attestations)},
                    {"verificationResult", *subject.approved ? "PASSED" : "FAILED"},
                    {"verifiedLevels", {level}},
                    {"slsaVersion", "1.0"},
                    {"urn:hallmark:decisions", std::move(decisions)},
                    {"urn:hallmark:evidence-digest", line(subject.evidence_digest)}});
}

}  // namespace hallmark::evidence
