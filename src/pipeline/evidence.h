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

Path evidence_directory(const Context& context, const std::string& run_id);

/// Keeps scanners' answers as <evidence directory>/raw/<name>. A name is relative, of letters,
/// digits and "._-" between slashes; else `usage`. The same name again replaces the file. `context`
/// must outlive the result.
scan::KeepRaw keep_raw(const Context& context, const std::string& run_id);

/// Writes source.json, inventory.json, assessments.json, source-assessment.json, gate.json,
/// pipeline.json, report.json, report.txt, report.html and evidence.json (the digest of each file
/// and of each raw result). Returns the evidence digest: SHA-256 of image id, disk, source,
/// pipeline, inventory, assessments and gate verdict. Throws `corrupt` if a raw result that an
/// assessment names was not kept just so.
std::string write_evidence(const Context& context, const std::string& run_id,
                           const model::Pipeline& pipeline, const Evidence& evidence);

/// The inventory kept with a build run; throws `not_found`, `corrupt` if it was altered.
model::Inventory read_inventory(const Context& context, const std::string& run_id);

/// What scanners said of the image when it was built; throws as read_inventory does.
std::vector<model::Assessment> read_assessments(const Context& context, const std::string& run_id);

/// Throws `corrupt` if a file of the image's evidence is not what its evidence digest stands for,
/// `conflict` if the gate would not pass any more: a waiver has ended, the data is too old.
void check_evidence(const Context& context, const GoldenImage& image);

}  // namespace hallmark::pipeline
