#include "scan/inventory/kernels.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "scan/inventory/grub.h"
#include "scan/inventory/order.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

struct Entry {
  std::string id;       ///< the file's name without ".conf"
  std::string version;  ///< what it says of itself, or its kernel's
};

/// Entries of the boot loader specification, which Fedora, RHEL and systemd-boot have, the newest
/// first.
std::vector<Entry> loader_entries(model::Inventory& inventory, fs::FileSystem& files) {
  std::vector<Entry> entries;
  for (const char* directory :
       {"/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries"}) {
    gap_on_error(inventory.gaps, directory, [&, place = std::string(directory)] {
      for (const std::string& name : names_in(files, place)) {
        if (!name.ends_with(".conf")) continue;
        Entry entry{name.substr(0, name.size() - 5), ""};
        for (const std::string& line : split(text_of(inventory, files, place + "/" + name), '\n')) {
          const std::vector<std::string> words = words_of(line);
          if (words.size() >= 2 && words[0] == "version") entry.version = words[1];
          if (entry.version.empty()) entry.version = kernel_on(words);
        }
        if (!entry.version.empty()) entries.push_back(std::move(entry));
      }
    });
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return is_older(b.version, a.version); });
  return entries;
}

/// GRUB: by number or id, else the first.
std::string chosen_by_grub(const std::vector<Entry>& entries, const std::string& choice) {
  const bool is_number = choice.find_first_not_of("0123456789") == choice.npos;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (is_number ? choice == std::to_string(i) : choice == entries[i].id) {
      return entries[i].version;
    }
  }
  return entries.front().version;
}

/// systemd-boot: the first whose file's name is like the pattern, else the first of all.
std::string chosen_by_pattern(const std::vector<Entry>& entries, const std::string& pattern) {
  // What firmware was told to start lies in the firmware.
  if (pattern.starts_with('@')) return entries.size() == 1 ? entries.front().version : "";
  for (const Entry& entry : entries) {
    // The specification's names end with ".conf"; loader.conf may leave it out.
    if (matches_pattern(entry.id + ".conf", pattern) || matches_pattern(entry.id, pattern)) {
      return entry.version;
    }
  }
  return entries.front().version;
}

/// extlinux and syslinux: "DEFAULT l0" and under "LABEL l0" a line "KERNEL /vmlinuz-..".
std::string extlinux_default(std::string_view config) {
  std::string wanted;
  std::string label;
  for (const std::string& line : split(config, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 2) continue;
    const std::string word = to_lower(words[0]);
    if (word == "default") wanted = words[1];
    if (word == "label") label = words[1];
    const bool is_kernel = word == "kernel" || word == "linux";
    if (is_kernel && (label == wanted || wanted.empty())) return kernel_version_of(words[1]);
  }
  return "";
}

/// Of systemd-boot, if its settings are there: the default that they name.
std::optional<std::string> loader_choice(model::Inventory& inventory, fs::FileSystem& files) {
  for (const char* path :
       {"/boot/loader/loader.conf", "/boot/efi/loader/loader.conf", "/efi/loader/loader.conf"}) {
    bool is_there = false;
    gap_on_error(inventory.gaps, path, [&] { is_there = is_file(files, path); });
    if (!is_there) continue;
    std::string choice;
    for (const std::string& line : split(text_of(inventory, files, path), '\n')) {
      const std::vector<std::string> words = words_of(line);
      if (words.size() >= 2 && words[0] == "default") choice = words[1];
    }
    return choice;
  }
  return std::nullopt;
}

std::string find_default(model::Inventory& inventory, fs::FileSystem& files) {
  const std::vector<Entry> entries = loader_entries(inventory, files);
  const std::optional<std::string> pattern = loader_choice(inventory, files);
  if (pattern && !entries.empty()) return chosen_by_pattern(entries, *pattern);
  std::string saved;
  for (const char* path : {"/boot/grub2/grubenv", "/boot/grub/grubenv"}) {
    if (saved.empty()) saved = grubenv_value(text_of(inventory, files, path), "saved_entry");
  }
  for (const char* path : {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"}) {
    const std::string config = text_of(inventory, files, path);
    if (!entries.empty() && uses_loader_entries(config)) {
      return chosen_by_grub(entries, grub_choice(config, saved));
    }
    const std::string found = grub_default(config, saved);
    if (!found.empty()) return found;
  }
  // GRUB may have its menu on a partition that was not read.
  if (!entries.empty()) return chosen_by_grub(entries, saved.empty() ? "0" : saved);
  for (const char* path : {"/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg",
                           "/boot/extlinux.conf", "/extlinux.conf"}) {
    const std::string found = extlinux_default(text_of(inventory, files, path));
    if (!found.empty()) return found;
  }
  std::string linked;
  for (const char* path : {"/vmlinuz", "/boot/vmlinuz"}) {
    gap_on_error(inventory.gaps, path, [&, place = path] {
      auto info = files.stat(place, false);
      if (linked.empty() && info && info->type == fs::FileType::symlink) {
        linked = kernel_version_of(info->link_target);
      }
    });
  }
  return linked;
}

}  // namespace

void read_kernels(model::Inventory& inventory, fs::FileSystem& files) {
  std::set<std::string> versions;
  gap_on_error(inventory.gaps, "/boot", [&] {
    for (const std::string& name : names_in(files, "/boot")) {
      if (std::string version = kernel_version_of(name); !version.empty()) versions.insert(version);
    }
  });
  for (const char* path : {"/lib/modules", "/usr/lib/modules"}) {
    gap_on_error(inventory.gaps, path, [&, directory = path] {
      for (std::string& name : names_in(files, directory)) versions.insert(std::move(name));
    });
  }
  inventory.kernels.assign(versions.begin(), versions.end());
  inventory.default_kernel = find_default(inventory, files);
}

}  // namespace hallmark::scan
