#include "pipeline/gate.h"

#include <algorithm>

namespace hallmark::pipeline {

GateVerdict evaluate_gate(const model::Gate& gate, const model::Assessment& assessment) {
  GateVerdict verdict;
  auto rule = [&](bool holds, std::string text) {
    (holds ? verdict.passes : verdict.failures).push_back(std::move(text));
  };

  rule(
      assessment.completeness <= gate.min_completeness,
      fmt::format("completeness: {}, at least {} needed", model::to_string(assessment.completeness),
                  model::to_string(gate.min_completeness)));
  rule(gate.allow_gaps || assessment.gaps.empty(),
       fmt::format("coverage gaps: {}, {}", assessment.gaps.size(),
                   gate.allow_gaps ? "allowed" : "none allowed"));

  auto count = [&](auto predicate) {
    return std::count_if(assessment.findings.begin(), assessment.findings.end(), predicate);
  };
  auto pending = count([](const model::Finding& f) { return !f.fixed_version.empty(); });
  if (gate.max_pending_updates) {
    rule(pending <= *gate.max_pending_updates,
         fmt::format("pending security updates: {}, at most {} allowed", pending,
                     *gate.max_pending_updates));
  }
  for (const auto& [severity, most] : gate.max_findings) {
    auto found =
        count([&](const model::Finding& f) { return model::to_string(f.severity) == severity; });
    rule(found <= most, fmt::format("{} findings: {}, at most {} allowed", severity, found, most));
  }
  verdict.passed = verdict.failures.empty();
  return verdict;
}

void to_json(Json& json, const GateVerdict& value) {
  json = {{"passed", value.passed}, {"failures", value.failures}, {"passes", value.passes}};
}

void from_json(const Json& json, GateVerdict& value) {
  value.passed = member<bool>(json, "passed");
  value.failures = member<std::vector<std::string>>(json, "failures");
  value.passes = member<std::vector<std::string>>(json, "passes");
}

}  // namespace hallmark::pipeline
