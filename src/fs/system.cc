#include "fs/system.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "disk/partitions.h"
#include "disk/readers.h"
#include "fs/open.h"

namespace hallmark::fs {
namespace {

/// A file system that could be the root.
struct Candidate {
  std::string where;  ///< "partition 2"
  std::string partition_type;
  std::unique_ptr<disk::BlockReader> range;
  std::unique_ptr<FileSystem> files;
};

constexpr const char* kOsRelease[] = {"/etc/os-release", "/usr/lib/os-release"};

/// Failing to read the disk itself ends the look; everything else is a gap.
template <typename Function>
void gap_on_error(std::vector<Gap>& gaps, const std::string& what, Function function) {
  try {
    function();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal) throw;
    gaps.push_back({what, replace_all(error.full_text(), "\n", ";")});
  }
}

/// Partitions that hold no packages by their nature: boot loaders and swap.
bool holds_no_packages(const std::string& type_name, const std::string& content) {
  return type_name == "BIOS boot" || content == "swap" || content == "zeros" ||
         (type_name == "EFI system" && content == "vfat");
}

void examine(std::vector<Gap>& gaps, std::vector<Candidate>& candidates, std::string where,
             std::string type, std::unique_ptr<disk::BlockReader> range) {
  gap_on_error(gaps, where, [&] {
    if (auto files = open_file_system(*range)) {
      candidates.push_back({where, std::move(type), std::move(range), std::move(files)});
      return;
    }
    std::string content = recognise(*range);
    if (!holds_no_packages(disk::partition_type_name(type), content)) {
      gaps.push_back({where, content.empty()
                                 ? std::string("its content is not recognised")
                                 : fmt::format("it holds {}, which is not read here", content)});
    }
  });
}

std::vector<Candidate> find_file_systems(std::vector<Gap>& gaps, disk::BlockReader& disk) {
  std::vector<Candidate> candidates;
  disk::PartitionTable table = disk::read_partitions(disk);
  for (std::string& problem : table.problems) {
    gaps.push_back({"partition table", std::move(problem)});
  }
  if (table.kind == disk::TableKind::none) {
    examine(gaps, candidates, "disk", "", disk::sub_range(disk, 0, disk.size_bytes()));
  }
  for (const disk::Partition& partition : table.partitions) {
    examine(gaps, candidates, fmt::format("partition {}", partition.number), partition.type,
            disk::sub_range(disk, partition.offset_bytes, partition.size_bytes));
  }
  return candidates;
}

bool has_os_release(std::vector<Gap>& gaps, Candidate& candidate) {
  bool found = false;
  gap_on_error(gaps, candidate.where, [&] {
    for (const char* path : kOsRelease) found = found || candidate.files->stat(path).has_value();
  });
  return found;
}

Candidate* choose_root(std::vector<Gap>& gaps, std::vector<Candidate>& candidates) {
  Candidate* chosen = nullptr;
  auto rank = [](const Candidate& candidate) {
    if (disk::partition_type_name(candidate.partition_type).starts_with("Linux root")) return 2;
    std::string label = to_lower(candidate.files->label());
    return label == "root" || label.ends_with("-rootfs") ? 1 : 0;
  };
  for (Candidate& candidate : candidates) {
    if (!has_os_release(gaps, candidate)) continue;
    Candidate* other = &candidate;
    if (chosen == nullptr || rank(candidate) > rank(*chosen)) std::swap(chosen, other);
    if (other != nullptr) {
      gaps.push_back(
          {other->where, "it holds a second operating system, which is not inventoried"});
    }
  }
  return chosen;
}

}  // namespace

System open_system(disk::BlockReader& disk) {
  System system;
  gap_on_error(system.gaps, "disk", [&] {
    std::vector<Candidate> candidates = find_file_systems(system.gaps, disk);
    Candidate* root = choose_root(system.gaps, candidates);
    if (root == nullptr) {
      system.gaps.push_back(
          {"root file system", "no readable file system of the disk holds an os-release"});
      return;
    }
    for (const std::string& warning : root->files->warnings()) {
      system.gaps.push_back({root->where, warning});
    }
    system.storage.push_back(std::move(root->range));
    system.files = std::move(root->files);
  });
  return system;
}

}  // namespace hallmark::fs
