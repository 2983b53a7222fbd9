/// How fast a hundred thousand findings are read, merged, compared, judged and written down, and
/// the memory that takes, each beside the bare minimum of the same work.
/// JSON lines on stdout, a table on stderr. Usage: bench_findings [findings, default 100000]

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "evidence/documents.h"
#include "evidence/report_html.h"
#include "made_findings.h"
#include "measure.h"
#include "pipeline/gate.h"
#include "scan/exploits.h"
#include "scan/merge.h"
#include "scan/qualys/assessment.h"
#include "scan/tenable/nessus.h"
#include "scan/tenable/verdict.h"

namespace hallmark::bench {
namespace {

constexpr const char* kWhen = "2026-11-22T10:00:00Z";
constexpr std::size_t kEpssRows = 300'000;
/// As a download arrives.
constexpr std::size_t kPiece = 64u << 10;

Result peak() { return {"  peak memory", own_status("VmHWM") / 1024, "MiB"}; }

/// A part whose figures would be of something else than what was meant.
void must_be(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::failed, "{}", what);
}

std::vector<Result> bench_decision(std::size_t findings, bool texts) {
  std::vector<scan::MergedFinding> before = scan::merge(assessments({findings, 0, texts}));
  const std::vector<model::Assessment> now = assessments({findings, 1, texts});
  const model::Gate rules = gate();
  forget_peak();
  const double inputs = own_status("VmRSS") / 1024;
  auto start = ProcessorTime::now();
  std::vector<scan::MergedFinding> merged = scan::merge(now);
  const double merging = seconds_since(start);
  start = ProcessorTime::now();
  const scan::Change change = scan::change(scan::list_of(before), scan::list_of(merged));
  const double comparing = seconds_since(start);
  start = ProcessorTime::now();
  const pipeline::GateVerdict verdict =
      pipeline::evaluate_gate(rules, {kImageKey, from_rfc3339(kWhen), now, merged});
  const double judging = seconds_since(start);
  const Result most = peak();
  must_be(!verdict.passed && !verdict.warnings.empty() && !change.introduced.empty() &&
              change.fixed.size() < merged.size(),
          "the gate or the comparison saw nothing");
  const double bare = seconds_of([&] {
    std::unordered_map<std::string, std::size_t> known;
    std::vector<std::pair<model::Severity, std::string>> keys;
    for (const model::Assessment& assessment : now) {
      for (const model::Finding& finding : assessment.findings) {
        for (const std::string& cve : finding.cves) {
          if (known.emplace(cve + '\0' + finding.package, keys.size()).second) {
            keys.emplace_back(finding.severity, cve);
          }
        }
      }
    }
    std::sort(keys.begin(), keys.end());
    return keys;
  });
  return {{texts ? "merge, compare and judge" : "the same without long texts",
           merging + comparing + judging, "s"},
          {"  merge two scanners", merging, "s"},
          {"  compare with the previous version", comparing, "s"},
          {"  judge, 1,000 waivers", judging, "s"},
          {"  bare: hash and sort the keys", bare, "s"},
          {"  merged findings", static_cast<double>(merged.size()), "findings"},
          {"  memory of what was put in", inputs, "MiB"},
          most};
}

std::vector<Result> bench_qualys(std::size_t findings) {
  const std::string text = qualys_results(findings);
  forget_peak();
  const double inputs = own_status("VmRSS") / 1024;
  scan::QualysConfig config;
  scan::ScanTarget target;
  target.ip = kTargetIp;
  auto start = ProcessorTime::now();
  scan::qualys::ScanAnswers answers;
  answers.listed = {.ref = "scan/1767322740.12345", .state = "Finished", .processed = true};
  answers.results = scan::qualys::parse_results(text);
  const double parsing = seconds_since(start);
  const model::Assessment made = scan::qualys::assess(config, target, answers);
  const double all = seconds_since(start);
  const Result most = peak();
  must_be(made.findings.size() >= findings && made.login == model::Login::yes,
          "Qualys' results were not read as such");
  const double bare = seconds_of([&] { return Json::parse(text); });
  return {{"normalise Qualys' JSON", all, "s"},
          {"  of that, parse", parsing, "s"},
          {"  bare: nlohmann::json::parse", bare, "s"},
          {"  size of the JSON", static_cast<double>(text.size()) / (1 << 20), "MiB"},
          {"  memory of what was put in", inputs, "MiB"},
          most};
}

std::vector<Result> bench_nessus(std::size_t findings) {
  const std::string text = nessus_file(findings);
  forget_peak();
  const double inputs = own_status("VmRSS") / 1024;
  scan::ScanTarget target;
  target.ip = kTargetIp;
  auto start = ProcessorTime::now();
  scan::tenable::NessusReader reader;
  for (std::size_t at = 0; at < text.size(); at += kPiece) {
    reader.read(std::string_view(text).substr(at, kPiece));
  }
  model::Assessment made;
  made.completeness = model::Completeness::complete;
  scan::tenable::take_report(reader.finish(), target, made);
  const double all = seconds_since(start);
  const Result most = peak();
  must_be(made.findings.size() >= findings && made.completeness == model::Completeness::complete,
          "the .nessus file was not read as such");
  const double bare = seconds_of([&] {
    XML_Parser parser = XML_ParserCreate(nullptr);
    XML_SetElementHandler(
        parser, [](void*, const XML_Char*, const XML_Char**) {}, [](void*, const XML_Char*) {});
    XML_SetCharacterDataHandler(parser, [](void*, const XML_Char*, int) {});
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
      const std::size_t length = std::min(kPiece, text.size() - at);
      XML_Parse(parser, text.data() + at, static_cast<int>(length), at + length == text.size());
    }
    XML_ParserFree(parser);
    return 0;
  });
  return {{"normalise a .nessus file", all, "s"},
          {"  bare: expat with empty handlers", bare, "s"},
          {"  size of the file", static_cast<double>(text.size()) / (1 << 20), "MiB"},
          {"  memory of what was put in", inputs, "MiB"},
          most};
}

