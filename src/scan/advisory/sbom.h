#pragma once
/// A list of packages that somebody else made, as an inventory.

#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.h"

namespace hallmark::scan {

/// CycloneDX (JSON, 1.2 and later) or SPDX (JSON, 2.2 and 2.3). Packages are told by their package
/// URLs; a component without one is a gap, and so is one of a kind that nothing here compares. The
/// distribution is what the document or the package URLs name. Throws `corrupt`, with the way out,
/// for what is neither.
model::Inventory read_sbom(std::string_view text, std::string_view origin);

/// What the document says it is about, as a VEX document may name it: package URLs, ids, the list's
/// serial number.
std::vector<std::string> sbom_names(std::string_view text, std::string_view origin);

}  // namespace hallmark::scan
