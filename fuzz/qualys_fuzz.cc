#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "scan/qualys/answers.h"
#include "scan/qualys/assessment.h"

namespace qualys = hallmark::scan::qualys;
using hallmark::Error;
using hallmark::ErrorKind;

namespace {

/// Nothing but an Error may come out, and none that blames us.
template <typename Parse>
void read(Parse parse, std::string_view body) {
  try {
    parse(body);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) __builtin_trap();
  }
}

}  // namespace

/// The input is an answer of any of Qualys' calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view body(reinterpret_cast<const char*>(data), size);
  hallmark::scan::QualysConfig config;
  hallmark::scan::ScanTarget target;
  target.ip = "10.0.0.9";
  qualys::ScanAnswers answers;
  answers.listed = {.ref = "scan/1.2", .state = "Finished", .processed = true};
  qualys::find_refusal(body);
  read(qualys::parse_simple_return, body);
  read(qualys::parse_report_list, body);
  read(qualys::parse_connector_state, body);
  read([&](auto text) { answers.hosts = qualys::parse_detections(text).hosts; }, body);
  read(
      [&](auto text) {
        for (auto& entry : qualys::parse_knowledge(text)) answers.knowledge[entry.qid] = entry;
      },
      body);
  read(
      [&](auto text) {
        auto scans = qualys::parse_scan_list(text);
        if (!scans.empty()) answers.listed = scans.front();
      },
      body);
  read([&](auto text) { answers.results = qualys::parse_results(text); }, body);
  qualys::assess(config, target, answers);
  return 0;
}
