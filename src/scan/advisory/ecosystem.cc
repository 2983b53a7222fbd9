#include "scan/advisory/ecosystem.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "base/text.h"
#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

/// How much of VERSION_ID the advisories of a distribution go by.
enum class Release { none, major, major_minor, all };

struct Known {
  std::string_view id;  ///< of os-release, or the language's
  VersionOrder order;
  Release release;
};

constexpr std::array<Known, 31> kKnown = {{
    {"debian", VersionOrder::dpkg, Release::major},
    {"ubuntu", VersionOrder::dpkg, Release::major_minor},
    {"alpine", VersionOrder::apk, Release::major_minor},
    {"wolfi", VersionOrder::apk, Release::none},
    {"chainguard", VersionOrder::apk, Release::none},
    {"almalinux", VersionOrder::rpm, Release::major},
    {"rocky", VersionOrder::rpm, Release::major},
    {"rhel", VersionOrder::rpm, Release::major},
    {"centos", VersionOrder::rpm, Release::major},
    {"ol", VersionOrder::rpm, Release::major},
    {"amzn", VersionOrder::rpm, Release::all},
    {"fedora", VersionOrder::rpm, Release::major},
    {"sles", VersionOrder::rpm, Release::all},
    {"sles_sap", VersionOrder::rpm, Release::all},
    {"sle-micro", VersionOrder::rpm, Release::all},
    {"opensuse-leap", VersionOrder::rpm, Release::all},
    {"opensuse-tumbleweed", VersionOrder::rpm, Release::none},
    {"azurelinux", VersionOrder::rpm, Release::major_minor},
    {"mariner", VersionOrder::rpm, Release::major_minor},
    {"mageia", VersionOrder::rpm, Release::major},
    {"openeuler", VersionOrder::rpm, Release::all},
    {"photon", VersionOrder::rpm, Release::all},
    {"pypi", VersionOrder::pep440, Release::none},
    {"npm", VersionOrder::semver, Release::none},
    {"go", VersionOrder::semver, Release::none},
    {"crates.io", VersionOrder::semver, Release::none},
    {"maven", VersionOrder::maven, Release::none},
    {"rubygems", VersionOrder::gem, Release::none},
    {"hex", VersionOrder::semver, Release::none},
    {"pub", VersionOrder::semver, Release::none},
    {"swifturl", VersionOrder::semver, Release::none},
}};

const Known* known(std::string_view id) {
  const auto found =
      std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.id == id; });
  return found == kKnown.end() ? nullptr : &*found;
}

/// "12.7" with `major` is "12"; "3.19.1" with `major_minor` is "3.19".
std::string shortened(std::string_view version, Release release) {
  std::size_t dots = release == Release::major ? 1 : release == Release::major_minor ? 2 : 100;
  std::size_t end = 0;
  while (end < version.size() && (version[end] != '.' || --dots != 0)) ++end;
  return std::string(version.substr(0, end));
}

std::string key_of(std::string_view id, std::string_view version) {
  const Known* entry = known(id);
  if (entry == nullptr) return {};
  if (entry->release == Release::none) return std::string(id);
  // Amazon Linux 1 calls itself by its month: "2018.03".
  if (id == "amzn" && version.starts_with("201") && version.find('.') != version.npos)
    version = "1";
  // An image of testing or unstable says no version.
  if (version.empty()) return {};
  return std::string(id) + ":" + shortened(version, entry->release);
}

/// The first number of `text`, with its dots: "Fedora 40", "el8.4".
std::string_view number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  auto number = take(text, [](char c) { return is_digit(c) || c == '.'; });
  while (number.ends_with('.')) number.remove_suffix(1);
  return number;
}

/// "15 SP5" is "15.5", as os-release has it.
std::string suse_version(std::string_view title) {
  std::string version(number_in(title));
  if (version.empty()) return {};
  std::string_view behind = title.substr(title.find(version) + version.size());
  if (const std::size_t pack = behind.find("sp"); pack != behind.npos) {
    behind.remove_prefix(pack + 2);
    if (!behind.empty() && is_digit(behind[0])) version += "." + std::string(number_in(behind));
  }
  return version;
}

}  // namespace

std::string ecosystem_of(const model::Distribution& distribution) {
  return key_of(distribution.id, distribution.version_id);
}

std::string ecosystem_of(const model::Package& package, const model::Distribution& distribution) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLanguages = {
      {{"python", "pypi"},
       {"npm", "npm"},
       {"go", "go"},
       {"java", "maven"},
       {"ruby", "rubygems"},
       {"rust", "crates.io"}}};
  const std::string& manager = package.manager;
  if (manager.empty() || manager == "dpkg" || manager == "rpm" || manager == "apk") {
    return ecosystem_of(distribution);
  }
  for (const auto& [name, key] : kLanguages) {
    if (manager == name) return std::string(key);
  }
  return {};
}

