#include "pipeline/evidence.h"

#include "base/error.h"
#include "base/ids.h"
#include "scan/report.h"

namespace hallmark::pipeline {

namespace {

/// The files whose digests evidence.json lists.
constexpr const char* kInventoryFile = "inventory.json";
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
                   {"assessment", write("assessment.json", pretty(evidence.assessment))},
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

model::Inventory read_inventory(const Context& context, const std::string& run_id) {
  const Path directory = evidence_directory(context, run_id);
  Json evidence = parse_json(read_file(directory / kEvidenceFile), kEvidenceFile);
  std::string text = read_file(directory / kInventoryFile);
  if (sha256_hex(text) != evidence["files"].value(kInventoryFile, "")) {
    throw Error(ErrorKind::corrupt, "{} does not have the digest that {} says",
                (directory / kInventoryFile).string(), kEvidenceFile)
        .hint("the evidence was altered after it was written; build a new version");
  }
  return parse_json(text, kInventoryFile).get<model::Inventory>();
}

}  // namespace hallmark::pipeline
