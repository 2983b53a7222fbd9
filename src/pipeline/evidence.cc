#include "pipeline/evidence.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "evidence/report.h"
#include "evidence/report_html.h"
#include "pipeline/subject.h"

namespace hallmark::pipeline {

namespace {

/// The files whose digests evidence.json lists.
constexpr const char* kInventoryFile = "inventory.json";
constexpr const char* kAssessmentsFile = "assessments.json";
/// Of evidence from before there could be several.
constexpr const char* kAssessmentFile = "assessment.json";
constexpr const char* kRawDirectory = "raw";
constexpr const char* kEvidenceFile = "evidence.json";
constexpr const char* kSourceAssessmentFile = "source-assessment.json";

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

/// As it was kept, or `corrupt`.
void check_raw(const Path& directory, const model::RawResult& raw) {
  const std::optional<std::string> kept = read_file_if_exists(directory / raw_file(raw.name));
  if (kept && sha256_hex(*kept) == raw.sha256) return;
  throw Error(ErrorKind::corrupt, "{} is {}", (directory / raw_file(raw.name)).string(),
              kept ? "not what the scanner sent" : "missing")
      .hint("the evidence was altered after it was written; build a new version");
}

PreviousVersion as_previous(const GoldenImage& image) {
  return {image.image_key, image.run_id, image.evidence_digest};
}

/// The newest that was registered before this one was begun.
std::optional<PreviousVersion> find_previous(const Context& context, const GoldenImage& image) {
  for (const GoldenImage& other : list_golden_images(
           context.database, {GoldenState::active, GoldenState::deprecated, GoldenState::disabled,
                              GoldenState::decommissioning, GoldenState::decommissioned})) {
    if (other.product == image.product && other.os == image.os &&
        other.created_at < image.created_at && !other.evidence_digest.empty()) {
      return as_previous(other);
    }
  }
  return std::nullopt;
}

/// One whose evidence is gone or damaged is nothing to compare with, and no reason not to build.
std::optional<PreviousVersion> find_readable_previous(const Context& context,
                                                      const GoldenImage& image) {
  std::optional<PreviousVersion> previous = find_previous(context, image);
  try {
    if (previous && read_assessments(context, *previous)) return previous;
  } catch (const Error& e) {
    log_warning("{} is not compared with {}: {}", image.image_key, previous->image_key,
                e.full_text());
  }
  return std::nullopt;
}

/// The image as the database has it; made up where there is no record.
GoldenImage image_of(const Context& context, const std::string& run_id,
                     const model::Pipeline& pipeline) {
  if (auto image = find_golden_image(context.database, run_id)) return *image;
  return {.run_id = run_id,
          .image_key = model::image_key(pipeline),
          .product = pipeline.product,
          .os = pipeline.os,
          .version = pipeline.version};
}

}  // namespace

std::string raw_file(const std::string& name) {
  if (!is_safe_name(name)) {
    throw Error(ErrorKind::usage, "\"{}\" is no name for a scanner's raw result", name);
  }
  return std::string(kRawDirectory) + "/" + name;
}

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
  const GoldenImage image = image_of(context, run_id, pipeline);
  Json files = Json::object();
  auto write = [&](const std::string& name, const std::string& content) {
    write_file(directory / name, content);
    files[name] = sha256_hex(content);
    return files[name].get<std::string>();
  };
  KeptEvidence kept{.evidence = evidence,
                    .pipeline = pipeline,
                    .pipeline_sha256 = write("pipeline.json", pretty(pipeline)),
                    .digest = {},
                    .judged_at = to_rfc3339(context.clock.now()),
                    .tool_version = HALLMARK_VERSION,
                    .previous = find_readable_previous(context, image)};
  Json reviewed = {{"image_id", evidence.image_id},
                   {"image_key", model::image_key(pipeline)},
                   {"judged_at", kept.judged_at},
                   {"tool_version", kept.tool_version},
                   {"pipeline", kept.pipeline_sha256},
                   {"source", write("source.json", pretty(evidence.source_image))},
                   {"inventory", write(kInventoryFile, pretty(evidence.inventory))},
                   {"assessments", write(kAssessmentsFile, pretty(evidence.assessments))},
                   {"gate", write("gate.json", pretty(evidence.gate))}};
  if (evidence.source) {
    reviewed["source-assessment"] = write(kSourceAssessmentFile, pretty(*evidence.source));
  }
  if (!evidence.disk_sha256.empty()) reviewed["disk_sha256"] = evidence.disk_sha256;
  if (kept.previous) {
    reviewed["previous"] = {{"image_key", kept.previous->image_key},
                            {"run_id", kept.previous->run_id},
                            {"evidence_digest", kept.previous->evidence_digest}};
  }
  for (const model::Assessment& assessment : evidence.assessments) {
    for (const model::RawResult& raw : assessment.raw) {
      check_raw(directory, raw);
      files[raw_file(raw.name)] = raw.sha256;
    }
  }
  // Without the evidence digest, which covers what approvers saw as well.
  const evidence::Subject subject = make_subject(context, image, kept);
  const Json report = evidence::report_json(subject);
  reviewed["reports"] = {{"report.json", write("report.json", pretty(report))},
                         {"report.txt", write("report.txt", evidence::report_text(report))},
                         {"report.html", write("report.html", evidence::report_html(subject))}};
  const std::string digest = sha256_hex(compact(reviewed));
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
    if (!reviewed.contains("assessment")) return read_json(kAssessmentsFile);
    return {read_json(kAssessmentFile).get<model::Assessment>()};
  }

  /// Whether each part that the evidence digest covers is the file of that name, and there are no
  /// other files: one that nobody reviewed would be shown, and signed into a bundle, as if it had
  /// been. `assessments` name the raw results.
  bool fits(const std::vector<model::Assessment>& assessments) const {
    std::vector<std::string> parts = {"pipeline", "inventory", "gate"};
    // Evidence from before a source was asked for by more than its name has no file of it.
    if (reviewed.contains("source") || reviewed.contains("assessments")) {
      parts.emplace_back("source");
    }
    parts.emplace_back(reviewed.contains("assessment") ? "assessment" : "assessments");
    if (reviewed.contains("source-assessment")) parts.emplace_back("source-assessment");
    std::set<std::string> known;
    auto is_as_reviewed = [&](const std::string& name, const Json& digest) {
      known.insert(name);
      auto file = files.find(name);
      return file != files.end() && digest == file->second;
    };
    for (const std::string& part : parts) {
      if (!reviewed.contains(part) || !is_as_reviewed(part + ".json", reviewed[part])) return false;
    }
    const Json reports = reviewed.value("reports", Json::object());
    for (const auto& [name, digest] : reports.items()) {
      if (!is_as_reviewed(name, digest)) return false;
    }
    if (reports.empty()) {
      // From before these were covered by the digest.
      known.insert({"report.json", "report.txt", "report.html", kSourceAssessmentFile});
    }
    for (const model::Assessment& assessment : assessments) {
      for (const model::RawResult& raw : assessment.raw) known.insert(raw_file(raw.name));
    }
    return std::all_of(files.begin(), files.end(),
                       [&](const auto& file) { return known.contains(file.first); });
  }

  /// Of evidence from before it was written down: empty.
  std::string text(const char* key) const {
    return reviewed.contains(key) ? member<std::string>(reviewed, key) : "";
  }

  std::optional<PreviousVersion> previous() const {
    if (!reviewed.contains("previous")) return std::nullopt;
    const Json& json = reviewed["previous"];
    return PreviousVersion{member<std::string>(json, "image_key"),
                           member<std::string>(json, "run_id"),
                           member<std::string>(json, "evidence_digest")};
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

/// The assessments, once all that is listed is known to be what the evidence digest stands for.
std::vector<model::Assessment> verified_assessments(const Listing& listing,
                                                    const std::string& evidence_digest,
                                                    const std::string& image_key) {
  if (sha256_hex(compact(listing.reviewed)) == evidence_digest) {
    std::vector<model::Assessment> assessments = listing.assessments();
    if (listing.fits(assessments)) return assessments;
  }
  throw Error(ErrorKind::corrupt, "the evidence in {} is not that of {}",
              listing.directory.string(), image_key)
      .hint("it was altered after it was written; build a new version");
}

}  // namespace

