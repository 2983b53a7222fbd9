#include "scan/inventory/grub.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"

namespace hallmark::scan {
namespace {

// grub-mkconfig makes two levels; whoever writes more does it to be read by nobody.
constexpr std::size_t kMaxDepth = 16;
constexpr std::string_view kImages[] = {"vmlinuz-", "vmlinux-", "bzImage-", "Image-"};

/// An entry, or a submenu with entries.
struct Entry {
  std::string title;
  std::string id;
  std::string kernel;
  std::vector<Entry> entries;
};

/// The lines of grub.cfg, each entry and submenu with what lies between its braces.
class Menu {
 public:
  explicit Menu(std::string_view config) : lines_(split(config, '\n')) {}

  std::vector<Entry> read(std::size_t depth = 0) {
    std::vector<Entry> entries;
    int braces = 0;  // of functions and conditions, which hold no place in the menu
    for (; at_ < lines_.size(); ++at_) {
      const std::vector<std::string> words = words_of(lines_[at_]);
      if (words.empty() || words[0].starts_with('#')) continue;
      const bool is_submenu = words[0] == "submenu";
      if ((is_submenu || words[0] == "menuentry") && words.back() == "{" && depth < kMaxDepth) {
        ++at_;
        Entry entry = named(words);
        if (is_submenu) {
          entry.entries = read(depth + 1);
        } else {
          entry.kernel = kernel_within();
        }
        entries.push_back(std::move(entry));
      } else if (words.back() == "{") {
        ++braces;
      } else if (words[0] == "}" && --braces < 0) {
        if (depth > 0) return entries;
        braces = 0;
      }
    }
    return entries;
  }

 private:
  static Entry named(const std::vector<std::string>& words) {
    Entry entry;
    if (words.size() > 1) entry.title = words[1];
    for (std::size_t i = 2; i + 1 < words.size(); ++i) {
      // grub-mkconfig leaves the option to a variable, for a GRUB that does not know it.
      if (words[i] == "--id" || words[i] == "$menuentry_id_option" ||
          words[i] == "${menuentry_id_option}") {
        entry.id = words[i + 1];
      }
      if (words[i].starts_with("--id=")) entry.id = words[i].substr(5);
    }
    return entry;
  }

  /// The first kernel up to the entry's end, on which `at_` stops.
  std::string kernel_within() {
    std::string kernel;
    int braces = 0;
    for (; at_ < lines_.size(); ++at_) {
      const std::vector<std::string> words = words_of(lines_[at_]);
      if (words.empty()) continue;
      if (words[0] == "}" && --braces < 0) break;
      if (words.back() == "{") ++braces;
      if (kernel.empty()) kernel = kernel_on(words);
    }
    return kernel;
  }

  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

const Entry& chosen_of(const std::vector<Entry>& entries, std::string_view choice) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(choice.data(), choice.data() + choice.size(), number);
  if (error == std::errc() && end == choice.data() + choice.size()) {
    return number < entries.size() ? entries[number] : entries.front();
  }
  for (const Entry& entry : entries) {
    if (!choice.empty() && (entry.title == choice || entry.id == choice)) return entry;
  }
  return entries.front();
}

/// The first of the steps "a>b>c", which is taken off them. A '>' within a title is written twice.
std::string take_step(std::string_view& steps) {
  std::string step;
  std::size_t at = 0;
  for (; at < steps.size(); ++at) {
    if (steps[at] == '>') {
      if (at + 1 == steps.size() || steps[at + 1] != '>') break;
      ++at;
    }
    step += steps[at];
  }
  steps.remove_prefix(std::min(at + 1, steps.size()));
  return step;
}

}  // namespace

std::string kernel_version_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (std::string_view prefix : kImages) {
    if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
  }
  return "";
}

std::string kernel_on(const std::vector<std::string>& words) {
  static constexpr std::string_view kCommands[] = {"linux", "linux16", "linuxefi"};
  const bool starts_one = words.size() >= 2 && std::find(std::begin(kCommands), std::end(kCommands),
                                                         words[0]) != std::end(kCommands);
  return starts_one ? kernel_version_of(words[1]) : "";
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = '\0';
  for (const char c : line) {
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        *word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      if (!word) word.emplace();
    } else if (c == ' ' || c == '\t' || c == '\r') {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
    } else {
      if (!word) word.emplace();
      *word += c;
    }
  }
  if (word) words.push_back(*word);
  return words;
}

std::string grubenv_value(std::string_view text, std::string_view key) {
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != line.npos && line.substr(0, equals) == key) return line.substr(equals + 1);
  }
  return "";
}

std::string grub_choice(std::string_view config, std::string_view saved) {
  std::string choice;
  for (const std::string& line : split(config, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() != 2 || words[0] != "set" || !words[1].starts_with("default=")) continue;
    std::string value = words[1].substr(std::string_view("default=").size());
    // What is chosen for the next start alone is not what machines go on with.
    if (value == "${next_entry}" || value == "$next_entry") continue;
    if (value == "${saved_entry}" || value == "$saved_entry" || value == "saved") value = saved;
    // Of several, each in a branch of a condition, one that is itself a variable says nothing.
    if (!value.empty() && value[0] != '$') choice = std::move(value);
  }
  return choice.empty() ? "0" : choice;
}

std::string grub_default(std::string_view config, std::string_view saved) {
  const std::vector<Entry> menu = Menu(config).read();
  const std::string choice = grub_choice(config, saved);
  std::string_view rest = choice;
  const std::vector<Entry>* entries = &menu;
  while (!entries->empty()) {
    const Entry& entry = chosen_of(*entries, take_step(rest));
    if (entry.entries.empty()) return entry.kernel;
    entries = &entry.entries;
  }
  return "";
}

bool uses_loader_entries(std::string_view config) {
  for (const std::string& line : split(config, '\n')) {
    if (trim(line) == "blscfg") return true;
  }
  return false;
}

}  // namespace hallmark::scan
