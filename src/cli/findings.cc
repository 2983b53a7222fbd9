#include "cli/findings.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "cli/table.h"
#include "scan/advisory/vex.h"

namespace hallmark::cli {

namespace {

using model::Finding;
using model::Severity;

bool counts(const Finding& finding, Severity least) {
  if (finding.status == model::FindingStatus::suppressed) return false;
  // Nobody has said how bad it is: that is no reason to let it pass.
  return finding.severity == Severity::unknown || finding.severity >= least;
}

std::string shown_id(const Finding& finding) {
  const auto& ids = finding.cves.empty() ? finding.advisory_ids : finding.cves;
  if (ids.empty()) return finding.finding_id;
  return ids.size() == 1 ? ids[0] : ids[0] + fmt::format(" and {} more", ids.size() - 1);
}

std::string shown_fix(const Finding& finding) {
  if (!finding.fixed_version.empty()) return finding.fixed_version;
  return finding.fix == model::FixState::none || finding.fix == model::FixState::unknown
             ? "none yet"
             : replace_all(std::string(model::to_string(finding.fix)), "_", " ");
}

Cell severity_cell(const Finding& finding) {
  Tone tone = Tone::plain;
  if (finding.severity == Severity::medium || finding.severity == Severity::unknown) {
    tone = Tone::warning;
  }
  if (finding.severity >= Severity::high) tone = Tone::bad;
  if (finding.status == model::FindingStatus::suppressed) tone = Tone::faint;
  return {std::string(model::to_string(finding.severity)), tone};
}

std::vector<Finding> worst_first(std::vector<Finding> findings) {
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return findings;
}

}  // namespace

std::vector<OptionSpec> finding_options() {
  return {{"--format", "FORMAT", "instead of a table", false, {"table", "sarif", "cyclonedx"}},
          {"--fail-on",
           "SEVERITY",
           "fail if a finding is as bad or worse, or if nothing could be matched",
           false,
           {"critical", "high", "medium", "low", "info"}},
          {"--vex", "FILE", "what does not affect it, in OpenVEX or CycloneDX", true}};
}

std::pair<ErrorKind, std::string> held_exit() {
  return {ErrorKind::rejected, "findings that --fail-on names, or nothing could be matched"};
}

model::Assessment assess(App& app, const model::Inventory& inventory) {
  model::Assessment assessment = app.scanner.assess(inventory, app.stop);
  if (app.scanner.annotate) app.scanner.annotate({&assessment, 1}, app.stop);
  return assessment;
}

evidence::Subject subject_of(const std::string& name, const model::Inventory& inventory,
                             const model::Assessment& assessment) {
  evidence::Subject subject;
  subject.image_key = name;
  subject.product = name;
  subject.os = inventory.distribution.id;
  subject.version = inventory.distribution.version_id;
  subject.made_at = assessment.assessed_at;
  subject.inventory = inventory;
  subject.assessments = {assessment};
  subject.findings = scan::merge(subject.assessments);
  return subject;
}

void apply_vex_options(model::Assessment& assessment, const model::Inventory& inventory,
                       const std::vector<std::string>& products, const Arguments& arguments) {
  for (const std::string& document : arguments.values("--vex")) {
    scan::apply_vex(assessment, scan::read_vex(read_file(document), document), inventory, products);
  }
}

Outcome with_findings(Json record, const evidence::Subject& subject, const Arguments& arguments) {
  const std::string format = arguments.value_or("--format", "table");
  record["format"] = format;
  if (format == "sarif") record["document"] = evidence::sarif(subject);
  if (format == "cyclonedx") record["document"] = evidence::cyclonedx(subject);
  const auto least = arguments.value("--fail-on");
  if (!least) return {record};
  const model::Assessment& assessment = subject.assessments.front();
  const Severity severity = model::severity_from(*least);
  const auto held =
      std::count_if(assessment.findings.begin(), assessment.findings.end(),
                    [&](const Finding& finding) { return counts(finding, severity); });
  record["held"] = held;
  // What was not seen cannot be said to be without findings.
  const bool is_held = held != 0 || assessment.completeness >= model::Completeness::inconclusive;
  return {record, is_held ? traits(ErrorKind::rejected).exit_code : 0};
}

bool render_document(const Json& record, App& app) {
  if (!record.contains("document")) return false;
  app.out.stream << pretty(record.at("document")) << '\n';
  return true;
}

void render_vulnerabilities(const model::Assessment& assessment, App& app) {
  if (assessment.advisories.empty()) {
    app.err.stream
        << "it was compared with no advisories: `hallmark advisory update` fetches those "
           "of config.yaml,\n`hallmark advisory import` takes a file\n";
  }
  std::vector<std::vector<Cell>> rows;
  for (const Finding& finding : worst_first(assessment.findings)) {
    if (finding.kind == model::FindingKind::compliance) continue;
    const bool suppressed = finding.status == model::FindingStatus::suppressed;
    const std::string exploited = finding.known_exploited ? ", exploited" : "";
    rows.push_back({severity_cell(finding), one_line(shown_id(finding) + exploited),
                    one_line(finding.package), one_line(finding.installed_version),
                    one_line(suppressed ? finding.evidence : shown_fix(finding)),
                    one_line(finding.advisory_source)});
  }
  if (rows.empty()) return;
  app.out.stream << '\n';
  print_table(app.out, {"SEVERITY", "FINDING", "PACKAGE", "INSTALLED", "FIXED IN", "FEED"}, rows);
}

void render_hardening(const std::vector<Finding>& findings, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Finding& finding : worst_first(findings)) {
    if (finding.kind != model::FindingKind::compliance) continue;
    rows.push_back({severity_cell(finding), one_line(finding.title), one_line(finding.evidence),
                    finding.remediation});
  }
  if (rows.empty()) return;
  app.out.stream << "\nShould not be in a golden image:\n";
  print_table(app.out, {"SEVERITY", "WHAT", "SEEN", "WAY OUT"}, rows);
}

void render_gaps(const std::vector<model::CoverageGap>& gaps, App& app) {
  for (const model::CoverageGap& gap : gaps) {
    app.out.stream << paint(app.out, Tone::warning, "gap: ") << one_line(gap.what) << ": "
                   << one_line(gap.reason) << '\n';
  }
}

}  // namespace hallmark::cli
