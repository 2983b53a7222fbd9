#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "scan/inspector/cis.h"
#include "scan/inspector/coverage.h"
#include "scan/inspector/findings.h"
#include "scan/inspector/sbom_answer.h"

namespace inspector = hallmark::scan::inspector;
using hallmark::Error;
using hallmark::ErrorKind;

/// The input is an answer of any of Inspector's calls, as JSON: whatever its form, what comes out
/// can be written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = inspector::Value::parse(data, data + size, nullptr, false);
  if (answer.is_discarded()) return 0;
  const char* const machine = "i-1";
  hallmark::model::Assessment assessment;
  inspector::Coverage coverage;
  inspector::take_coverage(coverage, answer, machine);
  inspector::describe(coverage);
  inspector::judge(coverage, {});
  inspector::FoundOnMachine found(machine, 1000);
  found.take_page(answer);
  found.take_details(found.wanted_details(), answer);
  assessment.findings = std::move(found).findings();
  hallmark::model::Checks checks;
  inspector::take_checks(answer, machine, checks, assessment.findings);
  try {
    inspector::take_sbom(answer, {{.reference = "c", .name = "n", .version = "1"}}, assessment);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) __builtin_trap();
  }
  inspector::sort(assessment.findings);
  // Throws if a text is no UTF-8.
  hallmark::Json(assessment).dump();
  return 0;
}
