#pragma once
/// What an approver looks at and what stays as proof: files in one directory per build run, and the
/// digest that a decision is bound to.

#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "model/assessment.h"
#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/gate.h"
#include "pipeline/image_store.h"
#include "scan/scanner.h"

namespace hallmark::pipeline {

struct Evidence {
  std::string image_id;
  std::string source_image_id;
  Json source_image = Json::object();  ///< how it was asked for, and what it was; see find_source
  model::Inventory inventory;
  std::vector<model::Assessment> assessments;  ///< the built-in scanner's first
  std::optional<model::Assessment> source;     ///< the source image's, nothing if it cannot be read
  GateVerdict gate;
  std::string disk_sha256;  ///< of the raw disk; empty: it was not read as a whole
};

/// The version of the same product and operating system that was registered before.
struct PreviousVersion {
  std::string image_key;
  std::string run_id;
  std::string evidence_digest;
};

/// Evidence as it was written, with what was fixed then, so that it can be shown the same again.
/// Members are empty if it is from a version of Hallmark that did not write them.
struct KeptEvidence {
  Evidence evidence;
  model::Pipeline pipeline;
  std::string pipeline_sha256;  ///< of pipeline.json
  std::string digest;
  std::string judged_at;
  std::string tool_version;
  std::optional<PreviousVersion> previous;
};

Path evidence_directory(const Context& context, const std::string& run_id);

/// Keeps scanners' answers as <evidence directory>/raw/<name>. A name is relative, of letters,
/// digits and "._-" between slashes; else `usage`. The same name again replaces the file.
scan::KeepRaw keep_raw(const Context& context, const std::string& run_id);

/// Where keep_raw puts the file: "raw/<name>". Throws `usage`.
std::string raw_file(const std::string& name);

/// Writes source.json, inventory.json, assessments.json, source-assessment.json, gate.json,
/// pipeline.json, report.json, report.txt, report.html and evidence.json (the digest of each file
/// and of each raw result). Returns the evidence digest: SHA-256 of image id, disk, source,
/// pipeline, inventory, assessments, gate verdict, the version to compare with, the time, and the
/// reports, which are what people decide by.
/// Throws `corrupt` if a raw result that an assessment names was not kept just so.
std::string write_evidence(const Context& context, const std::string& run_id,
                           const model::Pipeline& pipeline, const Evidence& evidence);

/// What was found in an image when it was built.
struct Looked {
  model::Inventory inventory;
  std::vector<model::Assessment> assessments;  ///< the built-in scanner's first
};

/// Throws `not_found`, `corrupt` if it is not what the image's evidence digest stands for.
Looked read_looked(const Context& context, const GoldenImage& image);

/// What scanners said of the image when it was built; throws `not_found`, `corrupt`
/// if it was altered.
std::vector<model::Assessment> read_assessments(const Context& context, const std::string& run_id);

/// What scanners said of a version when it was built. Nothing if its evidence is gone; `corrupt` if
/// it is not what its digest stands for.
std::optional<std::vector<model::Assessment>> read_assessments(const Context& context,
                                                               const PreviousVersion& version);

/// All of it. Throws `not_found`, and `corrupt` if any file is not what the image's evidence digest
/// stands for.
KeptEvidence read_evidence(const Context& context, const GoldenImage& image);

/// Relative names of the files of an image's evidence, evidence.json among them, sorted.
std::vector<std::string> list_evidence_files(const Context& context, const std::string& run_id);

/// Throws as read_evidence does, and `conflict` if the gate would not pass any more: a waiver has
/// ended, the data is too old.
KeptEvidence check_evidence(const Context& context, const GoldenImage& image);

}  // namespace hallmark::pipeline
