#include "apt/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apt/deb822.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::apt {
namespace {

std::string without_trailing_slash(std::string url) {
  while (url.size() > 1 && url.ends_with('/')) url.pop_back();
  return url;
}

std::vector<std::string> owned(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

/// "deb [arch=amd64 signed-by=/key] http://host/debian suite main contrib"
void read_line(std::vector<Source>& sources, std::string_view line, const std::string& origin) {
  line = trim(line.substr(0, line.find('#')));
  if (line.empty()) return;
  Source source;
  source.origin = origin;
  std::string_view rest = line;
  std::string_view type = rest.substr(0, rest.find_first_of(" \t"));
  rest = trim(rest.substr(type.size()));
  if (type == "deb-src") return;
  if (rest.starts_with('[')) {
    std::size_t close = rest.find(']');
    for (std::string_view option : words(rest.substr(1, close == rest.npos ? close : close - 1))) {
      std::size_t equals = std::min(option.find('='), option.size());
      std::string_view key = option.substr(0, equals);
      std::string value(option.substr(std::min(equals + 1, option.size())));
      if (key == "arch") source.architectures = split(value, ',');
      if (key == "signed-by") source.signed_by = value;
    }
    rest = close == rest.npos ? std::string_view() : rest.substr(close + 1);
  }
  auto parts = owned(words(rest));
  if (type != "deb" || parts.size() < 2) {
    log_warning("{} is not a line of sources.list(5)", origin);
    return;
  }
  source.url = without_trailing_slash(parts[0]);
  source.suite = parts[1];
  source.components.assign(parts.begin() + 2, parts.end());
  sources.push_back(std::move(source));
}

void read_list(std::vector<Source>& sources, const Path& file) {
  std::size_t number = 0;
  for (const std::string& line : split(read_file(file), '\n')) {
    read_line(sources, line, fmt::format("{}:{}", file.string(), ++number));
  }
}

void read_deb822(std::vector<Source>& sources, const Path& file) {
  std::string text = read_file(file);
  read_paragraphs(text, [&](const Paragraph& paragraph) {
    std::string origin = fmt::format("{}:{}", file.string(), paragraph.line);
    if (!paragraph.problem.empty()) log_warning("{}: {}", origin, paragraph.problem);
    // apt's own words for "no".
    static const std::vector<std::string> kNo = {"no", "false", "without", "off", "disable", "0"};
    if (contains(kNo, to_lower(paragraph.get("Enabled")))) return;
    if (!contains(owned(words(paragraph.get("Types"))), "deb")) return;
    for (std::string_view url : words(paragraph.get("URIs"))) {
      for (std::string_view suite : words(paragraph.get("Suites"))) {
        Source source;
        source.url = without_trailing_slash(std::string(url));
        source.suite = suite;
        source.components = owned(words(paragraph.get("Components")));
        source.architectures = owned(words(paragraph.get("Architectures")));
        source.signed_by = paragraph.get("Signed-By");
        source.origin = origin;
        sources.push_back(std::move(source));
      }
    }
  });
}

}  // namespace

bool has_component(const Source& source, std::string_view component) {
  return contains(source.components, component);
}

std::vector<Source> read_sources(const Path& directory) {
  std::vector<Source> sources;
  if (std::filesystem::exists(directory / "sources.list"))
    read_list(sources, directory / "sources.list");
  std::vector<Path> files;
  std::error_code missing;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory / "sources.list.d", missing)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const Path& file : files) {
    if (file.extension() == ".list") read_list(sources, file);
    if (file.extension() == ".sources") read_deb822(sources, file);
  }
  return sources;
}

}  // namespace hallmark::apt
