#include "scan/inventory/languages.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "scan/inventory/elf.h"
#include "scan/inventory/reader.h"
#include "scan/inventory/zip.h"

namespace hallmark::scan {
namespace {

// A lock file of a large application has 10 MiB.
constexpr std::uint64_t kMaxLock = 64u << 20;
// No program of Go or Rust is as small.
constexpr std::uint64_t kMinProgram = 64u << 10;
constexpr std::uint32_t kAnybodyRuns = 0111;

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

bool is_archive(std::string_view path) {
  return path.ends_with(".jar") || path.ends_with(".war") || path.ends_with(".ear");
}

}  // namespace

void LanguagePackages::visit(const std::string& path, const fs::FileInfo& info) {
  if (info.type != fs::FileType::regular || info.size_bytes == 0 || is_of_distribution(path)) {
    return;
  }
  gap_on_error(inventory_.gaps, path, [&] {
    if (path.ends_with(".dist-info/METADATA") || path.ends_with(".egg-info/PKG-INFO") ||
        path.ends_with(".egg/EGG-INFO/PKG-INFO") || path.ends_with(".egg-info")) {
      read_python(path);
    } else if (path.ends_with("/package.json") && is_npm_package(path)) {
      if (auto package = parse_npm_package(text_of(path))) add({*package}, path);
    } else if (path.ends_with("/package-lock.json")) {
      read_npm_lock(path);
    } else if (path.ends_with(".gemspec") && directory_of(path).ends_with("/specifications")) {
      auto package = parse_gemspec(text_of(path));
      if (!package) throw Error(ErrorKind::corrupt, "it names no gem or version");
      add({*package}, path);
    } else if (is_archive(path)) {
      read_jar(
          inventory_,
          [&](std::uint64_t offset, std::uint64_t length) {
            return files_.read_range(path, offset, length);
          },
          info.size_bytes, path);
    } else if ((info.mode & kAnybodyRuns) != 0 && info.size_bytes >= kMinProgram) {
      read_program(path);
    }
  });
}

std::string LanguagePackages::text_of(const std::string& path) {
  return files_.read_file(path, kMaxText);
}

void LanguagePackages::add(std::vector<model::Package> packages, const std::string& path) {
  for (model::Package& package : packages) {
    package.path = path;
    inventory_.packages.push_back(std::move(package));
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
    const std::string installer(
        trim(is_file(files_, note) ? files_.read_file(note, kMaxText) : "pip"));
    if (installer == "rpm" || installer == "debian" || installer == "apk") return;
  }
  // A description of any length may follow.
  if (auto package = parse_python_metadata(files_.read_range(path, 0, kMaxText))) {
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
  add(parse_npm_lock(files_.read_file(path, kMaxLock)), path);
}

void LanguagePackages::read_program(const std::string& path) {
  add(program_packages([&](std::uint64_t offset, std::uint64_t length) {
        return files_.read_range(path, offset, length);
      }),
      path);
}

}  // namespace hallmark::scan
