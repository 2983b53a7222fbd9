#pragma once
/// apk's database of installed packages: Alpine, Wolfi, Chainguard.

#include <string_view>
#include <vector>

#include "fs/file_system.h"
#include "model/inventory.h"

namespace hallmark::scan {

struct ApkPackages {
  std::vector<model::Package> packages;  ///< in the order of the file
  std::vector<model::CoverageGap> gaps;
};

/// Reads the text of an installed file. What names no package or version is a gap; `origin` names
/// the file there. Never throws.
ApkPackages parse_apk_installed(std::string_view text, std::string_view origin);

/// Whether there is such a database.
bool read_apk(model::Inventory& inventory, fs::FileSystem& files);

}  // namespace hallmark::scan
