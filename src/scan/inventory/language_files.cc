#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "scan/inventory/languages.h"

namespace hallmark::scan {
namespace {

model::Package made(const char* manager, std::string name, std::string version) {
  return {.name = name,
          .version = version,
          .architecture = "",
          .source_name = name,
          .source_version = version,
          .manager = manager};
}

/// PEP 503.
std::string normal_python_name(std::string_view name) {
  std::string normal;
  for (const char c : to_lower(name)) {
    const bool is_dash = c == '-' || c == '_' || c == '.';
    if (is_dash && normal.ends_with('-')) continue;
    normal += is_dash ? '-' : c;
  }
  return normal;
}

/// Empty unless it is a text.
std::string text_member(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Version 1: each package may hold others of its own.
void add_dependencies(std::vector<model::Package>& packages, const Json& dependencies, int depth) {
  if (depth > 64) throw Error(ErrorKind::corrupt, "its dependencies do not end");
  for (const auto& [name, dependency] : dependencies.items()) {
    if (!dependency.is_object()) throw Error(ErrorKind::corrupt, "{} is no dependency", name);
    const std::string version = text_member(dependency, "version");
    if (!version.empty()) packages.push_back(made("npm", name, version));
    auto inner = dependency.find("dependencies");
    if (inner != dependency.end() && inner->is_object()) {
      add_dependencies(packages, *inner, depth + 1);
    }
  }
}

/// The text between quotes of 's.name = "rack".freeze'.
std::string quoted(std::string_view line) {
  const std::size_t open = line.find('"');
  if (open == line.npos) return "";
  const std::size_t close = line.find('"', open + 1);
  return close == line.npos ? "" : std::string(line.substr(open + 1, close - open - 1));
}

}  // namespace

std::optional<model::Package> parse_python_metadata(std::string_view text) {
  std::string name;
  std::string version;
  for (const std::string& line : split(text, '\n')) {
    // The description follows behind an empty line.
    if (trim(line).empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string key = to_lower(line.substr(0, colon));
    if (key == "name" && name.empty()) name = trim(line.substr(colon + 1));
    if (key == "version" && version.empty()) version = trim(line.substr(colon + 1));
  }
  if (name.empty() || version.empty()) return std::nullopt;
  return made("python", normal_python_name(name), version);
}

std::optional<model::Package> parse_npm_package(std::string_view text) {
  const Json json = parse_json(text, "package.json");
  if (!json.is_object()) throw Error(ErrorKind::corrupt, "package.json is no object");
  const std::string name = text_member(json, "name");
  const std::string version = text_member(json, "version");
  if (name.empty() || version.empty()) return std::nullopt;
  return made("npm", name, version);
}

std::vector<model::Package> parse_npm_lock(std::string_view text) {
  const Json json = parse_json(text, "package-lock.json");
  if (!json.is_object()) throw Error(ErrorKind::corrupt, "package-lock.json is no object");
  std::vector<model::Package> packages;
  auto listed = json.find("packages");
  auto dependencies = json.find("dependencies");
  if (listed != json.end() && listed->is_object()) {
    constexpr std::string_view kFolder = "node_modules/";
    for (const auto& [path, package] : listed->items()) {
      const std::size_t folder = path.rfind(kFolder);
      // The first is the application itself, and links lead to folders of its own.
      if (folder == path.npos || !package.is_object() || package.contains("link")) continue;
      std::string name = text_member(package, "name");
      if (name.empty()) name = path.substr(folder + kFolder.size());
      const std::string version = text_member(package, "version");
      if (!version.empty()) packages.push_back(made("npm", name, version));
    }
  } else if (dependencies != json.end() && dependencies->is_object()) {
    add_dependencies(packages, *dependencies, 0);
  }
  return packages;
}

std::optional<model::Package> parse_gemspec(std::string_view text) {
  std::string name;
  std::string version;
  for (const std::string& raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (name.empty() && line.starts_with("s.name = ")) name = quoted(line);
    if (version.empty() && line.starts_with("s.version = ")) version = quoted(line);
  }
  if (name.empty() || version.empty()) return std::nullopt;
  return made("ruby", name, version);
}

}  // namespace hallmark::scan
