#include "fs/fstab.h"

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>

#include "disk/partitions.h"

namespace hallmark::fs {
namespace {

/// "\040" is a blank.
std::string unescaped(std::string_view field) {
  std::string text;
  auto octal = [](char c) { return c >= '0' && c <= '7'; };
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && i + 3 < field.size() && octal(field[i + 1]) && octal(field[i + 2]) &&
        octal(field[i + 3])) {
      text += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 +
                                (field[i + 3] - '0'));
      i += 3;
    } else {
      text += field[i];
    }
  }
  return text;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  for (const std::string& field : split(replace_all(line, "\t", " "), ' ')) {
    if (!field.empty()) fields.push_back(unescaped(field));
  }
  return fields;
}

/// "\x2f" of udev's names below /dev/disk is a slash.
std::string without_udev_escapes(const std::string& name) {
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.compare(i, 2, "\\x") == 0 && i + 3 < name.size() &&
        std::isxdigit(static_cast<unsigned char>(name[i + 2])) &&
        std::isxdigit(static_cast<unsigned char>(name[i + 3]))) {
      text += static_cast<char>(std::stoi(name.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else {
      text += name[i];
    }
  }
  return text;
}

bool is_tagged(const std::string& source, const char* tag, const char* directory,
               const std::string& value, bool any_case) {
  if (value.empty()) return false;
  std::string said;
  if (source.starts_with(tag)) {
    said = source.substr(std::string_view(tag).size());
    if (said.size() >= 2 && said.front() == '"' && said.back() == '"') {
      said = said.substr(1, said.size() - 2);
    }
  } else if (source.starts_with(directory)) {
    said = without_udev_escapes(source.substr(std::string_view(directory).size()));
  } else {
    return false;
  }
  return any_case ? to_lower(said) == to_lower(value) : said == value;
}

/// device-mapper joins group and name with a hyphen and doubles their own.
std::string mapper_name(const Volume& volume) {
  return replace_all(volume.group, "-", "--") + "-" + replace_all(volume.name, "-", "--");
}

}  // namespace

bool Mount::has_option(const std::string& option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

std::string Mount::value_of(const std::string& option) const {
  for (const std::string& said : options) {
    if (said.starts_with(option + "=")) return said.substr(option.size() + 1);
  }
  return {};
}

static std::string plain_place(const std::string& place) {
  std::string plain;
  for (const std::string& part : split(place, '/')) {
    if (!part.empty() && part != ".") plain += "/" + part;
  }
  return plain.empty() ? "/" : plain;
}

std::vector<Mount> parse_fstab(const std::string& text) {
  std::vector<Mount> mounts;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> fields = fields_of(line);
    if (fields.size() < 2 || fields[0].starts_with('#')) continue;
    Mount mount{fields[0], fields[1], fields.size() > 2 ? fields[2] : "auto", {}};
    if (fields.size() > 3) mount.options = split(fields[3], ',');
    if (mount.place.starts_with('/')) mount.place = plain_place(mount.place);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

bool is_wanted(const Mount& mount) {
  static constexpr std::array<std::string_view, 32> kOthers = {
      "swap",    "proc",    "sysfs",      "tmpfs",  "devtmpfs",  "devpts",   "cgroup",  "cgroup2",
      "debugfs", "tracefs", "securityfs", "mqueue", "hugetlbfs", "bpf",      "nfs",     "nfs4",
      "cifs",    "smbfs",   "smb3",       "ceph",   "glusterfs", "efs",      "9p",      "virtiofs",
      "vfat",    "msdos",   "iso9660",    "udf",    "efivarfs",  "configfs", "overlay", "none"};
  if (!mount.place.starts_with('/') || mount.place == "/") return false;
  if (std::find(kOthers.begin(), kOthers.end(), mount.type) != kOthers.end()) return false;
  if (mount.type.starts_with("fuse")) return false;
  // What is mounted when somebody looks into it is there for whoever does.
  const bool is_automount =
      std::any_of(mount.options.begin(), mount.options.end(), [](const std::string& option) {
        return option == "x-systemd.automount" || option.starts_with("x-systemd.automount=");
      });
  if (mount.has_option("noauto") && !is_automount) return false;
  static constexpr const char* kRefusing[] = {"bind", "rbind", "_netdev"};
  return std::none_of(std::begin(kRefusing), std::end(kRefusing),
                      [&](const char* option) { return mount.has_option(option); });
}

bool is_source(const std::string& source, const Volume& volume) {
  if (is_tagged(source, "UUID=", "/dev/disk/by-uuid/", volume.uuid, true) ||
      is_tagged(source, "LABEL=", "/dev/disk/by-label/", volume.label, false) ||
      is_tagged(source, "PARTUUID=", "/dev/disk/by-partuuid/", volume.partition_id, true) ||
      is_tagged(source, "PARTLABEL=", "/dev/disk/by-partlabel/", volume.partition_name, false)) {
    return true;
  }
  if (!volume.group.empty()) {
    return source == "/dev/mapper/" + mapper_name(volume) ||
           source == "/dev/" + volume.group + "/" + volume.name;
  }
  if (volume.number == 0) return false;
  static const std::regex kFirstDisk("/dev/(?:(?:[shv]|xv)da|(?:nvme0n1|mmcblk0)p)([0-9]{1,3})");
  std::smatch match;
  return source.size() < 32 && std::regex_match(source, match, kFirstDisk) &&
         std::stoi(match[1]) == volume.number;
}

std::string place_of_type(const std::string& partition_type) {
  std::string name = disk::partition_type_name(partition_type);
  if (name == "Linux extended boot") return "/boot";
  if (!name.starts_with("Linux /")) return {};
  std::string place = name.substr(6);
  return place.substr(0, place.find(' '));
}

}  // namespace hallmark::fs
