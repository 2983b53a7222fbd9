/// hallmark disk inventory: what is on a disk file, for people and as a bill of materials.

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "evidence/documents.h"
#include "fs/system.h"
#include "scan/hardening.h"
#include "scan/scan.h"

namespace hallmark::cli {

namespace {

evidence::Subject subject_of(const Path& file, const model::Inventory& inventory,
                             const Clock& clock) {
  evidence::Subject subject;
  subject.image_key = file.filename().string();
  subject.product = file.stem().string();
  subject.os = inventory.distribution.id;
  subject.version = inventory.distribution.version_id;
  subject.image_id = file.string();
  subject.made_at = to_rfc3339(clock.now());
  subject.tool_version = HALLMARK_VERSION;
  subject.inventory = inventory;
  return subject;
}

Outcome take(App& app, const Arguments& arguments) {
  const Path file = arguments.value_or("FILE", "");
  const std::string format = arguments.value_or("--format", "table");
  const std::string output = arguments.value_or("-o", "");
  if (!output.empty() && format == "table") {
    throw Error(ErrorKind::usage, "-o goes with --format cyclonedx or spdx");
  }
  fs::System system = fs::open_system(file);
  const model::Inventory inventory =
      scan::take_inventory(system, {.languages = !arguments.has("--no-languages")});
  Json record = {{"file", file.string()}, {"inventory", inventory}, {"document", nullptr}};
  if (format == "table") return {record};
  const evidence::Subject subject = subject_of(file, inventory, app.clock);
  record["document"] = format == "spdx" ? evidence::spdx(subject) : evidence::cyclonedx(subject);
  if (!output.empty()) {
    write_file(output, pretty(record["document"]));
    record["output"] = output;
  }
  return {record};
}

void render_gaps(const std::vector<model::CoverageGap>& gaps, App& app) {
  for (const model::CoverageGap& gap : gaps) {
    app.out.stream << paint(app.out, Tone::warning, "gap: ") << model::safe_text(gap.what) << ": "
                   << model::safe_text(gap.reason) << '\n';
  }
}

/// "6.1.0-10-amd64, 6.1.0-9-amd64 (started)".
std::string kernels_of(const model::Inventory& inventory) {
  std::vector<std::string> kernels;
  for (const std::string& kernel : inventory.kernels) {
    kernels.push_back(kernel + (kernel == inventory.default_kernel ? " (started)" : ""));
  }
  return model::safe_text(join(kernels, ", "));
}

void render_facts(const model::Inventory& inventory, App& app) {
  const std::vector<model::Finding> findings = scan::hardening_findings(inventory);
  if (findings.empty()) return;
  std::vector<std::vector<Cell>> rows;
  for (const model::Finding& finding : findings) {
    rows.push_back({std::string(model::to_string(finding.severity)), finding.title,
                    finding.evidence, finding.remediation});
  }
  app.out.stream << "\nShould not be in a golden image:\n";
  print_table(app.out, {"SEVERITY", "WHAT", "SEEN", "WAY OUT"}, rows);
}

void render_table(const model::Inventory& inventory, App& app) {
  const model::Distribution& distribution = inventory.distribution;
  print_fields(app.out, {{"Distribution", model::safe_text(distribution.pretty_name)},
                         {"Supported until", model::safe_text(distribution.end_of_support)},
                         {"Architecture", model::safe_text(inventory.architecture)},
                         {"Kernels", kernels_of(inventory)},
                         {"Packages", std::to_string(inventory.packages.size())},
                         {"Disk", format_size(inventory.disk_size_bytes) + ", of which " +
                                      format_size(inventory.fetched_bytes) + " were read"},
                         {"Gaps", std::to_string(inventory.gaps.size())}});
  app.out.stream << '\n';
  std::vector<std::vector<Cell>> rows;
  for (const model::Package& package : inventory.packages) {
    rows.push_back({model::safe_text(package.name), model::safe_text(package.version),
                    model::safe_text(package.architecture), package.manager,
                    model::safe_text(package.path.empty() ? package.source_name : package.path)});
  }
  print_table(app.out, {"PACKAGE", "VERSION", "ARCHITECTURE", "MANAGER", "SOURCE OR PATH"}, rows);
  render_facts(inventory, app);
  render_gaps(inventory.gaps, app);
}

void render(const Json& record, App& app) {
  if (record.contains("output")) {
    app.out.stream << record.at("output").get<std::string>() << '\n';
  } else if (!record.at("document").is_null()) {
    app.out.stream << pretty(record.at("document"));
  } else {
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
       .arguments = {{"FILE",
                      "a disk, a directory or a tar archive; it is only read, nothing boots"}},
       .options = {{"--format",
                    "FORMAT",
                    "how; the default is table",
                    false,
                    {"table", "cyclonedx", "spdx"}},
                   {"-o", "FILE", "where the document goes instead of the standard output"},
                   {"--no-languages", "", "leave out packages of programming languages"}},
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
