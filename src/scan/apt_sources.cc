#include "scan/apt_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "scan/deb822.h"

namespace hallmark::scan {
namespace {

constexpr const char* kDebianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

std::vector<std::string> owned(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

/// "deb [arch=amd64 signed-by=/key] http://host/debian suite main contrib"
void read_line(std::vector<AptSource>& sources, std::string_view line, const std::string& origin) {
  line = trim(line.substr(0, line.find('#')));
  if (line.empty()) return;
  AptSource source;
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
  source.url = parts[0];
  source.suite = parts[1];
  source.components.assign(parts.begin() + 2, parts.end());
  sources.push_back(std::move(source));
}

void read_list(std::vector<AptSource>& sources, const Path& file) {
  std::size_t number = 0;
  for (const std::string& line : split(read_file(file), '\n')) {
    read_line(sources, line, fmt::format("{}:{}", file.string(), ++number));
  }
}

void read_deb822(std::vector<AptSource>& sources, const Path& file) {
  std::string text = read_file(file);
  read_paragraphs(text, [&](const Paragraph& paragraph) {
    std::string origin = fmt::format("{}:{}", file.string(), paragraph.line);
    if (!paragraph.problem.empty()) log_warning("{}: {}", origin, paragraph.problem);
    std::string enabled = to_lower(paragraph.get("Enabled"));
    if (enabled == "no" || enabled == "false" || enabled == "0") return;
    if (!contains(owned(words(paragraph.get("Types"))), "deb")) return;
    for (std::string_view url : words(paragraph.get("URIs"))) {
      for (std::string_view suite : words(paragraph.get("Suites"))) {
        AptSource source;
        source.url = url;
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

/// http and https as they are, file:/path with the slashes that a URL wants; nothing for the rest.
std::string usable_url(const std::string& url) {
  if (url.starts_with("http://") || url.starts_with("https://")) return url;
  if (url.starts_with("file:///")) return url;
  if (url.starts_with("file:/")) return "file://" + url.substr(5);
  return "";
}

}  // namespace

std::vector<AptSource> read_apt_sources(const Path& root) {
  std::vector<AptSource> sources;
  if (std::filesystem::exists(root / "sources.list")) read_list(sources, root / "sources.list");
  std::vector<Path> files;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root / "sources.list.d", missing)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const Path& file : files) {
    if (file.extension() == ".list") read_list(sources, file);
    if (file.extension() == ".sources") read_deb822(sources, file);
  }
  return sources;
}

SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture,
                                     const Path& root) {
  for (const AptSource& source : read_apt_sources(root)) {
    std::string url = usable_url(source.url);
    bool fits = source.suite == codename + "-security" && !url.empty() &&
                contains(source.components, "main") &&
                (source.architectures.empty() || contains(source.architectures, architecture));
    if (!fits) continue;
    SuiteSource found;
    found.url = url;
    found.suite = source.suite;
    found.architecture = architecture;
    // A fingerprint or a key within the file is no path; Debian's own keys are meant then.
    bool path = source.signed_by.starts_with('/') &&
                source.signed_by.find_first_of(" ,\n") == source.signed_by.npos;
    found.keyring = path ? source.signed_by : kDebianKeyring;
    return found;
  }
  throw Error(ErrorKind::not_found, "apt's configuration in {} names no source of {}-security",
              root.string(), codename)
      .hint(fmt::format("add it, for instance in {}/sources.list.d/security.sources: Types: deb, "
                        "URIs: the mirror's debian-security, Suites: {}-security, "
                        "Components: main",
                        root.string(), codename));
}

SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture) {
  return security_source_from_apt(codename, architecture, "/etc/apt");
}

}  // namespace hallmark::scan
