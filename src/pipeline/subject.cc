#include "pipeline/subject.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::pipeline {

namespace {

constexpr const char* kDigestOf = "raw disk";

/// What the image was when it was judged, whatever became of it since.
std::optional<bool> approved(GoldenState state) {
  switch (state) {
    case GoldenState::active:
    case GoldenState::deprecated:
    case GoldenState::disabled:
    case GoldenState::decommissioning:
    case GoldenState::decommissioned:
      return true;
    case GoldenState::rejected:
      return false;
    case GoldenState::building:
    case GoldenState::awaiting_approval:
    case GoldenState::failed:
      break;
  }
  return std::nullopt;
}

/// The waiver that the gate took for the finding: the first that held then.
std::optional<evidence::Waived> waived_by(const KeptEvidence& kept, const std::string& image_key,
                                          const FindingVerdict& told,
                                          const scan::MergedFinding& finding) {
  const std::string& named = told.waiver.empty() ? finding.id : told.waiver;
  for (const model::Waiver& waiver : kept.pipeline.gate.waivers) {
    const bool held = kept.judged_at.empty() || waiver.expires_at > from_rfc3339(kept.judged_at);
    if (held && waiver.finding == named && model::covers(waiver, image_key, finding.package) &&
        (waiver.known_exploited || !finding.known_exploited)) {
      return evidence::Waived{.by = waiver.by,
                              .reason = waiver.reason,
                              .expires_at = to_rfc3339(waiver.expires_at),
                              .justification = waiver.justification};
    }
  }
  return std::nullopt;
}

std::vector<evidence::Verdict> verdicts(const KeptEvidence& kept, const std::string& image_key,
                                        const std::vector<scan::MergedFinding>& findings) {
  std::map<std::pair<std::string_view, std::string_view>, const scan::MergedFinding*> by_name;
  for (const scan::MergedFinding& finding : findings) {
    by_name[{finding.id, finding.package}] = &finding;
  }
  std::vector<evidence::Verdict> verdicts;
  for (const FindingVerdict& told : kept.evidence.gate.findings) {
    evidence::Verdict verdict{.id = told.id,
                              .package = told.package,
                              .judgement = told.judgement,
                              .why = told.why,
                              .waived = std::nullopt};
    auto finding = by_name.find({told.id, told.package});
    if (told.waived && finding != by_name.end()) {
      verdict.waived = waived_by(kept, image_key, told, *finding->second);
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

model::Completeness worst(const std::vector<model::Assessment>& assessments) {
  model::Completeness worst = model::Completeness::complete;
  for (const model::Assessment& assessment : assessments) {
    worst = std::max(worst, assessment.completeness);
  }
  return worst;
}

/// As far as the same scanners saw both: what another one found is neither new nor gone.
std::optional<evidence::Previous> compared_with(const std::string& name,
                                                const std::vector<model::Assessment>& before,
                                                const std::vector<model::Assessment>& now) {
  evidence::Previous previous{.image_key = name, .findings = {}, .scanners = {}};
  std::vector<model::Assessment> comparable;
  for (const model::Assessment& assessment : before) {
    const bool looks_now = std::any_of(now.begin(), now.end(), [&](const model::Assessment& other) {
      return other.scanner == assessment.scanner;
    });
    if (!looks_now) continue;
    comparable.push_back(assessment);
    previous.scanners.push_back(assessment.scanner);
  }
  if (comparable.empty()) return std::nullopt;
  previous.completeness = worst(comparable);
  previous.findings = scan::merge(comparable);
  return previous;
}

}  // namespace

evidence::Subject make_subject(const Context& context, const GoldenImage& image) {
  return make_subject(context, image, read_evidence(context, image));
}

evidence::Subject make_subject(const Context& context, const GoldenImage& image,
                               const KeptEvidence& kept) {
  const Evidence& evidence = kept.evidence;
  evidence::Subject subject;
  subject.image_key = image.image_key;
  subject.product = image.product;
  subject.os = image.os;
  subject.version = image.version;
  subject.image_id = evidence.image_id;
  subject.region = image.home.region;
  subject.account = image.home.account_id;
  subject.disk_sha256 = evidence.disk_sha256;
  if (!subject.disk_sha256.empty()) subject.disk_digest_of = kDigestOf;
  subject.source_image_id = evidence.source_image_id;
  subject.pipeline_sha256 = kept.pipeline_sha256;
  subject.run_id = image.run_id;
  subject.evidence_digest = kept.digest;
  subject.tool_version = kept.tool_version;
  subject.inventory = evidence.inventory;
  subject.assessments = evidence.assessments;
  subject.findings = scan::merge(subject.assessments);
  subject.verdicts = verdicts(kept, image.image_key, subject.findings);
  subject.rules = {.failures = evidence.gate.failures,
                   .reviews = evidence.gate.reviews,
                   .passes = evidence.gate.passes,
                   .warnings = evidence.gate.warnings};
  if (kept.previous) {
    try {
      if (auto before = read_assessments(context, *kept.previous)) {
        subject.previous = compared_with(kept.previous->image_key, *before, subject.assessments);
      }
    } catch (const Error& e) {
      // What became of another version's evidence does not make this one's unreadable.
      if (e.kind() != ErrorKind::corrupt) throw;
      subject.rules.warnings.push_back(
          fmt::format("not compared with {}: {}", kept.previous->image_key, e.message()));
    }
  }
  if (evidence.source) {
    subject.source =
        compared_with(evidence.source_image_id, {*evidence.source}, subject.assessments);
  }
  subject.started_at = image.created_at;
  subject.finished_at = kept.judged_at;
  for (const model::Assessment& assessment : subject.assessments) {
    const std::optional<std::string> at = evidence::valid_time(assessment.assessed_at);
    subject.finished_at = std::max(subject.finished_at, at.value_or(""));
  }
  subject.made_at = subject.finished_at;
  for (const Decision& decision : list_decisions(context.database, image.run_id)) {
    if (decision.evidence_digest != kept.digest) continue;  // on something else
    subject.decisions.push_back(
        {decision.approver, decision.approve, decision.comment, decision.decided_at});
    subject.made_at = std::max(subject.made_at, decision.decided_at);
  }
  subject.approved = approved(image.state);
  return subject;
}

}  // namespace hallmark::pipeline
