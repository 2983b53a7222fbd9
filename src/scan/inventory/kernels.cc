#include "scan/inventory/kernels.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

// What a kernel's file is called before its version.
constexpr std::string_view kImages[] = {"vmlinuz-", "vmlinux-", "bzImage-", "Image-"};

/// "/boot/vmlinuz-6.1.0-18-amd64" is 6.1.0-18-amd64; empty for what is no kernel's file.
std::string version_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (std::string_view prefix : kImages) {
    if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
  }
  return "";
}

/// The words of a line, without quotes.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (const std::string& word : split(replace_all(std::string(trim(line)), "\t", " "), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

/// The kernel on a line "linux /boot/vmlinuz-6.1 root=..".
std::string kernel_on(const std::vector<std::string>& words) {
  static constexpr std::string_view kCommands[] = {"linux", "linux16", "linuxefi"};
  const bool starts_one = words.size() >= 2 && std::find(std::begin(kCommands), std::end(kCommands),
                                                         words[0]) != std::end(kCommands);
  return starts_one ? version_of(words[1]) : "";
}

struct Entry {
  std::string id;
  std::string kernel;
};

/// Entries of the boot loader specification: what Fedora, RHEL and systemd-boot have.
std::vector<Entry> loader_entries(model::Inventory& inventory, fs::FileSystem& files) {
  std::vector<Entry> entries;
  for (const char* directory : {"/boot/loader/entries", "/boot/efi/loader/entries"}) {
    gap_on_error(inventory.gaps, directory, [&, place = std::string(directory)] {
      for (const std::string& name : names_in(files, place)) {
        if (!name.ends_with(".conf")) continue;
        Entry entry{name.substr(0, name.size() - 5), ""};
        for (const std::string& line : split(text_of(inventory, files, place + "/" + name), '\n')) {
          const std::vector<std::string> words = words_of(line);
          if (words.size() >= 2 && words[0] == "version") entry.kernel = words[1];
          if (entry.kernel.empty()) entry.kernel = kernel_on(words);
        }
        if (!entry.kernel.empty()) entries.push_back(std::move(entry));
      }
    });
  }
  return entries;
}

std::string default_of_entries(const std::vector<Entry>& entries, const std::string& chosen) {
  for (const Entry& entry : entries) {
    if (!chosen.empty() && (entry.id == chosen || matches_pattern(entry.id, chosen))) {
      return entry.kernel;
    }
  }
  return entries.size() == 1 ? entries.front().kernel : "";
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
    if (is_kernel && (label == wanted || wanted.empty())) return version_of(words[1]);
  }
  return "";
}

std::string find_default(model::Inventory& inventory, fs::FileSystem& files) {
  std::string saved;
  for (const char* path : {"/boot/grub2/grubenv", "/boot/grub/grubenv"}) {
    if (saved.empty()) {
      saved = grubenv_value(text_of(inventory, files, path), "saved_entry");
    }
  }
  std::string chosen = saved;
  for (const char* path : {"/boot/loader/loader.conf", "/boot/efi/loader/loader.conf"}) {
    for (const std::string& line : split(text_of(inventory, files, path), '\n')) {
      const std::vector<std::string> words = words_of(line);
      if (words.size() >= 2 && words[0] == "default") chosen = words[1];
    }
  }
  if (const auto entries = loader_entries(inventory, files); !entries.empty()) {
    return default_of_entries(
        entries, chosen.ends_with(".conf") ? chosen.substr(0, chosen.size() - 5) : chosen);
  }
  for (const char* path : {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"}) {
    const std::string found = grub_default(text_of(inventory, files, path), saved);
    if (!found.empty()) return found;
  }
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
        linked = version_of(info->link_target);
      }
    });
  }
  return linked;
}

}  // namespace

std::string grub_default(std::string_view config, std::string_view saved) {
  std::optional<std::string> first;
  bool is_saved = false;
  for (const std::string& line : split(config, '\n')) {
    const std::string_view text = trim(line);
    if (text.starts_with("menuentry ")) {
      is_saved = !saved.empty() && text.find(saved) != text.npos;
    }
    const std::string kernel = kernel_on(words_of(line));
    if (kernel.empty()) continue;
    if (is_saved) return kernel;
    if (!first) first = kernel;
  }
  return first.value_or("");
}

std::string grubenv_value(std::string_view text, std::string_view key) {
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != line.npos && line.substr(0, equals) == key) return line.substr(equals + 1);
  }
  return "";
}

void read_kernels(model::Inventory& inventory, fs::FileSystem& files) {
  std::set<std::string> versions;
  gap_on_error(inventory.gaps, "/boot", [&] {
    for (const std::string& name : names_in(files, "/boot")) {
      if (std::string version = version_of(name); !version.empty()) versions.insert(version);
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
