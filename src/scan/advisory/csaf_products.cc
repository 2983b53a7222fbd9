#include "scan/advisory/csaf_products.h"

#include <algorithm>
#include <array>
#include <optional>

#include "scan/advisory/ecosystem.h"
#include "scan/advisory/purl.h"

namespace hallmark::scan {
namespace {

/// Nothing nests branches deeper than a handful; a file that does wants to fill the stack.
constexpr int kMaxDepth = 32;

bool is_architecture(std::string_view text) {
  constexpr std::array<std::string_view, 16> kKnown = {
      "x86_64", "noarch", "src",  "aarch64", "ppc64le", "s390x",   "i686", "ppc64",
      "i386",   "i586",   "s390", "nosrc",   "armv7hl", "riscv64", "ia64", "ppc"};
  return std::find(kKnown.begin(), kKnown.end(), text) != kKnown.end();
}

/// "curl-0:7.76.1-23.el9_2.4.x86_64" or without the architecture, where there is no package URL.
std::optional<CsafProduct> from_nevra(std::string_view text) {
  std::string_view evr = text, arch;
  if (const std::size_t dot = text.rfind('.');
      dot != text.npos && is_architecture(text.substr(dot + 1))) {
    arch = text.substr(dot + 1);
    evr = text.substr(0, dot);
  }
  const std::size_t release = evr.rfind('-');
  if (release == evr.npos || release == 0) return std::nullopt;
  const std::size_t version = evr.rfind('-', release - 1);
  if (version == evr.npos || version == 0) return std::nullopt;
  // A name has dashes, too: "java-1.8.0-openjdk"; a version and a release have digits.
  const std::string_view middle = evr.substr(version + 1, release - version - 1);
  const std::string_view last = evr.substr(release + 1);
  const auto has_digit = [](std::string_view part) {
    return part.find_first_of("0123456789") != part.npos;
  };
  const bool begins = !middle.empty() && middle[0] >= '0' && middle[0] <= '9';
  if (!has_digit(last) || (arch.empty() && !begins)) return std::nullopt;
  CsafProduct product;
  product.package = evr.substr(0, version);
  product.version = evr.substr(version + 1);
  product.of_source = arch == "src" || arch == "nosrc";
  return product;
}

/// "pkg:rpm/redhat/curl@7.76.1-23.el9?arch=x86_64&epoch=0&rpmmod=nodejs:18:..".
std::optional<CsafProduct> from_purl(std::string_view text) {
  const auto url = parse_purl(text);
  if (!url || url->type != "rpm") return std::nullopt;
  CsafProduct product;
  product.package = package_name(*url);
  product.version = package_version(*url);
  product.module = package_module(*url);
  product.of_source = is_source(*url);
  // "rpmmod=rhel10" is of a flatpak: nothing that is installed from it is an rpm.
  if (product.module.empty() && !url->qualifier("rpmmod").empty()) product.ecosystem = "elsewhere";
  return product;
}

/// "pkg:rpmmod/redhat/nodejs@18:8090020231019152822:a75119d5": the module itself, in which packages
/// are.
std::optional<CsafProduct> from_module(std::string_view text) {
  const auto url = parse_purl(text);
  if (!url || url->type != "rpmmod") return std::nullopt;
  CsafProduct product;
  product.is_platform = true;
  product.module = url->name;
  if (!url->version.empty()) {
    product.module += ":" + url->version.substr(0, url->version.find(':'));
  }
  return product;
}

/// "nodejs:18/nodejs" is "nodejs" of "nodejs:18".
void take_module_of_name(CsafProduct& product) {
  const std::size_t slash = product.package.find('/');
  if (slash == std::string::npos) return;
  if (product.module.empty()) product.module = product.package.substr(0, slash);
  product.package = product.package.substr(slash + 1);
}

}  // namespace

void CsafProducts::read(const json::element& tree) {
  products_.clear();
  groups_.clear();
  take_branches(array_of(tree, "branches"), 0);
  for (const json::element name : array_of(tree, "full_product_names")) take_name(name);
  for (const json::element relation : array_of(tree, "relationships")) take_relation(relation);
  for (const json::element group : array_of(tree, "product_groups")) {
    auto& members = groups_[std::string(text_of(group, "group_id"))];
    for (const json::element id : array_of(group, "product_ids")) {
      std::string_view text;
      if (id.get(text) == simdjson::SUCCESS) members.emplace_back(text);
    }
  }
}

const CsafProduct* CsafProducts::find(std::string_view id) const {
  const auto found = products_.find(id);
  return found == products_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> CsafProducts::named_by(const json::element& entry) const {
  std::vector<std::string_view> named;
  for (const json::element id : array_of(entry, "product_ids")) {
    std::string_view text;
    if (id.get(text) == simdjson::SUCCESS) named.push_back(text);
  }
  for (const json::element id : array_of(entry, "group_ids")) {
    std::string_view text;
    if (id.get(text) != simdjson::SUCCESS) continue;
    if (const auto group = groups_.find(text); group != groups_.end())
      named.insert(named.end(), group->second.begin(), group->second.end());
  }
  return named;
}

void CsafProducts::take_branches(const json::array& branches, int depth) {
  if (depth > kMaxDepth) return;
  for (const json::element branch : branches) {
    if (const auto product = member_of(branch, "product")) take_name(*product);
    take_branches(array_of(branch, "branches"), depth + 1);
  }
}

void CsafProducts::take_name(const json::element& name) {
  const std::string_view id = text_of(name, "product_id");
  if (id.empty()) return;
  std::string_view purl, cpe;
  if (const auto helper = member_of(name, "product_identification_helper")) {
    purl = text_of(*helper, "purl");
    cpe = text_of(*helper, "cpe");
  }
  CsafProduct product;
  if (auto package = from_purl(purl)) {
    product = *std::move(package);
  } else if (auto module = from_module(purl)) {
    product = *std::move(module);
  } else if (!cpe.empty()) {
    product.is_platform = true;
    product.ecosystem = ecosystem_from_cpe(cpe);
  } else if (!purl.empty()) {
    // A container or another thing that no package manager installs.
    product.ecosystem = "elsewhere";
    product.package = id;
  } else if (auto package_of_id = from_nevra(id)) {
    product = *std::move(package_of_id);
  } else {
    // A name alone, such as "curl" among what is affected and has no fix.
    product.package = id;
    product.of_source = true;
    product.ecosystem = ecosystem_from_title(text_of(name, "name"));
  }
  take_module_of_name(product);
  products_.insert_or_assign(std::string(id), std::move(product));
}

void CsafProducts::take_relation(const json::element& relation) {
  const auto full = member_of(relation, "full_product_name");
  if (!full) return;
  const CsafProduct* part = find(text_of(relation, "product_reference"));
  const CsafProduct* whole = find(text_of(relation, "relates_to_product_reference"));
  if (whole == nullptr) return;
  CsafProduct product;
  if (part != nullptr) {
    product = *part;
  } else {
    product.package = text_of(relation, "product_reference");
    product.of_source = true;
    take_module_of_name(product);
  }
  // A module in a platform is where packages are; they are of its stream.
  if (product.module.empty()) product.module = whole->module;
  // A platform that is not compared here is not what the caller says of the feed.
  if (product.ecosystem != "elsewhere")
    product.ecosystem = whole->ecosystem.empty() ? "elsewhere" : whole->ecosystem;
  product.is_platform = part != nullptr && part->is_platform;
  products_.insert_or_assign(std::string(text_of(*full, "product_id")), std::move(product));
}

}  // namespace hallmark::scan
