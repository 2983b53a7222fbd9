#include "aws/credentials/profiles.h"

#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

/// "profile \"my own\"" -> "my own"; nothing if `section` is of another kind.
std::optional<std::string> name_after(const std::string& section, std::string_view kind) {
  if (!section.starts_with(kind)) return std::nullopt;
  std::vector<std::string> words = shell_words(section);
  if (words.size() != 2 || words[0] != kind) return std::nullopt;
  return words[1];
}

class IniReader {
 public:
  explicit IniReader(std::string_view origin) : origin_(origin) {}

  void line(std::string_view text, int number) {
    std::string_view word = trim(text);
    if (word.empty() || word[0] == '#' || word[0] == ';') return;
    bool indented = text[0] == ' ' || text[0] == '\t';
    if (indented && !key_.empty()) return continuation(word);
    if (word[0] == '[') {
      std::size_t end = word.find(']');
      if (end == word.npos) throw refused(number, "a section's name does not end with \"]\"");
      section_ = &sections_[std::string(trim(word.substr(1, end - 1)))];
      key_.clear();
      return;
    }
    std::size_t at = word.find_first_of("=:");
    if (at == word.npos || at == 0) throw refused(number, "neither a [section] nor key = value");
    if (!section_) throw refused(number, "a key before the first [section]");
    key_ = to_lower(trim(word.substr(0, at)));
    (*section_)[key_] = trim(word.substr(at + 1));
  }

  std::map<std::string, Settings> take() { return std::move(sections_); }

 private:
  /// A line below a key without a value belongs to a nested block, other ones to the value.
  void continuation(std::string_view word) {
    std::string& value = (*section_)[key_];
    std::size_t at = word.find('=');
    if (!value.empty() || at == word.npos) {
      value += (value.empty() ? "" : "\n") + std::string(word);
      return;
    }
    std::string name = key_ + "." + to_lower(trim(word.substr(0, at)));
    (*section_)[name] = trim(word.substr(at + 1));
  }

  Error refused(int number, std::string_view why) const {
    return Error(ErrorKind::usage, "{}:{}: {}", origin_, number, why);
  }

  std::string_view origin_;
  std::map<std::string, Settings> sections_;
  Settings* section_ = nullptr;
  std::string key_;
};

std::map<std::string, Settings> read_ini(const Path& file) {
  std::optional<std::string> text = read_file_if_exists(file);
  return text ? parse_ini(*text, file.string()) : std::map<std::string, Settings>{};
}

}  // namespace

std::map<std::string, Settings> parse_ini(std::string_view text, std::string_view origin) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // editors on Windows
  IniReader reader(origin);
  int number = 0;
  for (const std::string& line : split(text, '\n')) reader.line(line, ++number);
  return reader.take();
}

std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    bool escapes = quote != '\'' && c == '\\' && i + 1 < line.size();
    // Within double quotes a backslash stands for itself unless it protects one of these.
    if (escapes && (quote == 0 || line[i + 1] == '"' || line[i + 1] == '\\')) {
      word += line[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) throw Error(ErrorKind::usage, "a quote is not closed in \"{}\"", line);
  if (in_word) words.push_back(std::move(word));
  return words;
}

bool is_true(const std::optional<std::string>& text) { return text && to_lower(*text) == "true"; }

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::string Profiles::choose(const std::string& given, const Environment& environment) const {
  std::optional<std::string> name;
  if (!given.empty()) name = given;
  for (const char* variable : {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"}) {
    if (!name) name = environment(variable);
    if (name && name->empty()) name.reset();
  }
  if (!name) return "default";
  if (*name != "default" && !profiles.contains(*name)) {
    std::vector<std::string> known;
    for (const auto& [profile, settings] : profiles) known.push_back(profile);
    Error error(ErrorKind::usage, "the AWS profile \"{}\" does not exist", *name);
    if (auto close = suggestion(*name, known)) {
      error.hint("did you mean \"" + *close + "\"?");
    } else {
      error.hint(known.empty() ? "there are no profiles in ~/.aws/config and ~/.aws/credentials"
                               : "there are: " + join(known, ", "));
    }
    throw error;
  }
  return *name;
}

std::optional<std::string> Profiles::setting(const std::string& profile,
                                             const std::string& key) const {
  auto settings = profiles.find(profile);
  if (settings == profiles.end()) return std::nullopt;
  auto value = settings->second.find(key);
  return value == settings->second.end() ? std::nullopt : std::optional(value->second);
}

Path expand_home(const std::string& path, const Path& home) {
  if (path == "~") return home;
  return path.starts_with("~/") ? home / path.substr(2) : Path(path);
}

Profiles load_profiles(const Environment& environment, const Path& home) {
  auto file = [&](const char* variable, const char* otherwise) {
    return expand_home(environment(variable).value_or(otherwise), home);
  };
  Profiles out;
  for (auto& [section, settings] : read_ini(file("AWS_CONFIG_FILE", "~/.aws/config"))) {
    if (section == "default") {
      out.config_only[section] = settings;
    } else if (auto profile = name_after(section, "profile")) {
      out.config_only[*profile] = settings;
    } else if (auto session = name_after(section, "sso-session")) {
      out.sso_sessions[*session] = settings;
    } else if (auto services = name_after(section, "services")) {
      out.services[*services] = settings;
    }
  }
  out.credentials_only = read_ini(file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"));
  out.profiles = out.config_only;
  for (const auto& [profile, settings] : out.credentials_only) {
    for (const auto& [key, value] : settings) out.profiles[profile][key] = value;
  }
  return out;
}

}  // namespace hallmark::aws
