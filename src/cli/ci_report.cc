#include "cli/ci_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/ids.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "model/finding.h"

namespace hallmark::cli {

namespace {

/// GitHub shows ten of a kind for each step, and the log has the others.
constexpr std::size_t kMostAnnotations = 50;
constexpr std::size_t kMostRows = 200;
constexpr std::size_t kLongestText = 500;

/// One line without control characters, and without what GitHub takes for a command anywhere in it.
std::string plain(const std::string& text) {
  return replace_all(model::safe_text(one_line(text), kLongestText), "##[", "# #[");
}

/// As GitHub's toolkit writes a command's message; properties end at ":" and ",".
std::string command_text(const std::string& text, bool property = false) {
  std::string escaped = replace_all(plain(text), "%", "%25");
  if (!property) return escaped;
  escaped = replace_all(std::move(escaped), ":", "%3A");
  return replace_all(std::move(escaped), ",", "%2C");
}

std::string xml_text(const std::string& text) {
  std::string escaped = replace_all(plain(text), "&", "&amp;");
  escaped = replace_all(std::move(escaped), "<", "&lt;");
  escaped = replace_all(std::move(escaped), ">", "&gt;");
  return replace_all(std::move(escaped), "\"", "&quot;");
}

/// Within a cell of a table: nothing of it is markup.
std::string markdown_text(const std::string& text) {
  std::string escaped;
  for (const char c : plain(text)) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else {
      if (std::string_view("\\`*_{}[]()#+!|~@").find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

std::string sentence(const CiFinding& finding) {
  return fmt::format("{} in {} ({}): {}", finding.id, finding.package, finding.severity,
                     finding.why);
}

std::string headline(const CiReport& report) {
  std::string text = report.image_key + ": " + replace_all(report.state, "_", " ");
  if (report.gate_known) text += report.gate_passed ? ", the gate passed" : ", the gate is closed";
  return text;
}

/// What hinders it, before single findings.
std::vector<std::string> hindrances(const CiReport& report) {
  std::vector<std::string> lines;
  if (report.failed() && !report.reason.empty()) lines.push_back(report.reason);
  for (const std::string& failure : report.failures) lines.push_back("gate: " + failure);
  return lines;
}

std::string test_case(const std::string& name, const std::string& failure) {
  const std::string begin =
      fmt::format("    <testcase classname=\"hallmark\" name=\"{}\"", xml_text(name));
  if (failure.empty()) return begin + "/>\n";
  return fmt::format("{}>\n      <failure message=\"{}\"/>\n    </testcase>\n", begin,
                     xml_text(failure));
}

}  // namespace

bool CiReport::failed() const {
  return state == "failed" || state == "rejected" || (gate_known && !gate_passed);
}

CiReport ci_report(const Json& approval, const std::string& file) {
  const Json& image = approval.at("image");
  CiReport report{.file = file,
                  .image_key = image.at("image_key"),
                  .run_id = image.at("run_id"),
                  .state = image.at("state"),
                  .reason = image.value("state_reason", ""),
                  .image_id = image.at("image_id"),
                  .evidence_digest = image.at("evidence_digest")};
  if (report.state == "awaiting_approval") {
    report.approve_command = approval.at("approve_command");
  }
  const Json& gate = approval.at("gate");
  if (!gate.is_object()) return report;
  report.gate_known = true;
  report.gate_passed = gate.at("passed");
  report.failures = gate.value("failures", std::vector<std::string>());
  for (const Json& finding : gate.value("findings", Json::array())) {
    const std::string judgement = finding.value("judgement", "");
    if (finding.value("waived", false) || (judgement != "fail" && judgement != "review")) continue;
    report.findings.push_back({.id = finding.value("id", ""),
                               .package = finding.value("package", ""),
                               .severity = finding.value("severity", "unknown"),
                               .judgement = judgement,
                               .why = finding.value("why", "")});
  }
  std::stable_partition(report.findings.begin(), report.findings.end(),
                        [](const CiFinding& finding) { return finding.judgement == "fail"; });
  return report;
}

std::string github_annotations(const CiReport& report) {
  std::string text;
  std::size_t lines = 0;
  const std::string file = command_text(report.file, true);
  auto add = [&](const char* level, const std::string& title, const std::string& message) {
    if (++lines > kMostAnnotations) return;
    text += fmt::format("::{} file={},line=1,title={}::{}\n", level, file,
                        command_text(title, true), command_text(message));
  };
  for (const std::string& line : hindrances(report)) add("error", report.image_key, line);
  for (const CiFinding& finding : report.findings) {
    add(finding.judgement == "fail" ? "error" : "warning", finding.id, sentence(finding));
  }
  if (!report.failed()) add("notice", report.image_key, headline(report));
  return text;
}

std::string plain_lines(const CiReport& report) {
  std::string text = plain(headline(report)) + "\n";
  for (const std::string& line : hindrances(report)) text += "error: " + plain(line) + "\n";
  for (const CiFinding& finding : report.findings) {
    text += finding.judgement == "fail" ? "error: " : "warning: ";
    text += plain(sentence(finding)) + "\n";
  }
  return text;
}

std::string code_quality(const CiReport& report) {
  static const std::map<std::string, std::string> severities = {
      {"critical", "blocker"}, {"high", "critical"}, {"medium", "major"}, {"low", "minor"}};
  Json issues = Json::array();
  auto add = [&](const std::string& check, const std::string& description,
                 const std::string& severity) {
    issues.push_back({{"description", plain(description)},
                      {"check_name", plain(check)},
                      {"fingerprint", sha256_hex(report.file + "\n" + check).substr(0, 40)},
                      {"severity", severity},
                      {"location", {{"path", report.file}, {"lines", {{"begin", 1}}}}}});
  };
  for (const std::string& line : hindrances(report)) add(line, line, "blocker");
  for (const CiFinding& finding : report.findings) {
    const auto known = severities.find(finding.severity);
    add(finding.id + " " + finding.package, sentence(finding),
        known == severities.end() ? "info" : known->second);
  }
  return pretty(issues) + "\n";
}

std::string dotenv(const CiReport& report) {
  return fmt::format(
      "HALLMARK_IMAGE_KEY={}\nHALLMARK_IMAGE_ID={}\nHALLMARK_RUN_ID={}\nHALLMARK_STATE={}\n"
      "HALLMARK_EVIDENCE={}\nHALLMARK_GATE={}\n",
      plain(report.image_key), plain(report.image_id), plain(report.run_id), plain(report.state),
      plain(report.evidence_digest),
      !report.gate_known   ? "unknown"
      : report.gate_passed ? "passed"
                           : "closed");
}

std::string junit(const CiReport& report) {
  std::size_t failures = 0;
  std::size_t tests = 0;
  std::string cases;
  auto add = [&](const std::string& name, const std::string& failure) {
    ++tests;
    if (!failure.empty()) ++failures;
    cases += test_case(name, failure);
  };
  const bool ended = report.state != "building";
  const bool built = ended && report.state != "failed";
  const std::string unbuilt = ended ? "it failed" : "it has not ended";
  add("build", built ? "" : report.reason.empty() ? unbuilt : report.reason);
  if (report.gate_known) add("gate", report.gate_passed ? "" : join(report.failures, "; "));
  if (report.state == "rejected") add("approval", report.reason);
  for (const CiFinding& finding : report.findings) {
    add(finding.id + " in " + finding.package, finding.judgement == "fail" ? finding.why : "");
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">\n{}"
      "  </testsuite>\n</testsuites>\n",
      xml_text(report.image_key), tests, failures, cases);
}

std::string summary_markdown(const CiReport& report) {
  std::string text = "## " + markdown_text(headline(report)) + "\n\n";
  for (const std::string& line : hindrances(report)) text += "- " + markdown_text(line) + "\n";
  if (!report.findings.empty()) {
    text += "\n| finding | package | severity | gate | why |\n| --- | --- | --- | --- | --- |\n";
    for (std::size_t i = 0; i < std::min(kMostRows, report.findings.size()); ++i) {
      const CiFinding& finding = report.findings[i];
      text += fmt::format("| {} | {} | {} | {} | {} |\n", markdown_text(finding.id),
                          markdown_text(finding.package), markdown_text(finding.severity),
                          markdown_text(finding.judgement), markdown_text(finding.why));
    }
    if (report.findings.size() > kMostRows) {
      text += fmt::format("\nand {} more\n", report.findings.size() - kMostRows);
    }
  }
  text += fmt::format("\nRun {}, evidence {}\n", markdown_text(report.run_id),
                      markdown_text(report.evidence_digest));
  if (!report.approve_command.empty()) {
    text += "\nIt waits for approval:\n\n    " + plain(report.approve_command) + "\n";
  }
  return text;
}

}  // namespace hallmark::cli
