#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "fs/system.h"
#include "scan/dpkg.h"
#include "scan/os_release.h"
#include "scan/scan.h"

namespace hallmark::scan {
namespace {

using model::CoverageGap;
using model::Inventory;

constexpr const char* kOsRelease[] = {"/etc/os-release", "/usr/lib/os-release"};
// Text that a person edits or a program reads at boot is small; more is a mistake or an attack.
constexpr std::uint64_t kMaxText = 1 << 20;

std::string reason_of(const Error& error) { return replace_all(error.full_text(), "\n", ";"); }

/// Failing to read the disk itself ends the inventory; everything else is a gap.
bool is_about_content(const Error& error) {
  return error.kind() != ErrorKind::unavailable && error.kind() != ErrorKind::internal;
}

template <typename Function>
void gap_on_error(std::vector<CoverageGap>& gaps, const std::string& what, Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (!is_about_content(error)) throw;
    gaps.push_back({what, reason_of(error)});
  }
}

void read_distribution(Inventory& inventory, fs::FileSystem& files) {
  gap_on_error(inventory.gaps, "os-release", [&] {
    for (const char* path : kOsRelease) {
      if (!files.stat(path)) continue;
      inventory.distribution = parse_os_release(files.read_file(path, kMaxText));
      return;
    }
  });
}

void append(Inventory& inventory, DpkgPackages found) {
  std::move(found.packages.begin(), found.packages.end(), std::back_inserter(inventory.packages));
  std::move(found.gaps.begin(), found.gaps.end(), std::back_inserter(inventory.gaps));
}

std::vector<std::string> names_in(fs::FileSystem& files, const std::string& path) {
  auto info = files.stat(path);
  if (!info || info->type != fs::FileType::directory) return {};
  return files.list(path);
}

void read_packages(Inventory& inventory, fs::FileSystem& files) {
  bool found = false;
  const std::string status = "/var/lib/dpkg/status";
  gap_on_error(inventory.gaps, status, [&] {
    if (!files.stat(status)) return;
    found = true;
    append(inventory, parse_dpkg_status(files.read_file(status), status));
  });
  // Images built without dpkg itself keep one file per package.
  const std::string directory = "/var/lib/dpkg/status.d";
  gap_on_error(inventory.gaps, directory, [&] {
    for (const std::string& name : names_in(files, directory)) {
      if (name.ends_with(".md5sums")) continue;
      std::string path = directory + "/" + name;
      gap_on_error(inventory.gaps, path, [&] {
        found = true;
        append(inventory, parse_dpkg_status(files.read_file(path), path));
      });
    }
  });
  // dpkg writes its changes here first and merges them when it ends well.
  gap_on_error(inventory.gaps, "/var/lib/dpkg/updates", [&] {
    if (!names_in(files, "/var/lib/dpkg/updates").empty()) {
      inventory.gaps.push_back({"/var/lib/dpkg/updates",
                                "dpkg was interrupted: its last changes are not in its status"});
    }
  });
  if (!found) {
    inventory.gaps.push_back({"package database", "there is no dpkg status file"});
  }
}

/// Software that came another way is not seen by dpkg; saying so is the least.
void note_other_databases(Inventory& inventory, fs::FileSystem& files) {
  static constexpr std::pair<const char*, const char*> kOthers[] = {
      {"/var/lib/rpm", "packages of rpm are not read"},
      {"/usr/lib/sysimage/rpm", "packages of rpm are not read"},
      {"/lib/apk/db", "packages of apk are not read"},
      {"/var/lib/pacman/local", "packages of pacman are not read"},
      {"/var/lib/snapd/snaps", "snaps are not read"},
      {"/var/lib/flatpak/app", "flatpaks are not read"},
      {"/nix/store", "packages of nix are not read"},
  };
  for (const auto& [path, reason] : kOthers) {
    gap_on_error(inventory.gaps, path, [&, directory = path, why = reason] {
      if (!names_in(files, directory).empty()) inventory.gaps.push_back({directory, why});
    });
  }
}

void read_kernels(Inventory& inventory, fs::FileSystem& files) {
  std::set<std::string> versions;
  gap_on_error(inventory.gaps, "/boot", [&] {
    for (const std::string& name : names_in(files, "/boot")) {
      if (name.starts_with("vmlinuz-")) versions.insert(name.substr(8));
    }
  });
  gap_on_error(inventory.gaps, "/lib/modules", [&] {
    for (std::string& name : names_in(files, "/lib/modules")) versions.insert(std::move(name));
  });
  inventory.kernels.assign(versions.begin(), versions.end());
}

/// The first line of dpkg's own list, else what most packages are made for.
std::string architecture_of(Inventory& inventory, fs::FileSystem& files) {
  std::string listed;
  gap_on_error(inventory.gaps, "/var/lib/dpkg/arch", [&] {
    if (files.stat("/var/lib/dpkg/arch")) {
      std::string text = files.read_file("/var/lib/dpkg/arch", kMaxText);
      listed = trim(text.substr(0, text.find('\n')));
    }
  });
  if (!listed.empty()) return listed;
  std::map<std::string, int> counts;
  for (const model::Package& package : inventory.packages) {
    if (package.architecture != "all") ++counts[package.architecture];
  }
  auto most = std::max_element(counts.begin(), counts.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

void sort_packages(std::vector<model::Package>& packages) {
  auto key = [](const model::Package& package) {
    return std::tie(package.name, package.architecture, package.version);
  };
  std::sort(packages.begin(), packages.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  packages.erase(std::unique(packages.begin(), packages.end(),
                             [&](const auto& a, const auto& b) { return key(a) == key(b); }),
                 packages.end());
}

void read_system(Inventory& inventory, fs::FileSystem& files) {
  read_distribution(inventory, files);
  read_packages(inventory, files);
  note_other_databases(inventory, files);
  read_kernels(inventory, files);
  inventory.architecture = architecture_of(inventory, files);
  sort_packages(inventory.packages);
}

}  // namespace

model::Inventory take_inventory(disk::BlockReader& disk) {
  fs::System system = fs::open_system(disk);
  return take_inventory(system);
}

model::Inventory take_inventory(fs::System& system) {
  Inventory inventory;
  for (const fs::Gap& gap : system.gaps) inventory.gaps.push_back({gap.what, gap.reason});
  gap_on_error(inventory.gaps, "disk", [&] {
    if (system.files) read_system(inventory, *system.files);
  });
  if (system.disk != nullptr) {
    inventory.disk_size_bytes = system.disk->size_bytes();
    inventory.fetched_bytes = system.disk->fetched_bytes();
  }
  return inventory;
}

}  // namespace hallmark::scan
