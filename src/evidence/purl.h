#pragma once
/// Package URLs: https://github.com/package-url/purl-spec

#include <string>
#include <string_view>

#include "model/inventory.h"

namespace hallmark::evidence {

/// Everything but letters, digits and "-._~" as %XX, and `unencoded` besides.
std::string percent_encode(std::string_view text, std::string_view unencoded = "");

/// "pkg:deb/debian/openssl@3.0.9-1?arch=amd64&distro=debian-12". A manager that has no type of its
/// own is "generic".
std::string package_url(const model::Package& package, const model::Distribution& distribution);

}  // namespace hallmark::evidence
