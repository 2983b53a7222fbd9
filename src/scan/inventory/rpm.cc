#include "scan/inventory/rpm.h"

#include <functional>
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

void read_headers(RpmDatabase kind, std::string_view bytes, std::string_view log,
                  const EachHeader& each, const EachHeader& broken) {
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
}

using ReadDatabase = std::function<void(RpmDatabase kind, std::string_view bytes,
                                        std::string_view log, const std::string& path)>;

/// Whether there is one; what `read` throws is a gap.
bool find_database(std::vector<model::CoverageGap>& gaps, fs::FileSystem& files,
                   const ReadDatabase& read) {
  for (const char* directory : kDirectories) {
    for (const auto& [name, kind] : kDatabases) {
      const std::string path = std::string(directory) + "/" + name;
      bool found = false;
      gap_on_error(gaps, path, [&, kind = kind] {
        if (!is_file(files, path)) return;
        found = true;
        const std::string log =
            kind == RpmDatabase::sqlite ? read_all(files, path + "-wal") : std::string();
        read(kind, read_all(files, path), log, path);
      });
      // The other directories are links to the first; another database beside it is what a
      // conversion left behind.
      if (found) return true;
    }
  }
  return false;
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
  gap_on_error(inventory.gaps, origin, [&] { read_headers(kind, bytes, log, each, broken); });
}

bool read_rpm(model::Inventory& inventory, fs::FileSystem& files) {
  return find_database(
      inventory.gaps, files,
      [&](RpmDatabase kind, std::string_view bytes, std::string_view log, const std::string& path) {
        read_rpm_database(inventory, kind, bytes, log, path);
      });
}

void each_rpm_header(std::vector<model::CoverageGap>& gaps, fs::FileSystem& files,
                     const EachHeader& each) {
  const EachHeader broken = [](std::string_view) {};
  find_database(
      gaps, files,
      [&](RpmDatabase kind, std::string_view bytes, std::string_view log, const std::string& path) {
        read_headers(
            kind, bytes, log,
            [&](std::string_view header) { gap_on_error(gaps, path, [&] { each(header); }); },
            broken);
      });
}

}  // namespace hallmark::scan
