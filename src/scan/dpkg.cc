#include "scan/dpkg.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "apt/deb822.h"
#include "base/text.h"
#include "scan/versions.h"

namespace hallmark::scan {
namespace {

/// The last word of "install ok installed"; `intact` is false if the middle one is not "ok".
std::string_view state_of(std::string_view status, bool& intact) {
  auto parts = apt::words(status);
  if (parts.size() != 3) return "";
  intact = parts[1] == "ok";
  return parts[2];
}

class StatusReader {
 public:
  explicit StatusReader(std::string_view origin) : origin_(origin) {}

  void add(const apt::Paragraph& paragraph) {
    std::string name(paragraph.get("Package"));
    std::string where = is_package_name(name) ? "package " + name
                                              : fmt::format("{} line {}", origin_, paragraph.line);
    if (!paragraph.problem.empty()) gap(where, fmt::format("{}: {}", origin_, paragraph.problem));
    if (!is_package_name(name)) {
      if (paragraph.problem.empty()) gap(where, "the paragraph does not name a package");
      return;
    }
    bool intact = true;
    // The files in status.d of images without dpkg describe what is installed and have no Status.
    auto status = paragraph.find("Status");
    std::string_view state = status ? state_of(*status, intact) : "installed";
    if (state == "not-installed" || state == "config-files") return;
    static constexpr std::string_view kSettled[] = {"installed", "triggers-awaited",
                                                    "triggers-pending"};
    bool settled = std::find(std::begin(kSettled), std::end(kSettled), state) != std::end(kSettled);
    bool present = settled || state == "unpacked" || state == "half-configured";
    if (!present && state != "half-installed") {
      gap(where, fmt::format("its status \"{}\" is not known", status.value_or("")));
      return;
    }
    if (!settled) gap(where, fmt::format("it is not fully installed but {}", state));
    if (!intact) gap(where, "dpkg has marked it as broken: it must be reinstalled");
    if (present) add_package(paragraph, std::move(name), where);
  }

  DpkgPackages take() { return std::move(found_); }

 private:
  void gap(std::string what, std::string reason) {
    found_.gaps.push_back({std::move(what), std::move(reason)});
  }

  void add_package(const apt::Paragraph& paragraph, std::string name, const std::string& where) {
    model::Package package;
    package.name = std::move(name);
    package.version = paragraph.get("Version");
    package.architecture = paragraph.get("Architecture");
    package.manager = "dpkg";
    if (package.version.empty() || package.architecture.empty()) {
      gap(where, fmt::format("{} names no {} for it", origin_,
                             package.version.empty() ? "version" : "architecture"));
      return;
    }
    auto [source, source_version] = parse_source(paragraph.get("Source"));
    package.source_name = source.empty() ? package.name : source;
    package.source_version = source_version.empty() ? package.version : source_version;
    found_.packages.push_back(std::move(package));
  }

  std::string_view origin_;
  DpkgPackages found_;
};

}  // namespace

DpkgPackages parse_dpkg_status(std::string_view text, std::string_view origin) {
  StatusReader reader(origin);
  apt::read_paragraphs(text, [&](const apt::Paragraph& paragraph) { reader.add(paragraph); });
  return reader.take();
}

std::pair<std::string, std::string> parse_source(std::string_view field) {
  std::size_t open = field.find('(');
  if (open == field.npos) return {std::string(trim(field)), ""};
  std::size_t close = std::min(field.find(')', open), field.size());
  return {std::string(trim(field.substr(0, open))),
          std::string(trim(field.substr(open + 1, close - open - 1)))};
}

bool is_package_name(std::string_view name) {
  auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  // Policy forbids capitals; some foreign packages have them and dpkg installs those.
  auto allowed = [&](char c) {
    return alphanumeric(c) || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.' ||
           c == '_';
  };
  return !name.empty() && name[0] != '-' && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace hallmark::scan
