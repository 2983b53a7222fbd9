#include "source/apt_sources.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::source {

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  constexpr std::string_view kSpace = " \t\r\n";
  while (true) {
    text = trim(text);
    if (text.empty()) return found;
    std::size_t end = text.find_first_of(kSpace);
    found.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return found;
    text.remove_prefix(end);
  }
}

std::string without_trailing_slash(std::string uri) {
  while (uri.size() > 1 && uri.ends_with('/')) uri.pop_back();
  return uri;
}

std::string_view without_comment(std::string_view line) { return line.substr(0, line.find('#')); }

using Stanza = std::map<std::string, std::string>;

void add_stanza(const Stanza& stanza, std::vector<AptEntry>& entries) {
  auto field = [&](const char* name) {
    auto it = stanza.find(name);
    return it == stanza.end() ? std::vector<std::string>{} : words(it->second);
  };
  std::vector<std::string> types = field("types");
  if (std::find(types.begin(), types.end(), "deb") == types.end()) return;
  std::vector<std::string> enabled = field("enabled");
  // apt's own words for "no".
  static const std::vector<std::string> kNo = {"no", "false", "without", "off", "disable", "0"};
  if (!enabled.empty() && std::find(kNo.begin(), kNo.end(), to_lower(enabled[0])) != kNo.end()) {
    return;
  }
  for (const std::string& uri : field("uris")) {
    for (const std::string& suite : field("suites")) {
      entries.push_back({without_trailing_slash(uri), suite, field("components")});
    }
  }
}

const AptEntry* find_suite(const std::vector<AptEntry>& entries, const std::string& suite) {
  for (const AptEntry& entry : entries) {
    bool has_main = std::find(entry.components.begin(), entry.components.end(), "main") !=
                    entry.components.end();
    if (entry.suite == suite && has_main) return &entry;
  }
  return nullptr;
}

}  // namespace

std::vector<AptEntry> parse_one_line_sources(std::string_view text) {
  std::vector<AptEntry> entries;
  for (const std::string& raw : split(text, '\n')) {
    std::string line(trim(without_comment(raw)));
    std::size_t open = line.find('[');
    std::size_t close = line.find(']');
    if (open != std::string::npos && close != std::string::npos && close > open) {
      line.replace(open, close - open + 1, " ");
    }
    std::vector<std::string> parts = words(line);
    if (parts.size() < 4 || parts[0] != "deb") continue;
    entries.push_back({without_trailing_slash(parts[1]), parts[2],
                       std::vector<std::string>(parts.begin() + 3, parts.end())});
  }
  return entries;
}

std::vector<AptEntry> parse_deb822_sources(std::string_view text) {
  std::vector<AptEntry> entries;
  Stanza stanza;
  std::string field;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with('#')) continue;
    if (trim(line).empty()) {
      add_stanza(stanza, entries);
      stanza.clear();
      field.clear();
      continue;
    }
    if (line[0] == ' ' || line[0] == '\t') {
      if (!field.empty()) stanza[field] += " " + std::string(trim(line));
      continue;
    }
    std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    field = to_lower(trim(std::string_view(line).substr(0, colon)));
    stanza[field] = trim(std::string_view(line).substr(colon + 1));
  }
  add_stanza(stanza, entries);
  return entries;
}

std::vector<AptEntry> read_apt_sources(const Path& directory) {
  std::vector<AptEntry> entries;
  auto add = [&entries](std::vector<AptEntry> more) {
    entries.insert(entries.end(), more.begin(), more.end());
  };
  if (auto text = read_file_if_exists(directory / "sources.list"))
    add(parse_one_line_sources(*text));
  std::vector<Path> parts;
  std::error_code missing;
  for (const auto& file :
       std::filesystem::directory_iterator(directory / "sources.list.d", missing)) {
    parts.push_back(file.path());
  }
  std::sort(parts.begin(), parts.end());
  for (const Path& part : parts) {
    if (part.extension() == ".list") add(parse_one_line_sources(read_file(part)));
    if (part.extension() == ".sources") add(parse_deb822_sources(read_file(part)));
  }
  return entries;
}

Repositories choose_repositories(const std::vector<AptEntry>& entries, const std::string& release) {
  const AptEntry* main = find_suite(entries, release);
  if (main == nullptr) {
    std::vector<std::string> suites;
    for (const AptEntry& entry : entries) suites.push_back(entry.suite);
    throw Error(ErrorKind::not_found,
                "this machine's apt configuration has no mirror that carries {} main (it has: {})",
                release, suites.empty() ? "nothing" : join(suites, ", "))
        .hint("add \"deb <mirror> " + release + " main\" to a file in /etc/apt/sources.list.d");
  }
  Repositories chosen{*main, std::nullopt, std::nullopt};
  if (const AptEntry* updates = find_suite(entries, release + "-updates")) {
    chosen.updates = *updates;
  }
  if (const AptEntry* security = find_suite(entries, release + "-security")) {
    chosen.security = *security;
  }
  return chosen;
}

std::string image_sources_list(const Repositories& repositories) {
  std::string text;
  auto add = [&text](const AptEntry& entry) {
    text += fmt::format("deb {} {} main\n", entry.uri, entry.suite);
  };
  add(repositories.release);
  if (repositories.updates) add(*repositories.updates);
  if (repositories.security) add(*repositories.security);
  return text;
}

}  // namespace hallmark::source
