#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "scan/tenable/nessus.h"
#include "scan/tenable/verdict.h"

namespace scan = hallmark::scan;

namespace {

/// The first byte says how the rest is cut: the report must not depend on it.
scan::tenable::NessusReport read_cut(std::string_view file, std::size_t size) {
  scan::tenable::NessusReader reader({.findings = 1000, .hosts = 10, .text_bytes = 100'000});
  for (std::size_t at = 0; at < file.size(); at += size) reader.read(file.substr(at, size));
  return reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view file(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    scan::tenable::NessusReport whole = read_cut(file, file.size() + 1);
    scan::tenable::NessusReport cut = read_cut(file, 1 + data[0] % 64);
    if (whole.hosts.size() != cut.hosts.size() || whole.damage != cut.damage) __builtin_trap();
    for (const scan::tenable::NessusHost& host : whole.hosts) {
      for (const hallmark::model::Finding& finding : host.findings) {
        if (finding.evidence.size() > hallmark::model::kEvidenceLimit) __builtin_trap();
        if (finding.port < 0 || finding.port > 65535) __builtin_trap();
      }
    }
    hallmark::model::Assessment assessment;
    assessment.completeness = hallmark::model::Completeness::complete;
    const bool damaged = !whole.damage.empty();
    scan::tenable::take_report(std::move(whole), {.ip = "10.0.0.9"}, assessment);
    const bool complete = assessment.completeness == hallmark::model::Completeness::complete;
    if (complete && (damaged || assessment.login != hallmark::model::Login::yes)) __builtin_trap();
  } catch (const hallmark::Error& e) {
    if (e.kind() != hallmark::ErrorKind::corrupt) __builtin_trap();
  }
  return 0;
}
