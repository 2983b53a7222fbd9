#include "pipeline/evidence.h"

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/report.h"

namespace hallmark::pipeline {

namespace {

/// The files whose digests evidence.json lists.
constexpr const char* kInventoryFile = "inventory.json";
constexpr const char* kAssessmentFile = "assessment.json";
constexpr const char* kEvidenceFile = "evidence.json";

}  // namespace

Path evidence_directory(const Context& context, const std::string& run_id) {
  return context.state_directory / "evidence" / run_id;
}

std::string write_evidence(const Context& context, const std::string& run_id,
                           const model::Pipeline& pipeline, const Evidence& evidence) {
  const Path directory = evidence_directory(context, run_id);
  Json files = Json::object();
  auto write = [&](const std::string& name, const std::string& content) {
    write_file(directory / name, content);
    files[name] = sha256_hex(content);
    return files[name].get<std::string>();
  };
  Json reviewed = {{"image_id", evidence.image_id},
                   {"image_key", model::image_key(pipeline)},
                   {"source", write("source.json", pretty(evidence.source_image))},
                   {"pipeline", write("pipeline.json", pretty(pipeline))},
                   {"inventory", write(kInventoryFile, pretty(evidence.inventory))},
                   {"assessment", write(kAssessmentFile, pretty(evidence.assessment))},
                   {"gate", write("gate.json", pretty(evidence.gate))}};
  const std::string digest = sha256_hex(compact(reviewed));
  if (evidence.source) write("source-assessment.json", pretty(*evidence.source));

  // A source that could not be read is shown as just that: an assessment that failed.
  scan::ReportInput report{
      .title = model::image_key(pipeline),
      .source = {evidence.source_image_id, "source image",
                 evidence.source.value_or(model::Assessment{})},
      .candidate = {evidence.image_id, model::image_name(pipeline), evidence.assessment},
      .evidence_digest = digest,
      .made_at = evidence.assessment.assessed_at};
  write("report.json", pretty(scan::report_json(report)));
  write("report.txt", scan::report_text(report));
  write("report.html", scan::report_html(report));
  write_file(directory / kEvidenceFile,
             pretty({{"evidence_digest", digest}, {"reviewed", reviewed}, {"files", files}}));
  return digest;
}

namespace {

/// A file of the evidence, as `evidence` (evidence.json) says it was written.
std::string read_evidence_file(const Path& directory, const Json& evidence,
                               const std::string& name) {
  std::string text = read_file(directory / name);
  if (sha256_hex(text) != evidence["files"].value(name, "")) {
    throw Error(ErrorKind::corrupt, "{} does not have the digest that {} says",
                (directory / name).string(), kEvidenceFile)
        .hint("the evidence was altered after it was written; build a new version");
  }
  return text;
}

Json read_evidence(const Path& directory) {
  return parse_json(read_file(directory / kEvidenceFile), kEvidenceFile);
}

}  // namespace

model::Inventory read_inventory(const Context& context, const std::string& run_id) {
  const Path directory = evidence_directory(context, run_id);
  const std::string text = read_evidence_file(directory, read_evidence(directory), kInventoryFile);
  return parse_json(text, kInventoryFile).get<model::Inventory>();
}

void check_evidence(const Context& context, const GoldenImage& image) {
  const Path directory = evidence_directory(context, image.run_id);
  const Json evidence = read_evidence(directory);
  const Json& reviewed = evidence["reviewed"];
  bool stands = sha256_hex(compact(reviewed)) == image.evidence_digest;
  for (const auto& [name, digest] : evidence["files"].items()) {
    read_evidence_file(directory, evidence, name);
    const std::string part = name.substr(0, name.find('.'));
    stands = stands && (!reviewed.contains(part) || reviewed[part] == digest);
  }
  if (!stands) {
    throw Error(ErrorKind::corrupt, "the evidence in {} is not that of {}", directory.string(),
                image.image_key)
        .hint("it was altered after it was written; build a new version");
  }
  const std::string text = read_evidence_file(directory, evidence, kAssessmentFile);
  const GateVerdict now = evaluate_gate(
      image.pipeline.get<model::Pipeline>().gate, image.image_key,
      {parse_json(text, kAssessmentFile).get<model::Assessment>()}, context.clock.now());
  if (now.passed) return;
  throw Error(ErrorKind::conflict, "the gate has closed for {} since it was assessed",
              image.image_key)
      .note(join(now.failures, "\n  "))
      .hint("renew the waiver or the data and build again; reject this one");
}

}  // namespace hallmark::pipeline
