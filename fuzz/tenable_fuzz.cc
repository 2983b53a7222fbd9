#include <cstddef>
#include <cstdint>

#include "base/text.h"
#include "fuzz/only_errors.h"
#include "scan/qualys/api.h"
#include "scan/tenable/api.h"
#include "scan/tenable/details.h"
#include "scan/tenable/ssh_key.h"
#include "scan/tenable/verdict.h"

namespace scan = hallmark::scan;
namespace tenable = hallmark::scan::tenable;
using hallmark::Json;

namespace {

constexpr const char* kRun = "run-1";

/// As the scanner reads the page of a scan, of a host and of a check when there is no report.
void read_pages(const Json& answer) {
  const scan::ScanTarget target{.machine_id = "i-1", .ip = "10.0.0.9"};
  const tenable::RunDetails run = tenable::run_details(answer, kRun);
  hallmark::model::Assessment assessment;
  assessment.started_at = run.started_at;
  tenable::judge_status(run.status, assessment);
  tenable::NessusReport report;
  for (const Json& host : tenable::list(answer, "hosts")) {
    report.hosts.push_back({.name = tenable::word(host, "hostname")});
  }
  tenable::host_number(answer, target);
  report.hosts.push_back(
      tenable::host_from_pages(answer, target.ip, tenable::plugin_output(answer)));
  tenable::take_report(std::move(report), target, assessment);
  // Throws if a text is no UTF-8.
  Json(assessment).dump();
}

/// As calls read the answers that say whether they went well.
void judge(unsigned choice, std::string_view text) {
  const std::size_t end = text.find('\n');
  scan::ServiceAnswer answer{.status = 200 + static_cast<int>(choice) * 2};
  const std::string header(text.substr(0, end));
  answer.headers = {{"Retry-After", header},
                    {"X-RateLimit-ToWait-Sec", header},
                    {"X-Concurrency-Limit-Running", header},
                    {"x-request-uuid", header}};
  if (end != text.npos) answer.body = text.substr(end + 1);
  const hallmark::TimePoint now = hallmark::from_rfc3339("2026-11-22T17:05:01Z");
  scan::judge_by_status({}, answer, now);
  tenable::judge({}, answer, now);
  scan::qualys::judge({}, answer, now);
}

}  // namespace

/// The input is an answer of any of Tenable's calls, JSON behind a byte for the HTTP status, or a
/// private key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [choice, text] = hallmark::chosen(data, size);
  judge(choice, text);
  tenable::is_locked_key(text);
  tenable::feed_date(text);
  hallmark::only_errors([&input = text] {
    const Json answer = hallmark::parse_json(input, "answer");
    for (const char* key : {"status", "file", "fileuploaded", "scan_uuid", "error"}) {
      tenable::word(answer, key);
    }
    for (const Json& listed : tenable::list(answer, "scans")) tenable::word(listed, "uuid");
    read_pages(answer);
  });
  return 0;
}