std::vector<Result> bench_record(std::size_t findings) {
  const std::vector<model::Assessment> made = assessments({findings, 0});
  std::string text;
  const double writing = seconds_of([&] { return text = compact(Json(made)); });
  const double reading =
      seconds_of([&] { return parse_json(text, "record").get<std::vector<model::Assessment>>(); });
  const double bare = seconds_of([&] { return Json::parse(text); });
  return {{"write the assessments as JSON", writing, "s"},
          {"read them again", reading, "s"},
          {"  bare: nlohmann::json::parse", bare, "s"},
          {"  size of the JSON", static_cast<double>(text.size()) / (1 << 20), "MiB"}};
}

std::vector<Result> bench_exploits(std::size_t findings) {
  const std::string text = epss_file(kEpssRows);
  scan::ExploitData data;
  const double parsing = seconds_of([&] {
    scan::parse_epss(data, text, from_rfc3339(kWhen));
    return 0;
  });
  std::vector<model::Assessment> made = assessments({findings, 0});
  const double annotating = seconds_of([&] {
    for (model::Assessment& assessment : made) scan::annotate(assessment, data);
    return 0;
  });
  must_be(data.odd_rows == 0 && made[0].findings[0].epss, "the scores were not read as such");
  const double bare = seconds_of([&] { return std::count(text.begin(), text.end(), '\n'); });
  return {{"read 300,000 EPSS scores", parsing, "s"},
          {"  bare: count the lines", bare, "s"},
          {"score the findings", annotating, "s"}};
}

evidence::Subject subject(std::size_t findings) {
  evidence::Subject made;
  made.image_key = kImageKey;
  made.product = "web";
  made.os = "debian-12";
  made.version = "1.4.0";
  made.image_id = "ami-0123456789abcdef0";
  made.disk_sha256 = std::string(64, 'a');
  made.disk_digest_of = "raw disk";
  made.run_id = "run-00000000000000001";
  made.started_at = "2026-11-22T09:00:00.000Z";
  made.finished_at = "2026-11-22T09:30:00.000Z";
  made.made_at = "2026-11-22T10:00:00.000Z";
  made.evidence_digest = std::string(64, 'f');
  made.tool_version = "0.1.0";
  made.inventory = inventory();
  made.previous =
      evidence::Previous{"web/debian-12/1.3.0", scan::merge(assessments({findings, 0}))};
  made.assessments = assessments({findings, 1});
  made.findings = scan::merge(made.assessments);
  const auto verdict = pipeline::evaluate_gate(
      gate(), {kImageKey, from_rfc3339(kWhen), made.assessments, made.findings});
  for (const pipeline::FindingVerdict& one : verdict.findings) {
    evidence::Verdict& judged = made.verdicts.emplace_back();
    judged = {one.id, one.package, one.judgement, one.why, {}};
    if (one.waived) {
      judged.waived = evidence::Waived{"alice", "not reachable", "2027-01-01T00:00:00.000Z", ""};
    }
  }
  return made;
}

/// One document, and beside it what writing the same bytes costs the JSON library alone.
template <typename Make>
std::vector<Result> bench_document(const std::string& name, std::size_t findings, Make make) {
  const evidence::Subject image = subject(findings);
  forget_peak();
  auto start = ProcessorTime::now();
  const std::optional<Json> document = make(image);
  const double making = seconds_since(start);
  must_be(document.has_value(), "there is no such document");
  start = ProcessorTime::now();
  const std::string text = pretty(*document);
  const double writing = seconds_since(start);
  const Result most = peak();
  const double bare = seconds_of([&] { return Json(*document); });
  return {{name, making + writing, "s"},
          {"  of that, write", writing, "s"},
          {"  bare: copy the document and write it", bare + writing, "s"},
          {"  size", static_cast<double>(text.size()) / (1 << 20), "MiB"},
          most};
}

std::vector<Result> bench_page(std::size_t findings) {
  const evidence::Subject image = subject(findings);
  forget_peak();
  std::string page;
  const double making = seconds_of([&] { return page = evidence::report_html(image); });
  return {{"HTML page", making, "s"},
          {"  size", static_cast<double>(page.size()) / (1 << 20), "MiB"},
          peak()};
}

}  // namespace
}  // namespace hallmark::bench

int main(int argc, char** argv) {
  using namespace hallmark::bench;
  const std::size_t findings = argc > 1 ? std::stoul(argv[1]) : 100'000;
  namespace evidence = hallmark::evidence;
  return report("findings", fmt::format("{} findings", findings),
                {[&] { return bench_decision(findings, true); },
                 [&] { return bench_decision(findings, false); },
                 [&] { return bench_qualys(findings); }, [&] { return bench_nessus(findings); },
                 [&] { return bench_record(findings); }, [&] { return bench_exploits(findings); },
                 [&] { return bench_document("CycloneDX", findings, evidence::cyclonedx); },
                 [&] { return bench_document("SPDX", findings, evidence::spdx); },
                 [&] { return bench_document("SARIF", findings, evidence::sarif); },
                 [&] { return bench_document("OpenVEX", findings, evidence::openvex); },
                 [&] { return bench_page(findings); }});
}
