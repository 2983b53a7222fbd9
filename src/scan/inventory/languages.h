#pragma once
/// Packages of programming languages, which no database of the system knows: the second layer of an
/// inventory.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "model/inventory.h"
#include "scan/inventory/elf.h"
#include "scan/inventory/reader.h"

namespace hallmark::scan {

/// Recognises during a walk what installers and build tools leave, and reads it. What the
/// distribution's own packages bring (Debian's python3-*, /usr/share/java) is left to the
/// distribution's word, which knows what it has mended there.
class LanguagePackages {
 public:
  /// `budget` is what may be read and unpacked of all files together.
  LanguagePackages(model::Inventory& inventory, fs::FileSystem& files,
                   Budget budget = Budget(kMaxRead))
      : inventory_(inventory), files_(files), budget_(budget) {}

  void visit(const std::string& path, const fs::FileInfo& info);
  /// Leaves out what the system's own packages brought, and what a newer one stands in for; counts
  /// the gaps that were not told one by one.
  void finish();

 private:
  // A server full of Java has 1 GiB in its jars.
  static constexpr std::uint64_t kMaxRead = std::uint64_t{4} << 30;

  /// What kind of file it is by its name; nothing if it is none of a package.
  std::optional<std::string> kind_of(const std::string& path, const fs::FileInfo& info) const;
  void read_python(const std::string& path);
  void read_npm_lock(const std::string& path);
  void read_gemspec(const std::string& path);
  ReadAt reader_of(const std::string& path);
  std::string text_of(const std::string& path, std::uint64_t limit);
  void add(std::vector<model::Package> packages, const std::string& path);

  model::Inventory& inventory_;
  fs::FileSystem& files_;
  Budget budget_;
  model::Inventory found_;                     ///< in the file that is visited
  std::map<std::string, std::uint64_t> gaps_;  ///< how many there are of each kind
  bool is_over_ = false;
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
