#pragma once
/// Whether an assessment is good enough to be put before an approver. Pure.

#include <string>
#include <vector>

#include "base/json.h"
#include "model/assessment.h"
#include "model/pipeline.h"

namespace hallmark::pipeline {

struct GateVerdict {
  bool passed = false;
  /// One line per rule, those that failed first: "pending updates: 3, at most 0 allowed".
  std::vector<std::string> failures;
  std::vector<std::string> passes;
};

GateVerdict evaluate_gate(const model::Gate& gate, const model::Assessment& assessment);

void to_json(Json& json, const GateVerdict& value);
void from_json(const Json& json, GateVerdict& value);

}  // namespace hallmark::pipeline
