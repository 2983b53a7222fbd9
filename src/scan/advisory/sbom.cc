#include "scan/advisory/sbom.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "model/finding.h"
#include "scan/advisory/purl.h"
#include "scan/inventory/support.h"

namespace hallmark::scan {
namespace {

// Components hold components; nobody means more than a few levels.
constexpr int kMaxDepth = 32;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& list_of(const Json& json, const char* key) {
  static const Json none = Json::array();
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_array() ? *found : none;
}

std::optional<model::Package> package_of(const PackageUrl& url) {
  const std::string_view manager = manager_of(url);
  if (manager.empty()) return std::nullopt;
  model::Package package;
  package.manager = manager;
  package.name = package_name(url);
  package.version = package_version(url);
  package.module = package_module(url);
  package.architecture = url.qualifier("arch");
  // "openssl@3.0.11", "openssl-3.0.7-1.src.rpm": as Syft writes it.
  std::string upstream = url.qualifier("upstream");
  if (upstream.ends_with(".src.rpm")) {
    const std::string nvr = upstream.substr(0, upstream.size() - 8);
    const std::size_t release = nvr.rfind('-');
    const std::size_t version =
        release == nvr.npos || release == 0 ? nvr.npos : nvr.rfind('-', release - 1);
    if (version != nvr.npos) {
      package.source_name = nvr.substr(0, version);
      package.source_version = nvr.substr(version + 1);
    }
  } else if (!upstream.empty()) {
    const std::size_t at = upstream.find('@');
    package.source_name = upstream.substr(0, at);
    if (at != upstream.npos) package.source_version = upstream.substr(at + 1);
  }
  return package;
}

class SbomReader {
 public:
  void cyclonedx(const Json& components, int depth = 0) {
    if (depth > kMaxDepth) return;
    for (const Json& component : components) {
      const std::string type = text_of(component, "type");
      if (type == "operating-system") {
        take_system(text_of(component, "name"), text_of(component, "version"),
                    text_of(component, "description"));
      } else if (type != "file" && type != "container" && type != "cryptographic-asset" &&
                 type != "device") {
        take(text_of(component, "purl"), text_of(component, "name"),
             [&](model::Package& package) { take_properties(component, package); });
      }
      cyclonedx(list_of(component, "components"), depth + 1);
    }
  }

  void spdx(const Json& document) {
    std::set<std::string> described;
    for (const Json& id : list_of(document, "documentDescribes")) {
      if (id.is_string()) described.insert(id.get<std::string>());
    }
    for (const Json& relation : list_of(document, "relationships")) {
      if (text_of(relation, "relationshipType") == "DESCRIBES")
        described.insert(text_of(relation, "relatedSpdxElement"));
    }
    const Json* image = nullptr;
    for (const Json& package : list_of(document, "packages")) {
      const std::string purpose = text_of(package, "primaryPackagePurpose");
      if (purpose == "OPERATING-SYSTEM" || purpose == "OPERATING_SYSTEM") {
        // What the document is about has the name and the version of an image, ours too.
        if (described.contains(text_of(package, "SPDXID"))) {
          image = &package;
        } else {
          take_system(text_of(package, "name"), text_of(package, "versionInfo"), "");
        }
        continue;
      }
      std::string purl;
      for (const Json& reference : list_of(package, "externalRefs")) {
        if (text_of(reference, "referenceType") == "purl")
          purl = text_of(reference, "referenceLocator");
      }
      // What the document is about is no part of it.
      if (purl.empty() && described.contains(text_of(package, "SPDXID"))) continue;
      take(purl, text_of(package, "name"),
           [&](model::Package& found) { take_source_info(text_of(package, "sourceInfo"), found); });
    }
    const bool told = !inventory_.distribution.id.empty() ||
                      std::any_of(distributions_.begin(), distributions_.end(),
                                  [](const auto& each) { return !each.first.second.empty(); });
    if (image != nullptr && !told) {
      take_system(text_of(*image, "name"), text_of(*image, "versionInfo"), "");
    }
  }

  model::Inventory finish() {
    if (inventory_.distribution.id.empty()) take_distribution_of_urls();
    const auto key = [](const model::Package& p) {
      return std::tie(p.name, p.architecture, p.version, p.manager, p.path);
    };
    std::sort(inventory_.packages.begin(), inventory_.packages.end(),
              [&](const auto& a, const auto& b) { return key(a) < key(b); });
    inventory_.packages.erase(
        std::unique(inventory_.packages.begin(), inventory_.packages.end(),
                    [&](const auto& a, const auto& b) { return key(a) == key(b); }),
        inventory_.packages.end());
    inventory_.distribution.end_of_support = end_of_support(inventory_.distribution);
    return std::move(inventory_);
  }

 private:
  template <typename More>
  void take(const std::string& purl, const std::string& name, More more) {
    const auto url = parse_purl(purl);
    auto package = url ? package_of(*url) : std::nullopt;
    const std::string shown = model::safe_text(purl.empty() ? name : purl, 200);
    if (!package) {
      inventory_.gaps.push_back(
          {"component " + shown, purl.empty() ? "it has no package URL"
                                              : "packages of this kind are compared with nothing"});
      return;
    }
    if (package->version.empty()) {
      inventory_.gaps.push_back({"component " + shown, "it has no version"});
      return;
    }
    more(*package);
    if (package->source_name.empty()) package->source_name = package->name;
    if (package->source_version.empty()) package->source_version = package->version;
    if (url->type == "deb" || url->type == "rpm" || url->type == "apk")
      ++distributions_[{distribution_id(url->space), url->qualifier("distro")}];
    if (inventory_.architecture.empty())
      inventory_.architecture = package->architecture == "all" || package->architecture == "noarch"
                                    ? ""
                                    : package->architecture;
    inventory_.packages.push_back(*std::move(package));
  }

