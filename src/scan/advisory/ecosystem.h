#pragma once
/// Whose packages an advisory speaks of, under one name whatever the feed calls them.

#include <optional>
#include <string>
#include <string_view>

#include "model/inventory.h"
#include "scan/advisory/version_order.h"

namespace hallmark::scan {

/// "debian:12", "alpine:3.19", "almalinux:9", "pypi": an os-release ID with the part of the version
/// that its advisories go by, or a language's register of packages.
/// Empty if there is none: a snap, a distribution without a version.
std::string ecosystem_of(const model::Package& package, const model::Distribution& distribution);

/// The system's own packages: what ecosystem_of says of one that its package manager knows.
std::string ecosystem_of(const model::Distribution& distribution);

/// From OSV's name: "Debian:12", "Rocky Linux:9", "Ubuntu:22.04:LTS", "PyPI". Empty if its versions
/// cannot be compared here.
std::string ecosystem_from_osv(std::string_view name);

/// From what a feed calls a release: "Fedora 40", "rocky-linux-9-x86-64-baseos-rpms",
/// "SUSE Linux Enterprise Server 15 SP5", "Azure Linux 3.0", "Oracle Linux 9". Empty if unknown.
std::string ecosystem_from_title(std::string_view title);

/// From a CPE of a platform: "cpe:/o:redhat:enterprise_linux:9::baseos". Empty for what is no main
/// stream, such as Extended Update Support, whose fixes have other versions.
std::string ecosystem_from_cpe(std::string_view cpe);

/// Nothing for an ecosystem that is not known.
std::optional<VersionOrder> order_of(std::string_view ecosystem);

/// Whether it is a release of a distribution, not a language's register.
bool is_of_distribution(std::string_view ecosystem);

/// Names as the register compares them: PyPI's "Foo_Bar" is "foo-bar".
std::string package_key(std::string_view ecosystem, std::string_view name);

}  // namespace hallmark::scan
