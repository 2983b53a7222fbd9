#pragma once
/// Packages that are not called as the advisories call them, and builds that are not compared with
/// each other.

#include <optional>
#include <string>
#include <string_view>

#include "model/inventory.h"

namespace hallmark::scan {

/// What is signed is built twice: its signed package comes from a source of its own, of which no
/// advisory speaks ("linux-signed-amd64", "grub-efi-amd64-signed"), and has the version of what was
/// signed, written without a dash. `version` is the binary package's.
struct UnsignedSource {
  std::string name, version;
};
std::optional<UnsignedSource> unsigned_source(std::string_view source, std::string_view version);

/// A build of an rpm's module: a fix of one stream is none of another.
bool is_modular(std::string_view version);

/// Oracle builds some packages several times, with other epochs: "ksplice", "fips"; else empty.
/// Only those of one flavour can be compared.
std::string_view rpm_flavour(std::string_view version);

/// Ubuntu's "1.2-3ubuntu0.1+esm1": only for subscribers to Ubuntu Pro.
bool needs_subscription(std::string_view version);
/// Who has one package of Ubuntu Pro can have the others.
bool has_subscription(const model::Inventory& inventory);

}  // namespace hallmark::scan
