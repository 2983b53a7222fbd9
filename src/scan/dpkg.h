#pragma once
/// dpkg's database as text.

#include <string_view>
#include <vector>

#include "model/assessment.h"

namespace hallmark::scan {

struct DpkgPackages {
  std::vector<model::Package> packages;  ///< in the order of the file
  std::vector<model::CoverageGap> gaps;
};

/// Reads the text of a status file. Packages whose files are on the disk count as installed; one
/// that is removed with its configuration left behind does not. One that is in between
/// (half-installed, unpacked, half-configured, to be reinstalled) is a gap, and counts as installed
/// as well unless it is only half-installed: then nobody knows which files are there. Paragraphs
/// that cannot be read are gaps. `origin` names the file in gaps. Never throws.
DpkgPackages parse_dpkg_status(std::string_view text, std::string_view origin);

/// "glibc (2.36-9)": a Source field. The version is empty if the field names none.
std::pair<std::string, std::string> parse_source(std::string_view field);

bool is_package_name(std::string_view name);

}  // namespace hallmark::scan
