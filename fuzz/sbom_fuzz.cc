#include <cstdint>

#include "fuzz/only_errors.h"
#include "scan/advisory/sbom.h"
#include "scan/advisory/vex.h"

namespace scan = hallmark::scan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hallmark::only_errors([&] { scan::read_sbom(text, "fuzz"); });
  hallmark::only_errors([&] { scan::sbom_names(text, "fuzz"); });
  hallmark::only_errors([&] {
    const auto statements = scan::read_vex(text, "fuzz");
    hallmark::model::Inventory inventory;
    inventory.distribution = {.id = "debian", .version_id = "12"};
    hallmark::model::Assessment assessment;
    assessment.distribution = inventory.distribution;
    for (const auto& statement : statements) {
      inventory.packages.push_back({statement.package.name, statement.package.version, "amd64",
                                    statement.package.name, statement.package.version, "dpkg"});
      hallmark::model::Finding finding;
      finding.package = statement.package.name;
      finding.installed_version = statement.package.version;
      finding.cves = statement.flaws;
      assessment.findings.push_back(std::move(finding));
    }
    scan::apply_vex(assessment, statements, inventory);
  });
  return 0;
}
