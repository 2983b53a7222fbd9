/// hallmark scan match: a list of packages, from whomever, against the advisories.

#include "base/files.h"
#include "base/text.h"
#include "cli/findings.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "scan/advisory/sbom.h"

namespace hallmark::cli {

namespace {

// What Syft writes of a full desktop has 30 MB.
constexpr std::size_t kMaxBytes = 512u << 20;

Outcome match(App& app, const Arguments& arguments) {
  const Path file = arguments.value_or("SBOM", "");
  std::error_code none;
  if (std::filesystem::file_size(file, none) > kMaxBytes && !none) {
    throw Error(ErrorKind::usage, "{} has more than {}", file.string(), format_size(kMaxBytes));
  }
  const std::string text = read_file(file);
  const std::string name = file.filename().string();
  const model::Inventory inventory = scan::read_sbom(text, name);
  model::Assessment assessment = assess(app, inventory);
  apply_vex_options(assessment, inventory, scan::sbom_names(text, name), arguments);
  return with_findings({{"file", file.string()},
                        {"packages", inventory.packages.size()},
                        {"distribution", inventory.distribution},
                        {"assessment", assessment}},
                       subject_of(name, inventory, assessment), arguments);
}

void render(const Json& record, App& app) {
  if (render_document(record, app)) return;
  const auto assessment = record.at("assessment").get<model::Assessment>();
  std::vector<std::string> sources;
  for (const auto& source : assessment.advisories) sources.push_back(source.name);
  print_fields(app.out, {{"Distribution", one_line(assessment.distribution.pretty_name)},
                         {"Packages", std::to_string(assessment.package_count)},
                         {"Advisories", join(sources, ", ")},
                         {"Coverage", std::string(model::to_string(assessment.completeness))},
                         {"Findings", std::to_string(assessment.findings.size())}});
  render_vulnerabilities(assessment, app);
  render_hardening(assessment.findings, app);
  render_gaps(assessment.gaps, app);
}

}  // namespace

std::vector<Command> scan_commands() {
  return {{.noun = "scan",
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
           .options = finding_options(),
           .description = "Packages are compared with what `hallmark advisory` has compiled. What "
                          "cannot be compared is a gap, and is shown.",
           .exits = {held_exit(), {ErrorKind::corrupt, "the file is neither CycloneDX nor SPDX"}},
           .run = match,
           .render = render}};
}

}  // namespace hallmark::cli
