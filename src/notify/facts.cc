#include "notify/facts.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "model/pipeline_file.h"
#include "pipeline/evidence.h"

namespace hallmark::notify {

namespace {

/// Mail servers refuse more, and nobody wants it.
constexpr std::size_t kMostReportBytes = 4u << 20;

int rank(const std::string& severity) {
  constexpr const char* kWorstFirst[] = {"critical", "high", "unknown", "medium", "low", "info"};
  int place = 0;
  for (const char* each : kWorstFirst) {
    if (severity == each) return place;
    ++place;
  }
  return place;
}

std::vector<std::string> findings_in(Json list) {
  std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
    return rank(a.value("severity", "")) < rank(b.value("severity", ""));
  });
  std::vector<std::string> lines;
  for (const Json& finding : list) {
    std::string line =
        fmt::format("{} {} {} {}", finding.value("severity", ""), finding.value("id", ""),
                    finding.value("package", ""), finding.value("installed_version", ""));
    if (finding.value("known_exploited", false)) line += " (exploited)";
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

ApprovalFacts facts_in_report(const Json& report) {
  ApprovalFacts facts;
  facts.counts = report.value("counts", Json::object());
  facts.completeness = report.value("completeness", "");
  const Json change = report.value("change_since_previous", Json());
  if (change.is_object()) {
    facts.compared_with = change.value("since", "");
    facts.unchanged = change.value("unchanged", 0);
    facts.introduced = findings_in(change.value("introduced", Json::array()));
    facts.fixed = findings_in(change.value("fixed", Json::array()));
  }
  const Json scanners = report.value("scanners", Json::array());
  for (const Json& scanner : scanners) {
    facts.gaps += static_cast<int>(scanner.value("gaps", Json::array()).size());
    const Json score = scanner.value("hardening_score", Json());
    if (score.is_number() && facts.hardening_score.empty()) {
      facts.hardening_score = fmt::format("{}", score.get<double>());
    }
  }
  facts.reviews =
      report.value("rules", Json::object()).value("reviews", std::vector<std::string>{});
  return facts;
}

FactsOf facts_of_evidence(const pipeline::Context& context) {
  return [&context](const Event& event) -> std::optional<ApprovalFacts> {
    try {
      const auto image = pipeline::find_golden_image(context.database,
                                                     event.detail.value("run_id", event.subject));
      if (!image) return std::nullopt;
      const Path directory = pipeline::evidence_directory(context, image->run_id);
      const Path file = directory / "report.json";
      ApprovalFacts facts = facts_in_report(parse_json(read_file(file), file.string()));
      facts.evidence_digest = image->evidence_digest;
      const auto deadline = image->pipeline.get<model::Pipeline>().approval.deadline;
      facts.deadline = event.detail.value("deadline", "");
      if (facts.deadline.empty() && event.kind == "image.awaiting_approval") {
        facts.deadline = to_rfc3339(from_rfc3339(event.at) + deadline);
      }
      const auto html = read_file_if_exists(directory / "report.html");
      if (html && html->size() <= kMostReportBytes) facts.report_html = *html;
      return facts;
    } catch (const Error& error) {
      // That somebody is waited for is to be told in any case.
      log_warning("{} is told without its evidence: {}", event.subject, error.full_text());
      return std::nullopt;
    }
  };
}

}  // namespace hallmark::notify
