#include <cstddef>
#include <cstdint>

#include "evidence/attestation.h"
#include "evidence/documents.h"
#include "evidence/report.h"
#include "evidence/report_html.h"
#include "fuzz/only_errors.h"

namespace evidence = hallmark::evidence;
using hallmark::Json;

/// The input is an assessment or an inventory as it was kept, whatever wrote it: if it can be read,
/// every document can be made of it, as UTF-8.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  evidence::Subject subject{
      .image_key = "p/o/v", .image_id = "ami-1", .disk_sha256 = std::string(64, 'd')};
  subject.started_at = subject.finished_at = subject.made_at = "2026-11-22T17:05:01Z";
  bool is_read = false;
  hallmark::only_errors([&] {
    const Json json = hallmark::parse_json(text, "assessment");
    hallmark::only_errors([&] {
      json.get_to(subject.inventory);
      is_read = true;
    });
    subject.assessments.push_back(json.get<hallmark::model::Assessment>());
    is_read = true;
  });
  if (!is_read) return 0;
  subject.findings = hallmark::scan::merge(subject.assessments);
  subject.previous = evidence::Previous{.image_key = "p/o/u", .findings = subject.findings};
  evidence::cyclonedx(subject).dump();
  evidence::spdx(subject).dump();
  evidence::sarif(subject).dump();
  if (const auto vex = evidence::openvex(subject)) vex->dump();
  evidence::provenance(subject).dump();
  if (!subject.assessments.empty()) {
    if (const auto found = evidence::vulnerabilities(subject, 0)) found->dump();
  }
  evidence::report_text(evidence::report_json(subject));
  Json(evidence::report_html(subject)).dump();
  return 0;
}
