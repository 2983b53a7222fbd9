#include "scan/inventory/rpm.h"

#include <utility>

#include "scan/inventory/reader.h"
#include "scan/inventory/rpm_database.h"
#include "scan/inventory/rpm_header.h"
#include "scan/inventory/sqlite_table.h"

namespace hallmark::scan {
namespace {

// RHEL and Fedora, SUSE and newer Fedora, ostree.
constexpr const char* kDirectories[] = {"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"};
constexpr std::pair<const char*, RpmDatabase> kDatabases[] = {{"rpmdb.sqlite", RpmDatabase::sqlite},
                                                              {"Packages.db", RpmDatabase::ndb},
                                                              {"Packages", RpmDatabase::berkeley}};
// A server with thousands of packages has 250 MiB; what is larger cannot be held.
constexpr std::uint64_t kMaxDatabase = 1u << 30;
// A database that has lost more than this has lost everything.
constexpr int kMaxBroken = 100;

std::string read_all(fs::FileSystem& files, const std::string& path) {
  return files.stat(path) ? files.read_file(path, kMaxDatabase) : "";
}

}  // namespace

void read_rpm_database(model::Inventory& inventory, RpmDatabase kind, std::string_view bytes,
                       std::string_view log, const std::string& origin) {
  int broken_count = 0;
  const EachHeader broken = [&](std::string_view why) {
    if (++broken_count > kMaxBroken) {
      throw Error(ErrorKind::corrupt, "more than {} of its packages are broken", kMaxBroken);
    }
    inventory.gaps.push_back({origin, std::string(why)});
  };
  const EachHeader each = [&](std::string_view blob) {
    try {
      if (auto package = parse_rpm_header(blob)) inventory.packages.push_back(std::move(*package));
    } catch (const Error& error) {
      if (!is_about_content(error)) throw;
      broken(error.message());
    }
  };
  gap_on_error(inventory.gaps, origin, [&] {
    switch (kind) {
      case RpmDatabase::sqlite:
        read_sqlite_column(bytes, log, "Packages", 1, each);
        break;
      case RpmDatabase::ndb:
        read_ndb(bytes, each, broken);
        break;
      case RpmDatabase::berkeley:
        read_berkeley_hash(bytes, each, broken);
        break;
    }
  });
}

bool read_rpm(model::Inventory& inventory, fs::FileSystem& files) {
  for (const char* directory : kDirectories) {
    for (const auto& [name, kind] : kDatabases) {
      const std::string path = std::string(directory) + "/" + name;
      bool found = false;
      gap_on_error(inventory.gaps, path, [&, kind = kind] {
        if (!is_file(files, path)) return;
        found = true;
        const std::string log =
            kind == RpmDatabase::sqlite ? read_all(files, path + "-wal") : std::string();
        read_rpm_database(inventory, kind, read_all(files, path), log, path);
      });
      // The other directories are links to the first; another database beside it is what a
      // conversion left behind.
      if (found) return true;
    }
  }
  return false;
}

}  // namespace hallmark::scan
