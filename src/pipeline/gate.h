#pragma once
/// Whether what the scanners say of an image is good enough to go on. Pure.

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/assessment.h"
#include "model/policy.h"
#include "scan/merge.h"

namespace hallmark::pipeline {

/// What the gate makes of one finding that it does not just let pass.
struct FindingVerdict {
  std::string id;  ///< as scan::MergedFinding
  std::string package;
  model::Severity severity = model::Severity::unknown;
  model::Judgement judgement = model::Judgement::pass;
  std::string why;  ///< "critical with a fix fails", "waived by alice until ...: ..."
  bool waived = false;
  std::string waiver;  ///< what the waiver names, if that is not `id`
};

struct GateVerdict {
  bool passed = false;
  /// A person must look, whatever approval.automatic says.
  bool needs_review = false;
  /// One line per rule: "pending updates: 3, at most 0 allowed".
  std::vector<std::string> failures;
  std::vector<std::string> reviews;
  std::vector<std::string> passes;
  std::vector<std::string> warnings;     ///< waivers that ended or will soon
  std::vector<FindingVerdict> findings;  ///< those that fail, need review or are waived
};

struct GateInput {
  std::string image_key;
  TimePoint now;
  const std::vector<model::Assessment>& assessments;
  const std::vector<scan::MergedFinding>& findings;  ///< of the same assessments
};

/// No assessment at all fails.
GateVerdict evaluate_gate(const model::Gate& gate, const GateInput& input);
/// The same, with the findings merged here.
GateVerdict evaluate_gate(const model::Gate& gate, const std::string& image_key,
                          const std::vector<model::Assessment>& assessments, TimePoint now);

void to_json(Json& json, const GateVerdict& value);
void from_json(const Json& json, GateVerdict& value);

}  // namespace hallmark::pipeline
