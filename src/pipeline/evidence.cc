#include "pipeline/evidence.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/report.h"

namespace hallmark::pipeline {

namespace {

/// The files whose digests evidence.json lists.
constexpr const char* kInventoryFile = "inventory.json";
constexpr const char* kAssessmentsFile = "assessments.json";
/// Of evidence from before there could be several.
constexpr const char* kAssessmentFile = "assessment.json";
constexpr const char* kRawDirectory = "raw";
constexpr const char* kEvidenceFile = "evidence.json";

bool is_safe_name(const std::string& name) {
  constexpr std::size_t kLongest = 200;  // the raw directory itself needs room in a path too
  if (name.empty() || name.size() > kLongest) return false;
  const std::vector<std::string> parts = split(name, '/');
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    // No hidden file, and so neither "." nor "..".
    return !part.empty() && part.front() != '.' &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-';
           });
  });
}

std::string raw_file(const std::string& name) {
  if (!is_safe_name(name)) {
    throw Error(ErrorKind::usage, "\"{}\" is no name for a scanner's raw result", name);
  }
  return std::string(kRawDirectory) + "/" + name;
}

/// As it was kept, or `corrupt`.
void check_raw(const Path& directory, const model::RawResult& raw) {
  const std::optional<std::string> kept = read_file_if_exists(directory / raw_file(raw.name));
  if (kept && sha256_hex(*kept) == raw.sha256) return;
  throw Error(ErrorKind::corrupt, "{} is {}", (directory / raw_file(raw.name)).string(),
              kept ? "not what the scanner sent" : "missing")
      .hint("the evidence was altered after it was written; build a new version");
}

}  // namespace

Path evidence_directory(const Context& context, const std::string& run_id) {
  return context.state_directory / "evidence" / run_id;
}

scan::KeepRaw keep_raw(const Context& context, const std::string& run_id) {
  return [directory = evidence_directory(context, run_id)](
             const std::string& name, const std::string& media_type, std::string_view bytes) {
    write_file(directory / raw_file(name), bytes);
    return model::RawResult{.name = name,
                            .media_type = media_type,
                            .size_bytes = bytes.size(),
                            .sha256 = sha256_hex(bytes)};
  };
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
                   {"assessments", write(kAssessmentsFile, pretty(evidence.assessments))},
                   {"gate", write("gate.json", pretty(evidence.gate))}};
  if (!evidence.disk_sha256.empty()) reviewed["disk_sha256"] = evidence.disk_sha256;
  const std::string digest = sha256_hex(compact(reviewed));
  if (evidence.source) write("source-assessment.json", pretty(*evidence.source));
  for (const model::Assessment& assessment : evidence.assessments) {
    for (const model::RawResult& raw : assessment.raw) {
      check_raw(directory, raw);
      files[raw_file(raw.name)] = raw.sha256;
    }
  }

  // What could not be looked at is shown as just that: an assessment that failed.
  const model::Assessment first =
      evidence.assessments.empty() ? model::Assessment{} : evidence.assessments.front();
  scan::ReportInput report{.title = model::image_key(pipeline),
                           .source = {evidence.source_image_id, "source image",
                                      evidence.source.value_or(model::Assessment{})},
                           .candidate = {evidence.image_id, model::image_name(pipeline), first},
                           .evidence_digest = digest,
                           .made_at = first.assessed_at};
  write("report.json", pretty(scan::report_json(report)));
  write("report.txt", scan::report_text(report));
  write("report.html", scan::report_html(report));
  write_file(directory / kEvidenceFile,
             pretty({{"evidence_digest", digest}, {"reviewed", reviewed}, {"files", files}}));
  return digest;
}

namespace {

/// evidence.json.
struct Listing {
  Path directory;
  Json reviewed;
  std::map<std::string, std::string> files;  ///< the SHA-256 of each

  /// A file, as it was written.
  std::string read(const std::string& name) const {
    std::string text = read_file(directory / name);
    auto known = files.find(name);
    if (known == files.end() || sha256_hex(text) != known->second) {
      throw Error(ErrorKind::corrupt, "{} does not have the digest that {} says",
                  (directory / name).string(), kEvidenceFile)
          .hint("the evidence was altered after it was written; build a new version");
    }
    return text;
  }

  Json read_json(const std::string& name) const {
    return parse_json(read(name), (directory / name).string());
  }

  std::vector<model::Assessment> assessments() const {
    if (!files.contains(kAssessmentFile)) return read_json(kAssessmentsFile);
    return {read_json(kAssessmentFile).get<model::Assessment>()};
  }

  /// Whether each part that the evidence digest covers is the file of that name.
  bool fits() const {
    const bool one = reviewed.contains("assessment");
    for (const char* part :
         {"source", "pipeline", "inventory", one ? "assessment" : "assessments", "gate"}) {
      auto file = files.find(std::string(part) + ".json");
      if (file == files.end() || reviewed.value(part, "") != file->second) return false;
    }
    return true;
  }
};

Listing read_listing(const Context& context, const std::string& run_id) {
  const Path directory = evidence_directory(context, run_id);
  const Json json = parse_json(read_file(directory / kEvidenceFile), kEvidenceFile);
  Listing listing{directory, member<Json>(json, "reviewed"),
                  member<std::map<std::string, std::string>>(json, "files")};
  if (!listing.reviewed.is_object()) {
    throw Error(ErrorKind::corrupt, "{} does not say what was reviewed",
                (directory / kEvidenceFile).string());
  }
  return listing;
}

}  // namespace

model::Inventory read_inventory(const Context& context, const std::string& run_id) {
  return read_listing(context, run_id).read_json(kInventoryFile);
}

std::vector<model::Assessment> read_assessments(const Context& context, const std::string& run_id) {
  return read_listing(context, run_id).assessments();
}

void check_evidence(const Context& context, const GoldenImage& image) {
  const Listing listing = read_listing(context, image.run_id);
  for (const auto& [name, digest] : listing.files) listing.read(name);
  if (sha256_hex(compact(listing.reviewed)) != image.evidence_digest || !listing.fits()) {
    throw Error(ErrorKind::corrupt, "the evidence in {} is not that of {}",
                listing.directory.string(), image.image_key)
        .hint("it was altered after it was written; build a new version");
  }
  const std::vector<model::Assessment> assessments = listing.assessments();
  for (const model::Assessment& assessment : assessments) {
    for (const model::RawResult& raw : assessment.raw) check_raw(listing.directory, raw);
  }
  const GateVerdict now = evaluate_gate(image.pipeline.get<model::Pipeline>().gate, image.image_key,
                                        assessments, context.clock.now());
  if (now.passed) return;
  throw Error(ErrorKind::conflict, "the gate has closed for {} since it was assessed",
              image.image_key)
      .note(join(now.failures, "\n  "))
      .hint("renew the waiver or the data and build again; reject this one");
}

}  // namespace hallmark::pipeline
