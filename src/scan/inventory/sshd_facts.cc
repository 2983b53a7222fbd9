#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "scan/inventory/facts.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {
namespace {

constexpr const char* kConfig = "/etc/ssh/sshd_config";
// Newer SUSE keeps what it delivers there.
constexpr const char* kVendorConfig = "/usr/etc/ssh/sshd_config";
constexpr int kMaxDepth = 16;  // sshd's own
constexpr int kMaxFiles = 256;

struct Setting {
  std::string value;  ///< lower case
  std::string path;   ///< where it is said; sshd's own default if empty
};

/// As sshd reads it: of several equal words the first counts, and what stands under "Match" holds
/// for some connections only.
class SshdSettings {
 public:
  SshdSettings(model::Inventory& inventory, fs::FileSystem& files)
      : inventory_(inventory), files_(files) {}

  void read(const std::string& path, int depth = 0) {
    if (depth > kMaxDepth || ++files_read_ > kMaxFiles) {
      // Once: files that include one another would say it without end.
      if (!is_given_up_) {
        inventory_.gaps.push_back({path, "too many files include one another"});
      }
      is_given_up_ = true;
      files_read_ = kMaxFiles + 1;
      return;
    }
    bool applies = true;  // to every connection
    for (const std::string& raw : split(text_of(inventory_, files_, path), '\n')) {
      auto [word, value] = taken_apart(raw);
      if (word.empty()) continue;
      if (word == "match") applies = to_lower(value) == "all";
      if (!applies || word == "match") continue;
      if (word == "include") {
        include(value, depth);
      } else {
        settings_.try_emplace(word, Setting{to_lower(first_word(value)), path});
      }
    }
  }

  Setting get(const std::string& word, const std::string& fallback) const {
    auto found = settings_.find(word);
    return found == settings_.end() ? Setting{fallback, ""} : found->second;
  }

 private:
  /// "PermitRootLogin yes", "permitrootlogin=yes".
  static std::pair<std::string, std::string> taken_apart(std::string_view line) {
    line = trim(line);
    if (line.empty() || line[0] == '#') return {};
    const std::size_t end = std::min(line.find_first_of(" \t="), line.size());
    std::string_view value = line.substr(end);
    value.remove_prefix(std::min(value.find_first_not_of(" \t="), value.size()));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return {to_lower(line.substr(0, end)), std::string(trim(value))};
  }

  static std::string first_word(std::string_view value) {
    const bool is_quoted = value.starts_with('"');
    if (is_quoted) value.remove_prefix(1);
    return std::string(value.substr(0, value.find_first_of(is_quoted ? "\"" : " \t")));
  }

  /// Patterns in the last part of the path, as distributions have them.
  void include(const std::string& patterns, int depth) {
    for (const std::string& word : split(patterns, ' ')) {
      if (word.empty()) continue;
      const std::string pattern = word.starts_with('/') ? word : "/etc/ssh/" + word;
      const std::size_t slash = pattern.rfind('/');
      const std::string directory = pattern.substr(0, slash);
      gap_on_error(inventory_.gaps, pattern, [&] {
        for (const std::string& name : names_in(files_, directory)) {
          if (matches_pattern(name, pattern.substr(slash + 1))) {
            read(directory + "/" + name, depth + 1);
          }
        }
      });
    }
  }

  model::Inventory& inventory_;
  fs::FileSystem& files_;
  int files_read_ = 0;
  bool is_given_up_ = false;
  std::map<std::string, Setting> settings_;
};

}  // namespace

void read_sshd_facts(model::Inventory& inventory, fs::FileSystem& files) {
  bool is_installed = false;
  SshdSettings settings(inventory, files);
  for (const char* path : {kConfig, kVendorConfig}) {
    gap_on_error(inventory.gaps, path, [&, place = path] {
      if (is_installed || !files.stat(place)) return;
      is_installed = true;
      settings.read(place);
    });
  }
  if (!is_installed) return;
  auto add = [&](const char* rule, const std::string& word, const Setting& setting) {
    inventory.facts.push_back(
        {rule, setting.path.empty() ? kConfig : setting.path,
         fmt::format("{} {}{}", word, setting.value, setting.path.empty() ? " by default" : "")});
  };
  const Setting root = settings.get("permitrootlogin", "prohibit-password");
  const Setting password = settings.get("passwordauthentication", "yes");
  const Setting empty = settings.get("permitemptypasswords", "no");
  const Setting protocol = settings.get("protocol", "2");
  const Setting forwarding = settings.get("x11forwarding", "no");
  if (root.value == "yes") add("sshd-root-login", "PermitRootLogin", root);
  if (password.value == "yes") add("sshd-password-login", "PasswordAuthentication", password);
  if (empty.value == "yes") add("sshd-empty-passwords", "PermitEmptyPasswords", empty);
  if (protocol.value.find('1') != std::string::npos) add("sshd-protocol-1", "Protocol", protocol);
  if (forwarding.value == "yes") add("sshd-x11-forwarding", "X11Forwarding", forwarding);
}

}  // namespace hallmark::scan
