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
#include "disk/partitions.h"
#include "disk/readers.h"
#include "fs/open.h"
#include "scan/dpkg.h"
#include "scan/os_release.h"
#include "scan/scan.h"

namespace hallmark::scan {
namespace {

using model::CoverageGap;
using model::Inventory;

/// A file system that could be the root.
struct Candidate {
  std::string where;  ///< "partition 2"
  std::string partition_type;
  std::unique_ptr<disk::BlockReader> range;
  std::unique_ptr<fs::FileSystem> files;
};

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

/// Partitions that hold no packages by their nature: boot loaders and swap.
bool holds_no_packages(const std::string& type_name, const std::string& content) {
  return type_name == "BIOS boot" || content == "swap" || content == "zeros" ||
         (type_name == "EFI system" && content == "vfat");
}

void examine(Inventory& inventory, std::vector<Candidate>& candidates, std::string where,
             std::string type, std::unique_ptr<disk::BlockReader> range) {
  gap_on_error(inventory.gaps, where, [&] {
    std::string content = fs::recognise(*range);
    if (content == "ext") {
      auto files = fs::open_file_system(*range);
      candidates.push_back({where, std::move(type), std::move(range), std::move(files)});
    } else if (!holds_no_packages(disk::partition_type_name(type), content)) {
      inventory.gaps.push_back(
          {where, content.empty() ? std::string("its content is not recognised")
                                  : fmt::format("it holds {}, which is not read here", content)});
    }
  });
}

std::vector<Candidate> find_file_systems(Inventory& inventory, disk::BlockReader& disk) {
  std::vector<Candidate> candidates;
  disk::PartitionTable table = disk::read_partitions(disk);
  for (std::string& problem : table.problems) {
    inventory.gaps.push_back({"partition table", std::move(problem)});
  }
  if (table.kind == disk::TableKind::none) {
    examine(inventory, candidates, "disk", "", disk::sub_range(disk, 0, disk.size_bytes()));
  }
  for (const disk::Partition& partition : table.partitions) {
    examine(inventory, candidates, fmt::format("partition {}", partition.number), partition.type,
            disk::sub_range(disk, partition.offset_bytes, partition.size_bytes));
  }
  return candidates;
}

bool has_os_release(Inventory& inventory, Candidate& candidate) {
  bool found = false;
  gap_on_error(inventory.gaps, candidate.where, [&] {
    for (const char* path : kOsRelease) found = found || candidate.files->stat(path).has_value();
  });
  return found;
}

/// Of the file systems with an os-release the one whose partition type or label says "root" comes
/// first; another one with an os-release is a system that nobody looks at.
Candidate* choose_root(Inventory& inventory, std::vector<Candidate>& candidates) {
  Candidate* chosen = nullptr;
  auto rank = [](const Candidate& candidate) {
    if (disk::partition_type_name(candidate.partition_type).starts_with("Linux root")) return 2;
    std::string label = to_lower(candidate.files->label());
    return label == "root" || label.ends_with("-rootfs") ? 1 : 0;
  };
  for (Candidate& candidate : candidates) {
    if (!has_os_release(inventory, candidate)) continue;
    Candidate* other = &candidate;
    if (chosen == nullptr || rank(candidate) > rank(*chosen)) std::swap(chosen, other);
    if (other != nullptr) {
      inventory.gaps.push_back(
          {other->where, "it holds a second operating system, which is not inventoried"});
    }
  }
  return chosen;
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

}  // namespace

model::Inventory take_inventory(disk::BlockReader& disk) {
  Inventory inventory;
  inventory.disk_size_bytes = disk.size_bytes();
  try {
    std::vector<Candidate> candidates = find_file_systems(inventory, disk);
    Candidate* root = choose_root(inventory, candidates);
    if (root == nullptr) {
      inventory.gaps.push_back(
          {"root file system", "no readable file system of the disk holds an os-release"});
    } else {
      for (const std::string& warning : root->files->warnings()) {
        inventory.gaps.push_back({root->where, warning});
      }
      read_distribution(inventory, *root->files);
      read_packages(inventory, *root->files);
      note_other_databases(inventory, *root->files);
      read_kernels(inventory, *root->files);
      inventory.architecture = architecture_of(inventory, *root->files);
      sort_packages(inventory.packages);
    }
  } catch (const Error& error) {
    if (!is_about_content(error)) throw;
    inventory.gaps.push_back({"disk", reason_of(error)});
  }
  inventory.fetched_bytes = disk.fetched_bytes();
  return inventory;
}

}  // namespace hallmark::scan
