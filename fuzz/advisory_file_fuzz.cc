#include <cstdint>
#include <cstring>
#include <string>

#include "base/ids.h"
#include "fuzz/only_errors.h"
#include "scan/advisory/advisory_file.h"
#include "scan/advisory/match.h"

namespace scan = hallmark::scan;

/// The header's own digest is mended, so that what lies behind it is reached.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.size() >= sizeof(scan::HeaderRecord)) {
    scan::HeaderRecord header;
    std::memcpy(&header, bytes.data(), sizeof header);
    std::memcpy(header.magic.data(), scan::kAdvisoryMagic.data(), header.magic.size());
    header.version = scan::kAdvisoryVersion;
    header.header_bytes = sizeof header;
    header.file_bytes = bytes.size();
    const std::string digest = hallmark::sha256_hex(std::string_view(
        reinterpret_cast<const char*>(&header), sizeof header - sizeof header.header_sha256));
    std::memcpy(header.header_sha256.data(), digest.data(), digest.size());
    std::memcpy(bytes.data(), &header, sizeof header);
  }
  hallmark::only_errors([&] {
    const scan::AdvisoryFile file(bytes);
    for (const auto& ecosystem : file.ecosystems()) {
      const auto* found = file.ecosystem(file.text(ecosystem.name));
      if (found == nullptr) continue;
      for (const char* name : {"", "a", "openssl", "linux-image"}) {
        for (const auto& statement : file.find(*found, name)) {
          file.text(statement.fixed);
          const auto& advisory = file.advisory(statement.advisory);
          for (const auto cve : file.cves(advisory)) file.text(cve);
        }
      }
    }
    hallmark::model::Inventory inventory;
    inventory.distribution = {.id = "debian", .version_id = "12"};
    for (const char* manager : {"dpkg", "python"}) {
      for (const char* name : {"a", "openssl", "linux-image"})
        inventory.packages.push_back({name, "1.0", "amd64", name, "1.0", manager});
    }
    hallmark::ManualClock clock(hallmark::from_rfc3339("2026-01-01T00:00:00Z"));
    scan::match(inventory, file, clock);
  });
  return 0;
}
