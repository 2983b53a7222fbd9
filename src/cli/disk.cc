/// hallmark disk scan: any disk file, without booting it.

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "disk/block_reader.h"
#include "scan/report.h"

namespace hallmark::cli {

namespace {

Outcome scan(App& app, const Arguments& arguments) {
  Path file = arguments.value_or("FILE", "");
  auto disk = disk::open_disk(file);
  model::Inventory inventory = app.scanner.take_inventory(*disk);
  Json record = {{"file", file.string()},
                 {"inventory", inventory},
                 {"assessment", nullptr},
                 {"html", arguments.has("--html")}};
  if (!arguments.has("--inventory-only")) {
    record["assessment"] = app.scanner.assess(inventory, app.stop);
  }
  return {record};
}

void render_inventory(const model::Inventory& inventory, App& app) {
  print_fields(app.out, {{"Distribution", inventory.distribution.pretty_name},
                         {"Architecture", inventory.architecture},
                         {"Packages", std::to_string(inventory.packages.size())},
                         {"Disk", format_size(inventory.disk_size_bytes) + ", of which " +
                                      format_size(inventory.fetched_bytes) + " were read"},
                         {"Gaps", std::to_string(inventory.gaps.size())}});
  app.out.stream << '\n';
  std::vector<std::vector<Cell>> rows;
  for (const model::Package& package : inventory.packages) {
    rows.push_back({package.name, package.version, package.architecture, package.source_name});
  }
  print_table(app.out, {"PACKAGE", "VERSION", "ARCHITECTURE", "SOURCE"}, rows);
  for (const model::CoverageGap& gap : inventory.gaps) {
    app.out.stream << paint(app.out, Tone::warning, "gap: ") << gap.what << ": " << gap.reason
                   << '\n';
  }
}

void render(const Json& record, App& app) {
  if (record.at("assessment").is_null()) {
    render_inventory(record.at("inventory").get<model::Inventory>(), app);
    return;
  }
  scan::ReportInput input{.title = record.at("file").get<std::string>(),
                          .after_name = "disk",
                          .after = record.at("assessment").get<model::Assessment>()};
  app.out.stream << (record.at("html").get<bool>() ? scan::report_html(input)
                                                   : scan::report_text(input));
}

}  // namespace

std::vector<Command> disk_commands() {
  return {
      {.noun = "disk",
       .verb = "scan",
       .summary = "Say what is installed on a disk file and what is wrong with it.",
       .examples = {{"hallmark disk scan debian.qcow2", "Pending security updates, as a table."},
                    {"hallmark disk scan debian.qcow2 --html > report.html", "As a page."},
                    {"hallmark disk scan debian.qcow2 --inventory-only",
                     "Only what is installed; needs no network."}},
       .arguments = {{"FILE", "a qcow2 or raw disk; it is only read, nothing boots"}},
       .options = {{"--html", "", "print the report as a page"},
                   {"--inventory-only", "", "match it against nothing"}},
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::unavailable, "the advisories cannot be fetched"},
                 {ErrorKind::corrupt, "the file is damaged"}},
       .run = scan,
       .render = render},
  };
}

}  // namespace hallmark::cli
