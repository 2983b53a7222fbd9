/// hallmark disk scan: any disk, directory or archive, without booting it.

#include <algorithm>

#include "base/text.h"
#include "cli/disk_source.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "evidence/report_html.h"
#include "scan/scan.h"

namespace hallmark::cli {

namespace {

/// The same page as of an image, of which less is known.
std::string page(const Path& file, const model::Inventory& inventory,
                 const model::Assessment& assessment) {
  evidence::Subject subject;
  subject.image_key = file.filename().string();
  subject.image_id = file.string();
  subject.made_at = assessment.assessed_at;
  subject.inventory = inventory;
  subject.assessments = {assessment};
  subject.findings = scan::merge(subject.assessments);
  return evidence::report_html(subject);
}

Outcome scan(App& app, const Arguments& arguments) {
  Path file = arguments.value_or("FILE", "");
  fs::System system = open_source(arguments);
  model::Inventory inventory =
      scan::take_inventory(system, {.files = !arguments.has("--packages-only")});
  Json record = {{"file", file.string()}, {"inventory", inventory}, {"assessment", nullptr}};
  const std::string html = arguments.value_or("--html", "");
  if (arguments.has("--inventory-only")) {
    if (!html.empty())
      throw Error(ErrorKind::usage, "--html shows what --inventory-only leaves out");
    return {record};
  }
  const model::Assessment assessment = app.scanner.assess(inventory, app.stop);
  record["assessment"] = assessment;
  if (!html.empty()) {
    write_file(html, page(file, inventory, assessment));
    record["html"] = html;
  }
  return {record};
}

void render_gaps(const std::vector<model::CoverageGap>& gaps, App& app) {
  for (const model::CoverageGap& gap : gaps) {
    app.out.stream << paint(app.out, Tone::warning, "gap: ") << gap.what << ": " << gap.reason
                   << '\n';
  }
}

void render_assessment(const model::Assessment& assessment, App& app) {
  std::vector<std::string> sources;
  for (const model::AdvisorySource& source : assessment.advisories) {
    sources.push_back(source.name + " of " + source.valid_from);
  }
  const auto updates = std::count_if(assessment.findings.begin(), assessment.findings.end(),
                                     [](const model::Finding& finding) {
                                       return finding.kind == model::FindingKind::vulnerability;
                                     });
  print_fields(app.out, {{"Distribution", assessment.distribution.pretty_name},
                         {"Packages", std::to_string(assessment.package_count)},
                         {"Advisories", join(sources, ", ")},
                         {"Coverage", std::string(model::to_string(assessment.completeness))},
                         {"Pending security updates", std::to_string(updates)}});
  std::vector<std::vector<Cell>> rows;
  std::vector<std::vector<Cell>> facts;
  for (const model::Finding& finding : assessment.findings) {
    if (finding.kind != model::FindingKind::vulnerability) {
      facts.push_back(
          {std::string(model::to_string(finding.severity)), finding.title, finding.remediation});
      continue;
    }
    rows.push_back({finding.package, finding.installed_version,
                    finding.fixed_version.empty() ? "none yet" : finding.fixed_version,
                    std::string(model::to_string(finding.severity)), finding.advisory_source});
  }
  if (!rows.empty()) {
    app.out.stream << '\n';
    print_table(app.out, {"PACKAGE", "INSTALLED", "FIXED IN", "SEVERITY", "ADVISORY"}, rows);
  }
  if (!facts.empty()) {
    app.out.stream << "\nShould not be in a golden image:\n";
    print_table(app.out, {"SEVERITY", "WHAT", "WAY OUT"}, facts);
  }
  render_gaps(assessment.gaps, app);
}

void render_inventory(const model::Inventory& inventory, App& app) {
  std::string disk = inventory.disk_size_bytes == 0
                         ? "none: a directory or an archive"
                         : format_size(inventory.disk_size_bytes) + ", of which " +
                               format_size(inventory.fetched_bytes) + " were read";
  print_fields(app.out, {{"Distribution", inventory.distribution.pretty_name},
                         {"Architecture", inventory.architecture},
                         {"Packages", std::to_string(inventory.packages.size())},
                         {"Disk", disk},
                         {"Gaps", std::to_string(inventory.gaps.size())}});
  app.out.stream << '\n';
  std::vector<std::vector<Cell>> rows;
  for (const model::Package& package : inventory.packages) {
    rows.push_back({package.name, package.version, package.architecture, package.source_name});
  }
  print_table(app.out, {"PACKAGE", "VERSION", "ARCHITECTURE", "SOURCE"}, rows);
  render_gaps(inventory.gaps, app);
}

void render(const Json& record, App& app) {
  if (record.at("assessment").is_null()) {
    render_inventory(record.at("inventory").get<model::Inventory>(), app);
    return;
  }
  render_assessment(record.at("assessment").get<model::Assessment>(), app);
}

}  // namespace

std::vector<Command> disk_commands() {
  return {
      {.noun = "disk",
       .verb = "scan",
       .summary = "Say what is installed on a disk and what is wrong with it.",
       .examples = {{"hallmark disk scan debian.qcow2", "Pending security updates, as a table."},
                    {"hallmark disk scan debian.qcow2 --inventory-only",
                     "Only what is installed; needs no network."},
                    {"hallmark disk scan debian.qcow2 --packages-only",
                     "Only what package managers know, in milliseconds."},
                    {"hallmark disk scan debian.qcow2 --html debian.html",
                     "And as a page with charts, which loads nothing from anywhere."},
                    {"hallmark disk scan rootfs.tar.zst", "An archive of a root file system."}},
       .arguments = {source_argument()},
       .options = {{"--inventory-only", "", "match it against nothing"},
                   {"--packages-only", "",
                    "read the package databases and not each file: nothing of programming "
                    "languages, nor what should not be there"},
                   any_backing_file_option(),
                   {"--html", "FILE", "also write a page for a browser"}},
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::unavailable, "the advisories cannot be fetched"},
                 {ErrorKind::corrupt, "the file is damaged"}},
       .run = scan,
       .render = render},
  };
}

}  // namespace hallmark::cli
