#pragma once
/// Packages of programming languages, which no database of the system knows: the second layer of an
/// inventory.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

/// Recognises during a walk what installers and build tools leave, and reads it. What the
/// distribution's own packages bring (Debian's python3-*, /usr/share/java) is left to the
/// distribution's word, which knows what it has mended there.
class LanguagePackages {
 public:
  LanguagePackages(model::Inventory& inventory, fs::FileSystem& files)
      : inventory_(inventory), files_(files) {}

  void visit(const std::string& path, const fs::FileInfo& info);

 private:
  void read_python(const std::string& path);
  void read_npm_lock(const std::string& path);
  void read_program(const std::string& path);
  std::string text_of(const std::string& path);
  void add(std::vector<model::Package> packages, const std::string& path);

  model::Inventory& inventory_;
  fs::FileSystem& files_;
};

/// METADATA or PKG-INFO: the name in lower case with one '-' for any run of "-_.", as PyPI compares
/// it. Nothing if it names none.
std::optional<model::Package> parse_python_metadata(std::string_view text);
/// package.json. Nothing if it names no package or version. Throws `corrupt` if it is no JSON.
std::optional<model::Package> parse_npm_package(std::string_view text);
/// package-lock.json of any version; throws `corrupt`.
std::vector<model::Package> parse_npm_lock(std::string_view text);
/// The gemspec that RubyGems writes when it installs.
std::optional<model::Package> parse_gemspec(std::string_view text);

}  // namespace hallmark::scan
