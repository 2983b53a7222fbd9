#pragma once
/// Package URLs: https://github.com/package-url/purl-spec

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "model/inventory.h"

namespace hallmark::scan {

/// All members are decoded. The type is in lower case.
struct PackageUrl {
  std::string type, space, name, version;
  std::map<std::string, std::string, std::less<>> qualifiers;

  /// Empty if there is none.
  std::string qualifier(std::string_view key) const;
};

/// Nothing if the text is none.
std::optional<PackageUrl> parse_purl(std::string_view text);

/// "a%2Bb" is "a+b". Bad escapes stay as they are: a name with them matches nothing, and is shown.
std::string percent_decoded(std::string_view text);

/// What our inventories call the packages of that type: "deb" is "dpkg". Empty for what is not
/// compared here.
std::string_view manager_of(const PackageUrl& url);
/// The name as our inventories have it: "org.apache:log4j", "@scope/left".
std::string package_name(const PackageUrl& url);
/// The version as our inventories have it: an rpm's with its epoch, if that is not 0.
std::string package_version(const PackageUrl& url);
/// The module and stream of `rpmmod`: "nodejs:18"; may be empty.
std::string package_module(const PackageUrl& url);
/// Whether it names the source: "arch=source" of deb, "arch=src" of rpm.
bool is_source(const PackageUrl& url);
/// The os-release ID that a namespace stands for: "redhat" is "rhel".
std::string distribution_id(std::string_view space);

}  // namespace hallmark::scan
