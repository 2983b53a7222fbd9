/// hallmark scan match: a list of packages, from whomever, against the advisories.

#include <algorithm>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "evidence/documents.h"
#include "scan/advisory/sbom.h"
#include "scan/advisory/vex.h"

namespace hallmark::cli {

namespace {

using model::Finding;
using model::Severity;

// What Syft writes of a full desktop has 30 MB.
constexpr std::size_t kMaxBytes = 512u << 20;

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

bool counts(const Finding& finding, Severity least) {
  if (finding.status == model::FindingStatus::suppressed) return false;
  // Nobody has said how bad it is: that is no reason to let it pass.
  return finding.severity == Severity::unknown || finding.severity >= least;
}

Outcome match(App& app, const Arguments& arguments) {
  const Path file = arguments.value_or("SBOM", "");
  std::error_code none;
  if (std::filesystem::file_size(file, none) > kMaxBytes && !none) {
    throw Error(ErrorKind::usage, "{} has more than {}", file.string(), format_size(kMaxBytes));
  }
  const std::string text = read_file(file);
  const std::string name = file.filename().string();
  const model::Inventory inventory = scan::read_sbom(text, name);
  model::Assessment assessment = app.scanner.assess(inventory, app.stop);
  for (const std::string& document : arguments.values("--vex")) {
    scan::apply_vex(assessment, scan::read_vex(read_file(document), document), inventory,
                    scan::sbom_names(text, name));
  }
  const std::string format = arguments.value_or("--format", "table");
  Json record = {{"file", file.string()},
                 {"format", format},
                 {"packages", inventory.packages.size()},
                 {"distribution", inventory.distribution},
                 {"assessment", assessment}};
  const auto subject = subject_of(name, inventory, assessment);
  if (format == "sarif") record["document"] = evidence::sarif(subject);
  if (format == "cyclonedx") record["document"] = evidence::cyclonedx(subject);
  int exit_code = 0;
  if (const auto least = arguments.value("--fail-on")) {
    const Severity severity = model::severity_from(*least);
    const auto held =
        std::count_if(assessment.findings.begin(), assessment.findings.end(),
                      [&](const Finding& finding) { return counts(finding, severity); });
    record["held"] = held;
    // What was not seen cannot be said to be without findings.
    if (held != 0 || assessment.completeness >= model::Completeness::inconclusive)
      exit_code = traits(ErrorKind::rejected).exit_code;
  }
  return {record, exit_code};
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

Tone tone_of(Severity severity) {
  if (severity >= Severity::high) return Tone::bad;
  return severity == Severity::medium || severity == Severity::unknown ? Tone::warning
                                                                       : Tone::plain;
}

void render(const Json& record, App& app) {
  if (record.contains("document")) {
    app.out.stream << pretty(record.at("document")) << '\n';
    return;
  }
  auto assessment = record.at("assessment").get<model::Assessment>();
  std::vector<std::string> sources;
  for (const auto& source : assessment.advisories) sources.push_back(source.name);
  print_fields(app.out, {{"Distribution", assessment.distribution.pretty_name},
                         {"Packages", std::to_string(assessment.package_count)},
                         {"Advisories", join(sources, ", ")},
                         {"Coverage", std::string(model::to_string(assessment.completeness))},
                         {"Findings", std::to_string(assessment.findings.size())}});
  std::stable_sort(assessment.findings.begin(), assessment.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  std::vector<std::vector<Cell>> rows;
  for (const Finding& finding : assessment.findings) {
    const bool suppressed = finding.status == model::FindingStatus::suppressed;
    rows.push_back(
        {Cell(std::string(model::to_string(finding.severity)),
              suppressed ? Tone::faint : tone_of(finding.severity)),
         shown_id(finding), one_line(finding.package), one_line(finding.installed_version),
         suppressed ? finding.evidence : one_line(shown_fix(finding)), finding.advisory_source});
  }
  if (!rows.empty()) {
    app.out.stream << '\n';
    print_table(app.out, {"SEVERITY", "FINDING", "PACKAGE", "INSTALLED", "FIXED IN", "FEED"}, rows);
  }
  for (const auto& gap : assessment.gaps) {
    app.out.stream << paint(app.out, Tone::warning, "gap: ") << one_line(gap.what) << ": "
                   << one_line(gap.reason) << '\n';
  }
}

}  // namespace

std::vector<Command> scan_commands() {
  return {
      {.noun = "scan",
       .verb = "match",
       .summary = "Say what is wrong with a list of packages, in CycloneDX or SPDX.",
       .examples = {{"hallmark scan match sbom.json", "A table, the worst first."},
                    {"hallmark scan match sbom.json --format sarif > findings.sarif",
                     "For a code host."},
                    {"hallmark scan match sbom.json --fail-on high",
                     "Exit code 3 if anything is high, critical or not rated."}},
       .arguments =
           {{"SBOM",
             "a JSON file; `hallmark image evidence` writes one, and so do Syft and Trivy"}},
       .options =
           {{"--format", "FORMAT", "instead of a table", false, {"table", "sarif", "cyclonedx"}},
            {"--fail-on",
             "SEVERITY",
             "fail if a finding is as bad or worse, or if nothing could be matched",
             false,
             {"critical", "high", "medium", "low", "info"}},
            {"--vex", "FILE", "what does not affect it, in OpenVEX or CycloneDX", true}},
       .description = "Packages are compared with what `hallmark advisory` has compiled. What "
                      "cannot be compared is a gap, and is shown.",
       .exits = {{ErrorKind::rejected,
                  "findings that --fail-on names, or nothing could be matched"},
                 {ErrorKind::corrupt, "the file is neither CycloneDX nor SPDX"}},
       .run = match,
       .render = render}};
}

}  // namespace hallmark::cli
