#pragma once
/// What GRUB's menu starts if nobody chooses.

#include <string>
#include <string_view>
#include <vector>

namespace hallmark::scan {

/// The value of `set default=` that holds from one start to the next: "0", "1>2", a title or an id.
/// `saved` stands in for "${saved_entry}". "0" if nothing is set.
std::string grub_choice(std::string_view config, std::string_view saved);

/// The version of the kernel in the entry of grub.cfg that `grub_choice` means, by number, title or
/// id, within submenus after a '>'. As GRUB, the first entry where there is none so called. Empty
/// if that entry starts no kernel.
std::string grub_default(std::string_view config, std::string_view saved);

/// Whether the menu is made of the boot loader specification's entries.
bool uses_loader_entries(std::string_view config);

/// "key=value" of grubenv; empty if it has none.
std::string grubenv_value(std::string_view text, std::string_view key);

/// What a kernel's file is called after: "/boot/vmlinuz-6.1.0-18-amd64" is 6.1.0-18-amd64. Empty
/// for what is no kernel's file.
std::string kernel_version_of(std::string_view path);

/// The kernel on a line "linux /boot/vmlinuz-6.1 root=..", of its words.
std::string kernel_on(const std::vector<std::string>& words);

/// The words of a line: blanks part them, quotes hold them together.
std::vector<std::string> words_of(std::string_view line);

}  // namespace hallmark::scan