std::vector<model::Assessment> read_assessments(const Context& context, const std::string& run_id) {
  return read_listing(context, run_id).assessments();
}

std::optional<std::vector<model::Assessment>> read_assessments(const Context& context,
                                                               const PreviousVersion& version) {
  if (!std::filesystem::exists(evidence_directory(context, version.run_id) / kEvidenceFile)) {
    return std::nullopt;
  }
  return verified_assessments(read_listing(context, version.run_id), version.evidence_digest,
                              version.image_key);
}

std::vector<std::string> list_evidence_files(const Context& context, const std::string& run_id) {
  std::vector<std::string> names = {kEvidenceFile};
  for (const auto& [name, digest] : read_listing(context, run_id).files) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

Looked read_looked(const Context& context, const GoldenImage& image) {
  const Listing listing = read_listing(context, image.run_id);
  auto assessments = verified_assessments(listing, image.evidence_digest, image.image_key);
  return {listing.read_json(kInventoryFile).get<model::Inventory>(), std::move(assessments)};
}

KeptEvidence read_evidence(const Context& context, const GoldenImage& image) {
  const Listing listing = read_listing(context, image.run_id);
  for (const auto& [name, digest] : listing.files) listing.read(name);
  auto assessments = verified_assessments(listing, image.evidence_digest, image.image_key);
  const Json source =
      listing.files.contains("source.json") ? listing.read_json("source.json") : Json();
  KeptEvidence kept{
      .evidence = {.image_id = member<std::string>(listing.reviewed, "image_id"),
                   .source_image_id = source.is_object() ? source.value("image_id", "") : "",
                   .source_image = source,
                   .inventory = listing.read_json(kInventoryFile).get<model::Inventory>(),
                   .assessments = std::move(assessments),
                   .source = std::nullopt,
                   .gate = listing.read_json("gate.json").get<GateVerdict>(),
                   .disk_sha256 = listing.text("disk_sha256")},
      .pipeline = listing.read_json("pipeline.json").get<model::Pipeline>(),
      .pipeline_sha256 = listing.text("pipeline"),
      .digest = image.evidence_digest,
      .judged_at = listing.text("judged_at"),
      .tool_version = listing.text("tool_version"),
      .previous = listing.previous()};
  if (listing.files.contains(kSourceAssessmentFile)) {
    kept.evidence.source = listing.read_json(kSourceAssessmentFile).get<model::Assessment>();
  }
  for (const model::Assessment& assessment : kept.evidence.assessments) {
    for (const model::RawResult& raw : assessment.raw) check_raw(listing.directory, raw);
  }
  return kept;
}

KeptEvidence check_evidence(const Context& context, const GoldenImage& image) {
  KeptEvidence kept = read_evidence(context, image);
  const GateVerdict now = evaluate_gate(image.pipeline.get<model::Pipeline>().gate, image.image_key,
                                        kept.evidence.assessments, context.clock.now());
  if (now.passed) return kept;
  throw Error(ErrorKind::conflict, "the gate has closed for {} since it was assessed",
              image.image_key)
      .note(join(now.failures, "\n  "))
      .hint("renew the waiver or the data and build again; reject this one");
}

}  // namespace hallmark::pipeline
