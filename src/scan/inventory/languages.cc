#include "scan/inventory/languages.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "scan/inventory/elf.h"
#include "scan/inventory/order.h"
#include "scan/inventory/owned.h"
#include "scan/inventory/reader.h"
#include "scan/inventory/zip.h"

namespace hallmark::scan {
namespace {

// A lock file of a large application has 10 MiB.
constexpr std::uint64_t kMaxLock = 64u << 20;
// No program of Go or Rust is as small.
constexpr std::uint64_t kMinProgram = 64u << 10;
constexpr std::uint32_t kAnybodyRuns = 0111;
// Of one kind of file, so that none hides those of another.
constexpr std::uint64_t kMaxGaps = 100;
constexpr std::string_view kDefaultGems = "/specifications/default";

/// Where packages of the distribution itself lie.
bool is_of_distribution(std::string_view path) {
  static constexpr std::string_view kPlaces[] = {
      "/usr/lib/python3/dist-packages/", "/usr/share/nodejs/", "/usr/share/java/",
      "/usr/share/maven-repo/",          "/usr/lib/jvm/",      "/usr/share/rubygems-integration/",
      "/usr/lib/ruby/vendor_ruby/"};
  return std::any_of(std::begin(kPlaces), std::end(kPlaces),
                     [&](std::string_view place) { return path.starts_with(place); });
}

std::string_view directory_of(std::string_view path) { return path.substr(0, path.rfind('/')); }

bool is_npm_package(std::string_view path) {
  // ".../node_modules/name/package.json" or ".../node_modules/@scope/name/package.json"
  std::string_view directory = directory_of(path);
  directory = directory_of(directory);
  if (directory.substr(directory.rfind('/') + 1).starts_with('@')) {
    directory = directory_of(directory);
  }
  return directory.ends_with("/node_modules");
}

/// Ruby starts the newest version of a gem: one of its own that was updated is there, and unused.
void leave_out_replaced_gems(std::vector<model::Package>& packages) {
  std::map<std::string, std::string> newest;  // by directory and name
  for (const model::Package& package : packages) {
    const std::string_view directory = directory_of(package.path);
    if (package.manager != "ruby" || directory.ends_with(kDefaultGems)) continue;
    std::string& version = newest[std::string(directory) + " " + package.name];
    if (version.empty() || is_older(version, package.version)) version = package.version;
  }
  std::erase_if(packages, [&](const model::Package& package) {
    const std::string_view directory = directory_of(package.path);
    if (package.manager != "ruby" || !directory.ends_with(kDefaultGems)) return false;
    auto other = newest.find(std::string(directory_of(directory)) + " " + package.name);
    return other != newest.end() && is_older(package.version, other->second);
  });
}

bool is_archive(std::string_view path) {
  return path.ends_with(".jar") || path.ends_with(".war") || path.ends_with(".ear");
}

bool is_gemspec(std::string_view path) {
  // Ruby itself brings those in "default".
  return path.ends_with(".gemspec") && (directory_of(path).ends_with("/specifications") ||
                                        directory_of(path).ends_with(kDefaultGems));
}

}  // namespace

std::optional<std::string> LanguagePackages::kind_of(const std::string& path,
                                                     const fs::FileInfo& info) const {
  if (path.ends_with(".dist-info/METADATA") || path.ends_with(".egg-info/PKG-INFO") ||
      path.ends_with(".egg/EGG-INFO/PKG-INFO") || path.ends_with(".egg-info")) {
    return "python";
  }
  if (path.ends_with("/package.json") && is_npm_package(path)) return "npm";
  if (path.ends_with("/package-lock.json")) return "npm lock";
  if (is_gemspec(path)) return "ruby";
  if (is_archive(path)) return "java";
  if ((info.mode & kAnybodyRuns) != 0 && info.size_bytes >= kMinProgram) return "program";
  return std::nullopt;
}

void LanguagePackages::visit(const std::string& path, const fs::FileInfo& info) {
  if (info.type != fs::FileType::regular || info.size_bytes == 0 || is_of_distribution(path)) {
    return;
  }
  const std::optional<std::string> kind = kind_of(path, info);
  if (!kind || is_over_) return;
  gap_on_error(found_.gaps, path, [&] {
    if (*kind == "python") {
      read_python(path);
    } else if (*kind == "npm") {
      if (auto package = parse_npm_package(text_of(path, kMaxText))) add({*package}, path);
    } else if (*kind == "npm lock") {
      read_npm_lock(path);
    } else if (*kind == "ruby") {
      read_gemspec(path);
    } else if (*kind == "java") {
      read_jar(found_, reader_of(path), info.size_bytes, path, budget_);
    } else {
      add(program_packages(reader_of(path), budget_), path);
    }
  });
  for (model::Package& package : found_.packages) {
    inventory_.packages.push_back(std::move(package));
  }
  for (model::CoverageGap& gap : found_.gaps) {
    if (++gaps_[*kind] <= kMaxGaps) inventory_.gaps.push_back(std::move(gap));
  }
  found_ = {};
  if (budget_.is_spent()) {
    is_over_ = true;
    inventory_.gaps.push_back(
        {"packages of languages",
         fmt::format("{} is where more would have to be read and unpacked than of any real image; "
                     "the rest was not looked at",
                     path)});
  }
}

void LanguagePackages::finish() {
  for (const auto& [kind, count] : gaps_) {
    if (count <= kMaxGaps) continue;
    inventory_.gaps.push_back(
        {fmt::format("packages of languages ({})", kind),
         fmt::format("{} more files of this kind could not be read", count - kMaxGaps)});
  }
  gaps_.clear();
  leave_out_replaced_gems(inventory_.packages);
  leave_out_owned(inventory_, files_);
}

ReadAt LanguagePackages::reader_of(const std::string& path) {
  return [this, path](std::uint64_t offset, std::uint64_t length) {
    std::string bytes = files_.read_range(path, offset, length);
    budget_.spend(bytes.size());
    return bytes;
  };
}

std::string LanguagePackages::text_of(const std::string& path, std::uint64_t limit) {
  std::string text = files_.read_file(path, limit);
  budget_.spend(text.size());
  return text;
}

void LanguagePackages::add(std::vector<model::Package> packages, const std::string& path) {
  for (model::Package& package : packages) {
    package.path = path;
    found_.packages.push_back(std::move(package));
  }
}

void LanguagePackages::read_python(const std::string& path) {
  // pip and its likes sign for what they installed; below /usr what nobody signed for, or rpm did,
  // is the distribution's.
  if (path.starts_with("/usr/") && !path.starts_with("/usr/local/")) {
    const std::string directory(directory_of(path));
    const std::string note = directory + "/INSTALLER";
    // pip of old left a list of its files in place of its name.
    if (!is_file(files_, note) && !is_file(files_, directory + "/installed-files.txt")) return;
    const std::string text = is_file(files_, note) ? text_of(note, kMaxText) : "pip";
    const std::string_view installer = trim(text);
    if (installer == "rpm" || installer == "debian" || installer == "apk") return;
  }
  // A description of any length may follow.
  if (auto package = parse_python_metadata(reader_of(path)(0, kMaxText))) {
    add({*package}, path);
  } else {
    throw Error(ErrorKind::corrupt, "it names no package or version");
  }
}

void LanguagePackages::read_npm_lock(const std::string& path) {
  // What is installed beside it speaks for itself.
  if (files_.stat(std::string(directory_of(path)) + "/node_modules")) return;
  // That of a package that is installed is what its makers built it with.
  if (path.find("/node_modules/") != path.npos) return;
  add(parse_npm_lock(text_of(path, kMaxLock)), path);
}

void LanguagePackages::read_gemspec(const std::string& path) {
  auto package = parse_gemspec(text_of(path, kMaxText));
  if (!package) throw Error(ErrorKind::corrupt, "it names no gem or version");
  add({*package}, path);
}

}  // namespace hallmark::scan
