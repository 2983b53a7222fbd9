/// hallmark disk scan: any disk, directory or archive, without booting it.

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "cli/disk_source.h"
#include "cli/findings.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "evidence/report_html.h"
#include "scan/scan.h"

namespace hallmark::cli {

namespace {

Outcome scan(App& app, const Arguments& arguments) {
  const std::string html = arguments.value_or("--html", "");
  const bool matches = !arguments.has("--inventory-only");
  for (const char* option : {"--html", "--format", "--fail-on", "--vex"}) {
    if (matches || !arguments.has(option)) continue;
    throw Error(ErrorKind::usage, "{} needs what --inventory-only leaves out", option)
        .hint("`hallmark disk inventory` writes what is installed, also as CycloneDX and SPDX");
  }
  fs::System system = open_source(app, arguments);
  const bool languages = !arguments.has("--no-languages") && app.inventory().languages;
  const bool files = !arguments.has("--packages-only");
  model::Inventory inventory =
      scan::take_inventory(system, {.files = files, .languages = languages});
  // Who reads the report later does not see how it was asked for.
  if (!files) {
    inventory.gaps.push_back({"files",
                              "not looked at (--packages-only): packages of programming "
                              "languages, keys, passwords and settings are not known"});
  }
  Json record = {
      {"file", arguments.value_or("FILE", "")}, {"inventory", inventory}, {"assessment", nullptr}};
  if (!matches) return {record};
  model::Assessment assessment = assess(app, inventory);
  apply_vex_options(assessment, inventory, {}, arguments);
  record["assessment"] = assessment;
  evidence::Subject subject = subject_of(source_name(arguments), inventory, assessment);
  subject.image_id = arguments.value_or("FILE", "");
  if (!html.empty()) {
    write_file(html, evidence::report_html(subject));
    record["html"] = html;
  }
  return with_findings(std::move(record), subject, arguments);
}

void render_assessment(const model::Assessment& assessment, App& app) {
  std::vector<std::string> sources;
  for (const model::AdvisorySource& source : assessment.advisories) {
    sources.push_back(source.name + " of " + source.valid_from);
  }
  const auto updates = std::count_if(
      assessment.findings.begin(), assessment.findings.end(),
      [](const model::Finding& finding) { return finding.kind != model::FindingKind::compliance; });
  print_fields(app.out, {{"Distribution", one_line(assessment.distribution.pretty_name)},
                         {"Packages", std::to_string(assessment.package_count)},
                         {"Advisories", join(sources, ", ")},
                         {"Coverage", std::string(model::to_string(assessment.completeness))},
                         {"Findings", std::to_string(updates)}});
  render_vulnerabilities(assessment, app);
  render_hardening(assessment.findings, app);
  render_gaps(assessment.gaps, app);
}

void render_inventory(const model::Inventory& inventory, App& app) {
  print_fields(app.out, {{"Distribution", one_line(inventory.distribution.pretty_name)},
                         {"Architecture", one_line(inventory.architecture)},
                         {"Packages", std::to_string(inventory.packages.size())},
                         {"Disk", what_was_read(inventory)},
                         {"Gaps", std::to_string(inventory.gaps.size())}});
  app.out.stream << '\n';
  std::vector<std::vector<Cell>> rows;
  for (const model::Package& package : inventory.packages) {
    rows.push_back({one_line(package.name), one_line(package.version),
                    one_line(package.architecture), one_line(package.source_name)});
  }
  print_table(app.out, {"PACKAGE", "VERSION", "ARCHITECTURE", "SOURCE"}, rows);
  render_gaps(inventory.gaps, app);
}

void render(const Json& record, App& app) {
  if (render_document(record, app)) return;
  if (record.at("assessment").is_null()) {
    render_inventory(record.at("inventory").get<model::Inventory>(), app);
    return;
  }
  render_assessment(record.at("assessment").get<model::Assessment>(), app);
}

}  // namespace

std::string what_was_read(const model::Inventory& inventory) {
  if (inventory.disk_size_bytes == 0) return "none: a directory or an archive";
  return format_size(inventory.disk_size_bytes) + ", of which " +
         format_size(inventory.fetched_bytes) + " were read";
}

std::vector<Command> disk_commands() {
  std::vector<OptionSpec> options = finding_options();
  options.push_back({"--html", "FILE", "also write a page for a browser"});
  options.push_back({"--inventory-only", "", "match it against nothing"});
  options.push_back({"--packages-only", "",
                     "read the package databases and not each file: nothing of programming "
                     "languages, nor what should not be there"});
  options.push_back({"--no-languages", "", "leave out packages of programming languages"});
  return {
      {.noun = "disk",
       .verb = "scan",
       .summary = "Say what is installed on a disk and what is wrong with it.",
       .examples = {{"hallmark disk scan debian.qcow2", "What is wrong with it, the worst first."},
                    {"hallmark disk scan debian.qcow2 --fail-on high",
                     "Exit code 3 if anything is high, critical or not rated."},
                    {"hallmark disk scan ami:ami-0123456789abcdef0 --region us-east-1",
                     "An image of the cloud; no machine is started."},
                    {"hallmark disk scan debian.qcow2 --format sarif > findings.sarif",
                     "For a code host."},
                    {"hallmark disk scan debian.qcow2 --packages-only",
                     "Only what package managers know, in milliseconds."},
                    {"hallmark disk scan debian.qcow2 --html debian.html",
                     "And as a page with charts, which loads nothing from anywhere."},
                    {"hallmark disk scan rootfs.tar.zst", "An archive of a root file system."}},
       .arguments = {source_argument()},
       .options = source_options(std::move(options)),
       .description = "Packages are compared with what `hallmark advisory` has compiled and with "
                      "the distribution's own security suite. What cannot be read or compared is "
                      "a gap, and is shown.",
       .exits = {held_exit(),
                 {ErrorKind::not_found, ""},
                 {ErrorKind::unavailable, "the advisories cannot be fetched"},
                 {ErrorKind::corrupt, "the file is damaged"}},
       .run = scan,
       .render = render},
  };
}

}  // namespace hallmark::cli
