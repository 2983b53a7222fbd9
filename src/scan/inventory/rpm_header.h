#pragma once
/// One header of an rpm database: what an installed package says of itself.
/// https://rpm-software-management.github.io/rpm/manual/format_header.html

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/inventory.h"

namespace hallmark::scan {

/// Throws `corrupt` if the header does not hold together, names no package or version, or is not
/// the one that its own digest was made of. Nothing for a key that rpm keeps as if it were a
/// package (gpg-pubkey). The version is "[epoch:]version-release".
std::optional<model::Package> parse_rpm_header(std::string_view blob);

/// The paths of the files that the package has put there. Throws `corrupt` as above.
void each_rpm_file(std::string_view blob, const std::function<void(std::string path)>& each);

/// "bash-5.1.8-2.el9.src.rpm": name and version; both empty if it is no such name.
std::pair<std::string, std::string> parse_source_rpm(std::string_view file_name);

}  // namespace hallmark::scan
