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
#include "scan/inventory/apk.h"
#include "scan/inventory/app_packages.h"
#include "scan/inventory/facts.h"
#include "scan/inventory/kernels.h"
#include "scan/inventory/languages.h"
#include "scan/inventory/reader.h"
#include "scan/inventory/rpm.h"
#include "scan/inventory/support.h"
#include "scan/inventory/walk.h"
#include "scan/os_release.h"
#include "scan/scan.h"

namespace hallmark::scan {
namespace {

using model::CoverageGap;
using model::Inventory;

constexpr const char* kOsRelease[] = {"/etc/os-release", "/usr/lib/os-release"};

void read_distribution(Inventory& inventory, fs::FileSystem& files) {
  gap_on_error(inventory.gaps, "os-release", [&] {
    for (const char* path : kOsRelease) {
      if (!files.stat(path)) continue;
      inventory.distribution = parse_os_release(files.read_file(path, kMaxText));
      break;
    }
  });
  inventory.distribution.end_of_support = end_of_support(inventory.distribution);
}

void append(Inventory& inventory, DpkgPackages found) {
  std::move(found.packages.begin(), found.packages.end(), std::back_inserter(inventory.packages));
  std::move(found.gaps.begin(), found.gaps.end(), std::back_inserter(inventory.gaps));
}

/// Whether there is a database of dpkg.
bool read_dpkg(Inventory& inventory, fs::FileSystem& files) {
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
  return found;
}

/// Software that came another way is not seen by the databases above; saying so is the least.
void note_other_databases(Inventory& inventory, fs::FileSystem& files) {
  static constexpr std::pair<const char*, const char*> kOthers[] = {
      {"/var/lib/pacman/local", "packages of pacman are not read"},
      {"/nix/store", "packages of nix are not read"},
      {"/gnu/store", "packages of guix are not read"},
      {"/var/db/pkg", "packages of portage are not read"},
  };
  for (const auto& [path, reason] : kOthers) {
    gap_on_error(inventory.gaps, path, [&, directory = path, why = reason] {
      if (!names_in(files, directory).empty()) inventory.gaps.push_back({directory, why});
    });
  }
}

void read_packages(Inventory& inventory, fs::FileSystem& files) {
  bool found = read_dpkg(inventory, files);
  found |= read_rpm(inventory, files);
  found |= read_apk(inventory, files);
  if (!found) {
    inventory.gaps.push_back({"package database", "there is none of dpkg, rpm or apk"});
  }
  read_snaps(inventory, files);
  read_flatpaks(inventory, files);
  note_other_databases(inventory, files);
}

/// One walk for all that is known by names and modes.
void read_files(Inventory& inventory, fs::FileSystem& files, const InventoryOptions& options) {
  FileFacts facts(inventory, files);
  LanguagePackages languages(inventory, files);
  walk(inventory, files, [&](const std::string& path, const fs::FileInfo& info) {
    facts.visit(path, info);
    if (options.languages) languages.visit(path, info);
  });
  facts.finish();
  languages.finish();
  read_account_facts(inventory, files);
  read_sshd_facts(inventory, files);
  read_identity_facts(inventory, files);
  auto key = [](const model::HardeningFact& fact) {
    return std::tie(fact.rule, fact.path, fact.detail);
  };
  std::sort(inventory.facts.begin(), inventory.facts.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
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
    const std::string name = dpkg_architecture(package.architecture);
    if (!name.empty() && name != "all" && name != "noarch") ++counts[name];
  }
  auto most = std::max_element(counts.begin(), counts.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

void sort_packages(std::vector<model::Package>& packages) {
  auto key = [](const model::Package& package) {
    return std::tie(package.name, package.architecture, package.version, package.manager,
                    package.path);
  };
  std::sort(packages.begin(), packages.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  packages.erase(std::unique(packages.begin(), packages.end(),
                             [&](const auto& a, const auto& b) { return key(a) == key(b); }),
                 packages.end());
}

void read_system(Inventory& inventory, fs::FileSystem& files, const InventoryOptions& options) {
  read_distribution(inventory, files);
  read_packages(inventory, files);
  if (options.files) read_files(inventory, files, options);
  read_kernels(inventory, files);
  inventory.architecture = architecture_of(inventory, files);
  sort_packages(inventory.packages);
}

}  // namespace

model::Inventory take_inventory(disk::BlockReader& disk, const InventoryOptions& options) {
  fs::System system = fs::open_system(disk);
  return take_inventory(system, options);
}

model::Inventory take_inventory(fs::System& system, const InventoryOptions& options) {
  Inventory inventory;
  for (const fs::Gap& gap : system.gaps) inventory.gaps.push_back({gap.what, gap.reason});
  gap_on_error(inventory.gaps, "disk", [&] {
    if (system.files) read_system(inventory, *system.files, options);
  });
  if (system.disk != nullptr) {
    inventory.disk_size_bytes = system.disk->size_bytes();
    inventory.fetched_bytes = system.disk->fetched_bytes();
  }
  return inventory;
}

}  // namespace hallmark::scan
