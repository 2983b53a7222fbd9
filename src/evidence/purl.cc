#include "evidence/purl.h"

#include "base/text.h"

namespace hallmark::evidence {

std::string percent_encode(std::string_view text, std::string_view unencoded) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' ||
                       unencoded.find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

namespace {

/// purl-types: a language's registry is the whole place; no distribution and no architecture.
struct RegistryType {
  std::string_view manager;
  std::string_view type;
};
constexpr RegistryType kRegistries[] = {{"python", "pypi"}, {"npm", "npm"},  {"go", "golang"},
                                        {"java", "maven"},  {"ruby", "gem"}, {"rust", "cargo"}};

/// The name's parts are segments of their own: "@scope/name", "golang.org/x/net", "group:artifact".
std::string registry_url(std::string_view type, const model::Package& package) {
  std::string url = "pkg:" + std::string(type);
  const std::string name = type == "maven" ? replace_all(package.name, ":", "/") : package.name;
  for (const std::string& segment : split(name, '/')) {
    if (!segment.empty()) url += "/" + percent_encode(segment, ":");
  }
  return package.version.empty() ? url : url + "@" + percent_encode(package.version, ":");
}

}  // namespace

std::string package_url(const model::Package& package, const model::Distribution& distribution) {
  for (const RegistryType& registry : kRegistries) {
    if (package.manager == registry.manager) return registry_url(registry.type, package);
  }
  // The purl specification, "Character encoding": a colon is never encoded.
  auto encode = [](const std::string& text) { return percent_encode(text, ":"); };
  const bool is_deb = package.manager == "dpkg";
  const bool is_rpm = package.manager == "rpm";
  const bool is_apk = package.manager == "apk";
  std::string version = package.version;
  std::string epoch;
  // purl-types, "rpm": the epoch is a qualifier and no part of the version.
  if (std::size_t colon = version.find(':'); is_rpm && colon != std::string::npos) {
    epoch = version.substr(0, colon);
    version.erase(0, colon + 1);
  }
  std::string url = is_deb   ? "pkg:deb/"
                    : is_rpm ? "pkg:rpm/"
                    : is_apk ? "pkg:apk/"
                             : "pkg:generic/";
  if (!distribution.id.empty()) url += encode(to_lower(distribution.id)) + "/";
  // purl-types: deb and apk have lower-case names, rpm and generic tell case apart.
  url += encode(is_deb || is_apk ? to_lower(package.name) : package.name);
  if (!version.empty()) url += "@" + encode(version);
  std::vector<std::string> qualifiers;  // sorted by their names
  if (!package.architecture.empty()) qualifiers.push_back("arch=" + encode(package.architecture));
  if (!distribution.id.empty() && !distribution.version_id.empty()) {
    qualifiers.push_back("distro=" + encode(distribution.id + "-" + distribution.version_id));
  }
  if (!epoch.empty() && epoch != "0") qualifiers.push_back("epoch=" + encode(epoch));
  return qualifiers.empty() ? url : url + "?" + join(qualifiers, "&");
}

}  // namespace hallmark::evidence
