#pragma once
/// What is installed in an image.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace hallmark::model {

struct Package {
  std::string name;
  std::string version;
  std::string architecture;
  std::string source_name;     ///< equals name if the database names none
  std::string source_version;  ///< equals version if the database names none
  /// Who knows it: "dpkg", "rpm", "apk", "snap", "flatpak"; for programming languages "python",
  /// "npm", "go", "java", "ruby", "rust".
  std::string manager;
  std::string module;  ///< rpm's module and stream, "nodejs:18"; else empty
  std::string path;    ///< where it lies, if no package database of the system knows it
};

struct Distribution {
  std::string id;          ///< os-release ID: "debian"
  std::string version_id;  ///< "12"
  std::string codename;    ///< "bookworm"
  std::string pretty_name;
  std::string id_like;         ///< os-release ID_LIKE: "rhel centos fedora"; may be empty
  std::string end_of_support;  ///< "2028-06-30", by the system itself or by what is known of it;
                               ///< empty: not known
};

/// Something that should have been read or matched and was not. Never dropped silently.
struct CoverageGap {
  std::string what;    ///< "package foo 1:x", "partition 3"
  std::string reason;  ///< why, in one sentence
};

/// What hardening looks at, read from the files of an image: something that must not be in a golden
/// image (a private key, a password that is empty) or that weakens it.
struct HardeningFact {
  std::string rule;    ///< "private-key", "setuid", "sshd-root-login"
  std::string path;    ///< the file; may be empty
  std::string detail;  ///< what was seen there, never a secret itself
};

struct Inventory {
  Distribution distribution;
  std::string architecture;       ///< dpkg name: "amd64"
  std::vector<Package> packages;  ///< sorted by name, then architecture
  std::vector<std::string>
      kernels;                 ///< installed kernel packages' versions in /boot or /lib/modules
  std::string default_kernel;  ///< the one that the boot loader starts; empty: not known
  std::vector<HardeningFact> facts;  ///< sorted by rule, then path
  std::vector<CoverageGap> gaps;
  std::uint64_t disk_size_bytes = 0;
  std::uint64_t fetched_bytes = 0;  ///< what reading it cost
};

void to_json(Json& json, const Package& value);
void from_json(const Json& json, Package& value);
void to_json(Json& json, const Distribution& value);
void from_json(const Json& json, Distribution& value);
void to_json(Json& json, const CoverageGap& value);
void from_json(const Json& json, CoverageGap& value);
void to_json(Json& json, const HardeningFact& value);
void from_json(const Json& json, HardeningFact& value);
/// Members that came later are left out when empty, so that an older inventory has the same digest.
void to_json(Json& json, const Inventory& value);
void from_json(const Json& json, Inventory& value);

}  // namespace hallmark::model
