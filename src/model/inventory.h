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
  std::string manager;         ///< "dpkg"
};

struct Distribution {
  std::string id;          ///< os-release ID: "debian"
  std::string version_id;  ///< "12"
  std::string codename;    ///< "bookworm"
  std::string pretty_name;
};

/// Something that should have been read or matched and was not. Never dropped silently.
struct CoverageGap {
  std::string what;    ///< "package foo 1:x", "partition 3"
  std::string reason;  ///< why, in one sentence
};

struct Inventory {
  Distribution distribution;
  std::string architecture;       ///< dpkg name: "amd64"
  std::vector<Package> packages;  ///< sorted by name, then architecture
  std::vector<std::string>
      kernels;  ///< installed kernel packages' versions in /boot or /lib/modules
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
void to_json(Json& json, const Inventory& value);
void from_json(const Json& json, Inventory& value);

}  // namespace hallmark::model
