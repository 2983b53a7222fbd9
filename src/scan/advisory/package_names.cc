#include "scan/advisory/package_names.h"

#include <algorithm>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

/// Debian's templates for signing end with the architecture that they are for.
bool strip_architecture(std::string_view& name) {
  for (const std::string_view end : {"-amd64", "-arm64", "-armhf", "-i386", "-ia32"}) {
    if (name.ends_with(end)) {
      name.remove_suffix(end.size());
      return true;
    }
  }
  return false;
}

/// "1+2.06+13+deb12u1" is "2.06-13+deb12u1": a native package has no dash, and a number of its own
/// before the rest.
std::string unsigned_version(std::string_view version) {
  const auto revision = [](std::string_view text) {
    for (std::size_t at = text.find('+'); at != text.npos; at = text.find('+', at + 1)) {
      if (at + 1 < text.size() && is_digit(text[at + 1])) return at;
    }
    return text.npos;
  };
  if (const std::size_t plus = version.find('+'); plus != version.npos) {
    const std::string_view rest = version.substr(plus + 1);
    if (all_digits(version.substr(0, plus)) && revision(rest) != rest.npos) version = rest;
  }
  std::string text(version);
  if (const std::size_t plus = revision(version); plus != version.npos) text[plus] = '-';
  return text;
}

}  // namespace

std::optional<UnsignedSource> unsigned_source(std::string_view source, std::string_view version) {
  constexpr std::string_view kKernel = "linux-signed";
  if (source.starts_with(kKernel)) {
    // Ubuntu's "linux-signed-aws" is of "linux-aws".
    strip_architecture(source);
    source.remove_prefix(std::min(kKernel.size(), source.size()));
    return UnsignedSource{"linux" + std::string(source), std::string(version)};
  }
  if (!source.ends_with("-signed")) return std::nullopt;
  source.remove_suffix(7);
  // Advisories name Ubuntu's "grub2-signed", which says no architecture, by that name.
  if (!strip_architecture(source)) return std::nullopt;
  if (source == "grub-efi") source = "grub2";
  if (source == "shim-helpers") source = "shim";
  return UnsignedSource{std::string(source), unsigned_version(version)};
}

bool is_modular(std::string_view version) { return version.find(".module") != version.npos; }

std::string_view rpm_flavour(std::string_view version) {
  if (version.find(".ksplice") != version.npos) return "ksplice";
  return version.ends_with("_fips") || version.find("_fips.") != version.npos ? "fips" : "";
}

bool needs_subscription(std::string_view version) {
  for (std::size_t at = version.find("esm"); at != version.npos; at = version.find("esm", at + 1)) {
    const bool begins = at != 0 && !is_letter(version[at - 1]);
    if (begins && (at + 3 == version.size() || is_digit(version[at + 3]))) return true;
  }
  return false;
}

bool has_subscription(const model::Inventory& inventory) {
  return inventory.distribution.id == "ubuntu" &&
         std::any_of(
             inventory.packages.begin(), inventory.packages.end(),
             [](const model::Package& package) { return needs_subscription(package.version); });
}

}  // namespace hallmark::scan