std::string ecosystem_from_osv(std::string_view name) {
  const std::string text = to_lower(name);
  const std::size_t colon = text.find(':');
  const std::string first = text.substr(0, colon);
  std::string rest = colon == text.npos ? "" : text.substr(colon + 1);
  if (first == "alpine" && rest.starts_with("v")) rest = rest.substr(1);
  if (first == "rocky linux") return key_of("rocky", rest);
  if (first == "red hat") return ecosystem_from_cpe("cpe:/o:redhat:" + rest);
  if (first == "suse" || first == "opensuse") return ecosystem_from_title(text);
  if (first == "azure linux")
    return key_of("azurelinux", rest.find('.') == rest.npos ? rest + ".0" : rest);
  if (first == "photon os") return key_of("photon", rest);
  if (first == "ubuntu") {
    if (rest.starts_with("pro:")) rest = rest.substr(4);
    if (rest.ends_with(":lts")) rest = rest.substr(0, rest.size() - 4);
    // "FIPS:20.04", "22.04:LTS:for:NVIDIA": builds of their own, with versions of their own.
    return rest.find_first_not_of("0123456789.") == rest.npos ? key_of(first, rest) : std::string();
  }
  return key_of(first, rest);
}

std::string ecosystem_from_title(std::string_view title) {
  const std::string text = replace_all(replace_all(to_lower(title), "-", " "), "_", " ");
  const auto has = [&](std::string_view words) { return text.find(words) != text.npos; };
  if (has("tumbleweed")) return "opensuse-tumbleweed";
  if (has("opensuse leap") || has("opensuse:leap")) return key_of("opensuse-leap", number_in(text));
  if (has("linux enterprise micro") || has("sle micro"))
    return key_of("sle-micro", number_in(text));
  if (has("linux enterprise")) return key_of("sles", suse_version(text));
  if (has("alma")) return key_of("almalinux", number_in(text));
  if (has("rocky")) return key_of("rocky", number_in(text));
  if (has("oracle linux") || text.starts_with("ol ")) return key_of("ol", number_in(text));
  if (has("amazon linux")) return key_of("amzn", number_in(text));
  if (has("fedora")) return key_of("fedora", number_in(text));
  if (has("red hat enterprise linux")) return key_of("rhel", number_in(text));
  if (has("ubuntu")) return key_of("ubuntu", number_in(text));
  if (has("debian")) return key_of("debian", number_in(text));
  if (has("azure linux")) return key_of("azurelinux", number_in(text));
  if (has("mariner")) return key_of("mariner", number_in(text));
  return {};
}

std::string ecosystem_from_cpe(std::string_view cpe) {
  std::vector<std::string> parts = split(cpe, ':');
  if (parts.size() > 1 && parts[0] == "cpe" && parts[1] == "2.3") parts.erase(parts.begin() + 1);
  if (parts.size() < 4 || parts[0] != "cpe") return {};
  const auto at = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string(); };
  const std::string vendor = at(2), product = at(3), version = at(4), update = at(5);
  if (vendor == "redhat" && product == "enterprise_linux") {
    // "9" and "9::baseos"; "9.2" is a stream of its own, but from 10 on all have their minor.
    const bool whole = version.find('.') == version.npos || version.find('.') > 1;
    return whole ? key_of("rhel", version) : std::string();
  }
  if (vendor == "suse") {
    const std::string pack = update.starts_with("sp") ? "." + update.substr(2) : "";
    // The server's packages lie in its modules.
    if (product == "sles" || product == "sled" || product.starts_with("sle-module-")) {
      return key_of("sles", version + pack);
    }
  }
  if (vendor == "opensuse" && product == "leap") return key_of("opensuse-leap", version);
  if (vendor == "oracle" && product == "linux") return key_of("ol", version);
  if (vendor == "almalinux") return key_of("almalinux", version);
  if (vendor == "rocky") return key_of("rocky", version);
  return {};
}

std::optional<VersionOrder> order_of(std::string_view ecosystem) {
  const Known* entry = known(ecosystem.substr(0, ecosystem.find(':')));
  if (entry == nullptr) return std::nullopt;
  return entry->order;
}

bool is_of_distribution(std::string_view ecosystem) {
  const auto order = order_of(ecosystem);
  return order == VersionOrder::dpkg || order == VersionOrder::rpm || order == VersionOrder::apk;
}

std::string package_key(std::string_view ecosystem, std::string_view name) {
  if (ecosystem != "pypi") return std::string(name);
  std::string key;
  for (const char c : name) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (!separator)
      key += lower(c);
    else if (!key.ends_with('-'))
      key += '-';
  }
  return key;
}

}  // namespace hallmark::scan