  /// Ours, and Trivy's.
  static void take_properties(const Json& component, model::Package& package) {
    std::string epoch, release;
    for (const Json& property : list_of(component, "properties")) {
      const std::string name = text_of(property, "name");
      const std::string value = text_of(property, "value");
      const auto is = [&](std::string_view end) {
        return name == end || name.ends_with(":" + std::string(end));
      };
      if (is("source_package") || is("SrcName")) package.source_name = value;
      if (is("source_version") || is("SrcVersion")) package.source_version = value;
      if (is("SrcRelease")) release = value;
      if (is("SrcEpoch")) epoch = value;
      if (is("path") || is("FilePath")) package.path = value;
      if (is("module") || is("Modularitylabel"))
        package.module = join({split(value + ":", ':')[0], split(value + "::", ':')[1]}, ":");
    }
    if (!release.empty()) package.source_version += "-" + release;
    if (!epoch.empty() && epoch != "0")
      package.source_version = epoch + ":" + package.source_version;
    if (package.module == ":") package.module.clear();
  }

  /// "built from source package: glibc 2.36-9".
  static void take_source_info(const std::string& text, model::Package& package) {
    constexpr std::string_view kMark = "built from source package: ";
    if (!text.starts_with(kMark)) return;
    const auto words = split(std::string_view(text).substr(kMark.size()), ' ');
    if (!words.empty()) package.source_name = words[0];
    if (words.size() > 1) package.source_version = words[1];
  }

  void take_system(const std::string& name, const std::string& version,
                   const std::string& description) {
    model::Distribution& system = inventory_.distribution;
    system.id = to_lower(name);
    system.version_id = version;
    system.pretty_name =
        model::safe_text(description.empty() ? name + " " + version : description, 200);
    set_codename();
  }

  /// `distro=debian-12`, or what most package URLs name.
  void take_distribution_of_urls() {
    int most = 0;
    for (const auto& [names, count] : distributions_) {
      if (count <= most) continue;
      most = count;
      const auto& [space, distro] = names;
      const std::size_t dash = distro.rfind('-');
      model::Distribution& system = inventory_.distribution;
      system.id = space;
      system.version_id = dash == distro.npos ? distro : distro.substr(dash + 1);
      if (dash != distro.npos && space.empty()) system.id = distro.substr(0, dash);
      system.pretty_name = model::safe_text(system.id + " " + system.version_id, 200);
    }
    set_codename();
  }

  /// Debian's suites go by it.
  void set_codename() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kDebian = {
        {{"10", "buster"},
         {"11", "bullseye"},
         {"12", "bookworm"},
         {"13", "trixie"},
         {"14", "forky"}}};
    model::Distribution& system = inventory_.distribution;
    if (system.id != "debian") return;
    for (const auto& [number, name] : kDebian) {
      if (split(system.version_id + ".", '.')[0] == number || system.version_id == name) {
        system.codename = name;
        if (system.version_id == name) system.version_id = number;
      }
    }
  }

  model::Inventory inventory_;
  std::map<std::pair<std::string, std::string>, int> distributions_;
};

}  // namespace

model::Inventory read_sbom(std::string_view text, std::string_view origin) {
  const Json document = parse_json(text, origin);
  SbomReader reader;
  if (text_of(document, "bomFormat") == "CycloneDX") {
    reader.cyclonedx(list_of(document, "components"));
  } else if (text_of(document, "spdxVersion").starts_with("SPDX-2.")) {
    reader.spdx(document);
  } else {
    throw Error(ErrorKind::corrupt, "{} is no list of packages that is read here", origin)
        .hint("CycloneDX and SPDX 2 are read, both as JSON");
  }
  return reader.finish();
}

std::vector<std::string> sbom_names(std::string_view text, std::string_view origin) {
  const Json document = parse_json(text, origin);
  std::vector<std::string> names;
  const auto take = [&](const Json& json, const char* key) {
    if (std::string name = text_of(json, key); !name.empty()) names.push_back(std::move(name));
  };
  take(document, "serialNumber");
  take(document, "documentNamespace");
  if (const auto head = document.find("metadata");
      document.is_object() && head != document.end() && head->is_object()) {
    const Json component = head->value("component", Json());
    for (const char* key : {"bom-ref", "purl", "name"}) take(component, key);
  }
  std::set<std::string> described;
  for (const Json& id : list_of(document, "documentDescribes")) {
    if (id.is_string()) described.insert(id.get<std::string>());
  }
  for (const Json& package : list_of(document, "packages")) {
    if (!described.contains(text_of(package, "SPDXID"))) continue;
    take(package, "name");
    for (const Json& reference : list_of(package, "externalRefs"))
      if (text_of(reference, "referenceType") == "purl") take(reference, "referenceLocator");
  }
  return names;
}

}  // namespace hallmark::scan
