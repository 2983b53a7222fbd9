#include "fs/mounting.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/ids.h"
#include "base/text.h"
#include "fs/btrfs.h"
#include "fs/fields.h"
#include "fs/fstab.h"
#include "fs/mount_units.h"

namespace hallmark::fs {
namespace {

// Text that a person edits is small; more is a mistake or an attack.
constexpr std::uint64_t kMaxText = 1 << 20;
// Machines mount a handful; each line is compared with each volume.
constexpr std::size_t kMaxMounts = 1000;

/// The id that the Discoverable Partitions Specification asks of a /var: made of the machine's own
/// id, so that no system mounts another's. Empty if the machine has none yet.
std::string var_id(const std::string& machine_id, const std::string& type) {
  const std::string machine(trim(machine_id));
  if (machine.size() != 32 || machine.find_first_not_of("0123456789abcdef") != machine.npos) {
    return "";
  }
  std::string id =
      hmac_sha256(from_hex(machine), from_hex(replace_all(type, "-", ""))).substr(0, 16);
  id[6] = static_cast<char>((id[6] & 0x0f) | 0x40);  // as a random UUID is marked
  id[8] = static_cast<char>((id[8] & 0x3f) | 0x80);
  return uuid_text(std::as_bytes(std::span(id)));
}

class Mounting {
 public:
  Mounting(std::vector<Volume>& volumes, Volume& root, std::vector<Gap>& gaps)
      : volumes_(volumes), root_(root), gaps_(gaps) {
    seen_.insert(&root);
  }

  void by_fstab() {
    std::vector<Mount> mounts = parse_fstab(text_of("/etc/fstab"));
    for (const Mount& mount : mounts) {
      if (mount.type != "overlay" || !mount.place.starts_with('/')) continue;
      gaps_.push_back({mount.place,
                       "fstab mounts an overlay there: its layers are read where they "
                       "lie, not what they show together"});
    }
    std::erase_if(mounts, [](const Mount& mount) { return !is_wanted(mount); });
    if (mounts.size() > kMaxMounts) {
      mounts.erase(mounts.begin() + kMaxMounts, mounts.end());
      gaps_.push_back(
          {"/etc/fstab", fmt::format("it has more than {} lines to mount", kMaxMounts)});
    }
    mount_all(std::move(mounts), "fstab");
  }

  void by_units() { mount_all(mount_units(*root_.files, gaps_), "a systemd unit"); }

  void by_type() {
    for (Volume& volume : volumes_) {
      const std::string place = place_of_type(volume.partition_type);
      if (place.empty() || !volume.files || seen_.contains(&volume)) continue;
      seen_.insert(&volume);
      gap_on_error(gaps_, volume.where, [&] { mount_by_type(volume, place); });
    }
  }

  /// After all else: what nobody asked for.
  void tell_rest(const std::vector<Volume*>& systems) {
    for (Volume& volume : volumes_) {
      if (!volume.files || seen_.contains(&volume)) continue;
      if (std::find(systems.begin(), systems.end(), &volume) != systems.end()) {
        gaps_.push_back(
            {volume.where, "it holds a second operating system, which is not inventoried"});
        continue;
      }
      gap_on_error(gaps_, volume.where, [&] {
        const std::vector<std::string> names = volume.files->list("/");
        const bool is_empty = std::all_of(names.begin(), names.end(),
                                          [](const auto& name) { return name == "lost+found"; });
        if (is_empty) return;
        gaps_.push_back({volume.where, fmt::format("nothing mounts its {}, whose files were not "
                                                   "looked at",
                                                   volume.files->type())});
      });
    }
  }

  std::vector<Mounted> take() { return std::move(mounted_); }

 private:
  std::string text_of(const char* path) {
    std::string text;
    gap_on_error(gaps_, path, [&] {
      if (root_.files->stat(path)) text = root_.files->read_file(path, kMaxText);
    });
    return text;
  }

  void mount_all(std::vector<Mount> mounts, const char* who) {
    // What is mounted into another comes after it.
    std::stable_sort(mounts.begin(), mounts.end(), [](const Mount& a, const Mount& b) {
      return std::count(a.place.begin(), a.place.end(), '/') <
             std::count(b.place.begin(), b.place.end(), '/');
    });
    for (const Mount& mount : mounts) mount_one(mount, who);
  }

  void mount_one(const Mount& mount, const char* who) {
    Volume* volume = nullptr;
    for (Volume& candidate : volumes_) {
      if (!is_source(mount.source, candidate)) continue;
      if (volume == nullptr) {
        volume = &candidate;
        continue;
      }
      gaps_.push_back({mount.place, fmt::format("{} and {} both are {}: the first is taken there",
                                                volume->where, candidate.where, mount.source)});
      break;
    }
    const std::string subvolume = mount.value_of("subvol");
    if (volume != nullptr && !subvolume.empty()) {
      seen_.insert(volume);
      gap_on_error(gaps_, mount.place, [&] {
        mounted_.push_back({mount.place, open_btrfs(*volume->content, subvolume)});
      });
    } else if (volume != nullptr && volume->files && volume != &root_) {
      seen_.insert(volume);
      mounted_.push_back({mount.place, std::move(volume->files)});
    } else if (!mount.has_option("nofail")) {
      gaps_.push_back({mount.place, fmt::format("{} mounts {} there, which is not among the file "
                                                "systems that can be read",
                                                who, mount.source)});
    }
  }

  void mount_by_type(Volume& volume, const std::string& place) {
    if (is_taken(place)) {
      gaps_.push_back(
          {volume.where, fmt::format("its type says {}, where another is mounted", place)});
    } else if (!volume.is_automatic) {
      gaps_.push_back(
          {volume.where, "its type says " + place + ", its attributes not to mount it"});
    } else if (holds_files(place)) {
      gaps_.push_back({volume.where, fmt::format("its type says {}, where the root has files, so "
                                                 "that systemd does not mount it",
                                                 place)});
    } else {
      // What is there is better read than not, even if another machine's start would not mount it.
      if (place == "/var" &&
          volume.partition_id != var_id(text_of("/etc/machine-id"), volume.partition_type)) {
        gaps_.push_back({volume.where,
                         "it is read as /var, as its type says, but its id is not "
                         "made of the machine-id, without which systemd does not "
                         "mount it"});
      }
      mounted_.push_back({place, std::move(volume.files)});
    }
  }

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

  std::vector<Volume>& volumes_;
  Volume& root_;
  std::vector<Gap>& gaps_;
  std::set<const Volume*> seen_;  ///< the root, what is mounted, and what has its own gap
  std::vector<Mounted> mounted_;
};

}  // namespace

std::vector<Mounted> mount_volumes(std::vector<Volume>& volumes, Volume& root,
                                   const std::vector<Volume*>& systems, std::vector<Gap>& gaps) {
  Mounting mounting(volumes, root, gaps);
  mounting.by_fstab();
  mounting.by_units();
  mounting.by_type();
  mounting.tell_rest(systems);
  return mounting.take();
}

}  // namespace hallmark::fs
