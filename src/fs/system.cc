#include "fs/system.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "disk/partitions.h"
#include "fs/archive.h"
#include "fs/btrfs.h"
#include "fs/directory.h"
#include "fs/mounting.h"
#include "fs/view.h"

namespace hallmark::fs {
namespace {

constexpr const char* kOsRelease[] = {"/etc/os-release", "/usr/lib/os-release"};

bool has_os_release(std::vector<Gap>& gaps, Volume& volume) {
  bool found = false;
  gap_on_error(gaps, volume.where, [&] {
    // A link into a /usr that is mounted only later counts.
    for (const char* path : kOsRelease) found = found || volume.files->stat(path, false);
  });
  return found;
}

/// Where distributions keep the root if it is not the default subvolume.
constexpr const char* kRootSubvolumes[] = {"@", "root", "@rootfs", "@/.snapshots/1/snapshot"};

/// Looks for a root in a btrfs whose default subvolume is none.
void choose_subvolume(std::vector<Gap>& gaps, Volume& volume) {
  for (const char* name : kRootSubvolumes) {
    Volume other;
    other.where = volume.where;
    try {
      other.files = open_btrfs(*volume.content, name);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::not_found) continue;
      throw;
    }
    if (!has_os_release(gaps, other)) continue;
    volume.files = std::move(other.files);
    return;
  }
}

int rank_as_root(const Volume& volume) {
  if (disk::partition_type_name(volume.partition_type).starts_with("Linux root")) return 2;
  std::string label = to_lower(volume.label);
  return label == "root" || label.ends_with("-rootfs") || volume.name == "root" ? 1 : 0;
}

/// Those with an os-release, what is most likely the root first.
std::vector<Volume*> roots_of(std::vector<Gap>& gaps, std::vector<Volume>& volumes) {
  std::vector<Volume*> roots;
  for (Volume& volume : volumes) {
    bool is_root = has_os_release(gaps, volume);
    if (!is_root && volume.files->type() == "btrfs") {
      gap_on_error(gaps, volume.where, [&] { choose_subvolume(gaps, volume); });
      is_root = has_os_release(gaps, volume);
    }
    if (is_root) roots.push_back(&volume);
  }
  std::stable_sort(roots.begin(), roots.end(), [](const Volume* a, const Volume* b) {
    return rank_as_root(*a) > rank_as_root(*b);
  });
  return roots;
}

void assemble(System& system, disk::BlockReader& disk) {
  Volumes found = find_volumes(disk, system.gaps);
  std::vector<Volume*> roots = roots_of(system.gaps, found.volumes);
  for (auto& physical : found.physical) system.storage.push_back(std::move(physical));
  if (roots.empty()) {
    system.gaps.push_back(
        {"root file system", "no readable file system of the disk holds an os-release"});
    return;
  }
  Volume& root = *roots.front();
  std::vector<Mounted> mounted = mount_volumes(found.volumes, root, roots, system.gaps);
  for (Volume& volume : found.volumes) system.storage.push_back(std::move(volume.content));
  system.files = join_file_systems(std::move(root.files), std::move(mounted));
  for (const std::string& warning : system.files->warnings()) {
    system.gaps.push_back({root.where, warning});
  }
}

}  // namespace

System open_system(disk::BlockReader& disk) {
  System system;
  system.disk = &disk;
  gap_on_error(system.gaps, "disk", [&] { assemble(system, disk); });
  return system;
}

System open_system(const Path& source, disk::BackingFiles backing) {
  System system;
  std::error_code unknown;  // then opening it says why
  if (std::filesystem::is_directory(source, unknown)) {
    system.files = open_directory(source);
  } else if (looks_like_archive(source)) {
    system.files = open_archive(source);
  } else {
    std::unique_ptr<disk::BlockReader> disk = disk::open_disk(source, backing);
    system = open_system(*disk);
    system.storage.insert(system.storage.begin(), std::move(disk));
    return system;
  }
  for (const std::string& warning : system.files->warnings()) {
    system.gaps.push_back({source.string(), warning});
  }
  return system;
}

}  // namespace hallmark::fs
