#include "fs/system.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "disk/partitions.h"
#include "fs/archive.h"
#include "fs/btrfs.h"
#include "fs/directory.h"
#include "fs/fstab.h"
#include "fs/view.h"

namespace hallmark::fs {
namespace {

constexpr const char* kOsRelease[] = {"/etc/os-release", "/usr/lib/os-release"};
// Text that a person edits is small; more is a mistake or an attack.
constexpr std::uint64_t kMaxText = 1 << 20;
// Machines mount a handful; each line is compared with each volume.
constexpr std::size_t kMaxMounts = 1000;

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

/// Puts a volume's file system into the tree.
class Mounting {
 public:
  Mounting(System& system, std::vector<Volume>& volumes, Volume& root)
      : system_(system), volumes_(volumes), root_(root) {}

  void by_fstab() {
    std::string text;
    gap_on_error(system_.gaps, "/etc/fstab", [&] {
      if (root_.files->stat("/etc/fstab")) text = root_.files->read_file("/etc/fstab", kMaxText);
    });
    std::vector<Mount> mounts = parse_fstab(text);
    std::erase_if(mounts, [](const Mount& mount) { return !is_wanted(mount); });
    if (mounts.size() > kMaxMounts) {
      mounts.erase(mounts.begin() + kMaxMounts, mounts.end());
      system_.gaps.push_back(
          {"/etc/fstab", fmt::format("it has more than {} lines to mount", kMaxMounts)});
    }
    // What is mounted into another comes after it.
    std::stable_sort(mounts.begin(), mounts.end(), [](const Mount& a, const Mount& b) {
      return std::count(a.place.begin(), a.place.end(), '/') <
             std::count(b.place.begin(), b.place.end(), '/');
    });
    for (const Mount& mount : mounts) {
      auto volume = std::find_if(volumes_.begin(), volumes_.end(), [&](const Volume& candidate) {
        return is_source(mount.source, candidate);
      });
      std::string subvolume = mount.value_of("subvol");
      if (volume != volumes_.end() && !subvolume.empty()) {
        gap_on_error(system_.gaps, mount.place, [&] {
          mounted_.push_back({mount.place, open_btrfs(*volume->content, subvolume)});
        });
      } else if (volume != volumes_.end() && volume->files && &*volume != &root_) {
        mounted_.push_back({mount.place, std::move(volume->files)});
      } else if (!mount.has_option("nofail")) {
        system_.gaps.push_back(
            {mount.place, fmt::format("fstab mounts {} there, which is not among the file systems "
                                      "that can be read",
                                      mount.source)});
      }
    }
  }

  void by_type() {
    for (Volume& volume : volumes_) {
      std::string place = place_of_type(volume.partition_type);
      if (place.empty() || !volume.files || &volume == &root_) continue;
      gap_on_error(system_.gaps, volume.where, [&] {
        if (is_taken(place)) {
          system_.gaps.push_back(
              {volume.where, fmt::format("its type says {}, where another is mounted", place)});
        } else if (!volume.is_automatic) {
          system_.gaps.push_back(
              {volume.where, "its type says " + place + ", its attributes not to mount it"});
        } else if (holds_files(place)) {
          system_.gaps.push_back(
              {volume.where, fmt::format("its type says {}, where the root has files, so that "
                                         "systemd does not mount it",
                                         place)});
        } else {
          mounted_.push_back({place, std::move(volume.files)});
        }
      });
    }
  }

  std::vector<Mounted> take() { return std::move(mounted_); }

 private:
  bool is_taken(const std::string& place) const {
    return std::any_of(mounted_.begin(), mounted_.end(),
                       [&](const Mounted& each) { return each.place == place; });
  }

  /// As systemd, which mounts by type only where nothing is hidden by it.
  bool holds_files(const std::string& place) {
    std::optional<FileInfo> info = root_.files->stat(place);
    if (!info) return false;
    return info->type != FileType::directory || !root_.files->list(place).empty();
  }

  System& system_;
  std::vector<Volume>& volumes_;
  Volume& root_;
  std::vector<Mounted> mounted_;
};

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
  Mounting mounting(system, found.volumes, root);
  mounting.by_fstab();
  mounting.by_type();
  for (const Volume* other : roots) {
    if (other != &root && other->files) {
      system.gaps.push_back(
          {other->where, "it holds a second operating system, which is not inventoried"});
    }
  }
  for (Volume& volume : found.volumes) system.storage.push_back(std::move(volume.content));
  system.files = join_file_systems(std::move(root.files), mounting.take());
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
