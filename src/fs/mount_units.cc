#include "fs/mount_units.h"

#include <set>
#include <string>
#include <utility>

#include "base/text.h"

namespace hallmark::fs {
namespace {

// What is in /etc replaces what packages bring.
constexpr const char* kPlaces[] = {"/etc/systemd/system", "/usr/lib/systemd/system",
                                   "/lib/systemd/system"};
constexpr std::uint64_t kMaxText = 64 << 10;
constexpr std::size_t kMaxUnits = 1000;

bool is_directory(FileSystem& root, const std::string& path) {
  auto info = root.stat(path);
  return info && info->type == FileType::directory;
}

/// Names without ".mount" or ".automount" in "multi-user.target.wants" and the like.
std::set<std::string> wanted_units(FileSystem& root, const std::vector<std::string>& names,
                                   const std::string& place) {
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    if (!name.ends_with(".wants") && !name.ends_with(".requires")) continue;
    if (!is_directory(root, place + "/" + name)) continue;
    for (const std::string& unit : root.list(place + "/" + name)) {
      for (std::string_view end : {".mount", ".automount"}) {
        if (unit.ends_with(end)) wanted.insert(unit.substr(0, unit.size() - end.size()));
      }
    }
  }
  return wanted;
}

/// "What=", "Where=", "Type=" and "Options=" of the section [Mount]; the last of each counts.
Mount parse_unit(const std::string& text) {
  Mount mount;
  mount.type = "auto";
  bool is_inside = false;
  for (const std::string& raw : split(text, '\n')) {
    const std::string line(trim(raw));
    if (line.starts_with('[')) is_inside = line == "[Mount]";
    const std::size_t equals = line.find('=');
    if (!is_inside || equals == line.npos || line[0] == '#' || line[0] == ';') continue;
    const std::string name(trim(line.substr(0, equals)));
    std::string value(trim(line.substr(equals + 1)));
    if (name == "What") mount.source = std::move(value);
    if (name == "Where") mount.place = std::move(value);
    if (name == "Type") mount.type = std::move(value);
    if (name == "Options") mount.options = split(value, ',');
  }
  return mount;
}

/// Of a disk, not of the kernel or the network.
bool is_of_disk(const Mount& mount) {
  return mount.source.starts_with("/dev/") || mount.source.find('=') != std::string::npos;
}

}  // namespace

std::vector<Mount> mount_units(FileSystem& root, std::vector<Gap>& gaps) {
  std::set<std::string> wanted;
  std::vector<std::pair<std::string, std::string>> units;  // name and path
  std::set<std::string> known;
  for (const char* place : kPlaces) {
    gap_on_error(gaps, place, [&, directory = std::string(place)] {
      if (!is_directory(root, directory)) return;
      const std::vector<std::string> names = root.list(directory);
      wanted.merge(wanted_units(root, names, directory));
      for (const std::string& name : names) {
        if (!name.ends_with(".mount") || !known.insert(name).second) continue;
        if (units.size() < kMaxUnits) {
          units.emplace_back(name.substr(0, name.size() - 6), directory + "/" + name);
        }
      }
    });
  }
  std::vector<Mount> mounts;
  for (const auto& [name, path] : units) {
    if (!wanted.contains(name)) continue;
    gap_on_error(gaps, path, [&, file = path] {
      auto info = root.stat(file);
      // A link to /dev/null says that the unit is not to be started.
      if (!info || info->type != FileType::regular) return;
      Mount mount = parse_unit(root.read_file(file, kMaxText));
      if (is_of_disk(mount) && is_wanted(mount)) mounts.push_back(std::move(mount));
    });
  }
  return mounts;
}

}  // namespace hallmark::fs
