/// hallmark disk inventory: what is on a disk file, for people and as a bill of materials.

#include "base/files.h"
#include "base/text.h"
#include "cli/disk_source.h"
#include "cli/findings.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "scan/hardening.h"
#include "scan/scan.h"

namespace hallmark::cli {

namespace {

Outcome take(App& app, const Arguments& arguments) {
  const std::string format = arguments.value_or("--format", "table");
  const std::string output = arguments.value_or("-o", "");
  if (!output.empty() && format == "table") {
    throw Error(ErrorKind::usage, "-o goes with --format cyclonedx or spdx");
  }
  fs::System system = open_source(app, arguments);
  const bool languages = !arguments.has("--no-languages") && app.inventory().languages;
  const model::Inventory inventory = scan::take_inventory(system, {.languages = languages});
  const std::string source = arguments.value_or("FILE", "");
  Json record = {{"file", source}, {"inventory", inventory}};
  if (format == "table") return {record};
  evidence::Subject subject;
  subject.image_key = source_name(arguments);
  subject.product = Path(subject.image_key).stem().string();
  subject.os = inventory.distribution.id;
  subject.version = inventory.distribution.version_id;
  subject.image_id = source;
  subject.made_at = to_rfc3339(app.clock.now());
  subject.tool_version = HALLMARK_VERSION;
  subject.inventory = inventory;
  record["document"] = format == "spdx" ? evidence::spdx(subject) : evidence::cyclonedx(subject);
  if (!output.empty()) {
    write_file(output, pretty(record["document"]));
    record["output"] = output;
  }
  return {record};
}

/// "6.1.0-10-amd64, 6.1.0-9-amd64 (started)".
std::string kernels_of(const model::Inventory& inventory) {
  std::vector<std::string> kernels;
  for (const std::string& kernel : inventory.kernels) {
    kernels.push_back(kernel + (kernel == inventory.default_kernel ? " (started)" : ""));
  }
  return one_line(join(kernels, ", "));
}

void render_table(const model::Inventory& inventory, App& app) {
  const model::Distribution& distribution = inventory.distribution;
  print_fields(app.out, {{"Distribution", one_line(distribution.pretty_name)},
                         {"Supported until", one_line(distribution.end_of_support)},
                         {"Architecture", one_line(inventory.architecture)},
                         {"Kernels", kernels_of(inventory)},
                         {"Packages", std::to_string(inventory.packages.size())},
                         {"Disk", what_was_read(inventory)},
                         {"Gaps", std::to_string(inventory.gaps.size())}});
  app.out.stream << '\n';
  std::vector<std::vector<Cell>> rows;
  for (const model::Package& package : inventory.packages) {
    rows.push_back({one_line(package.name), one_line(package.version),
                    one_line(package.architecture), package.manager,
                    one_line(package.path.empty() ? package.source_name : package.path)});
  }
  print_table(app.out, {"PACKAGE", "VERSION", "ARCHITECTURE", "MANAGER", "SOURCE OR PATH"}, rows);
  render_hardening(scan::hardening_findings(inventory), app);
  render_gaps(inventory.gaps, app);
}

void render(const Json& record, App& app) {
  if (record.contains("output")) {
    app.out.stream << record.at("output").get<std::string>() << '\n';
  } else if (!render_document(record, app)) {
    render_table(record.at("inventory").get<model::Inventory>(), app);
  }
}

}  // namespace

std::vector<Command> disk_inventory_commands() {
  return {
      {.noun = "disk",
       .verb = "inventory",
       .summary = "List what is installed on a disk file, and what should not be there.",
       .examples = {{"hallmark disk inventory debian.qcow2", "Packages and files, as a table."},
                    {"hallmark disk inventory debian.qcow2 --format cyclonedx -o bom.json",
                     "A bill of materials for other tools."},
                    {"hallmark disk inventory debian.qcow2 --no-languages",
                     "Only what the distribution's own package manager knows."}},
       .arguments = {source_argument()},
       .options =
           source_options({{"--format",
                            "FORMAT",
                            "how; the default is table",
                            false,
                            {"table", "cyclonedx", "spdx"}},
                           {"-o", "FILE", "where the document goes instead of the standard output"},
                           {"--no-languages", "", "leave out packages of programming languages"}}),
       .description =
           "Reads the databases of dpkg, rpm (SQLite, ndb, Berkeley DB) and apk, names snaps and "
           "flatpaks, and looks through all files for packages of Python, Node, Go, Java, Ruby and "
           "Rust, for keys, passwords and settings that must not be in a golden image. What cannot "
           "be read is said as a gap.",
       .exits = {{ErrorKind::not_found, ""}, {ErrorKind::corrupt, "the file is damaged"}},
       .run = take,
       .render = render},
  };
}

}  // namespace hallmark::cli
