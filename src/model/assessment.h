#pragma once
/// What is installed in an image and what is wrong with it.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace hallmark::model {

enum class Severity { unknown, low, medium, high, critical };

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

struct Finding {
  std::string finding_id;  ///< stable: "<advisory source>:<package>:<fixed version>" or a CVE id
  std::string package;
  std::string source_package;
  std::string architecture;
  std::string installed_version;
  std::string fixed_version;  ///< empty: no fix yet
  Severity severity = Severity::unknown;
  std::string severity_source;
  std::string title;
  std::string advisory_source;  ///< "bookworm-security"
};

/// Where advisories came from, and how old they are.
struct AdvisorySource {
  std::string name;        ///< "bookworm-security"
  std::string digest;      ///< SHA-256 of the index that was matched
  std::string valid_from;  ///< the source's own date, RFC 3339
  std::string fetched_at;
};

enum class Completeness { complete, partial, inconclusive, failed };

struct Assessment {
  std::string scanner;  ///< "hallmark"
  Distribution distribution;
  std::vector<Finding> findings;  ///< sorted by package
  std::vector<CoverageGap> gaps;
  std::vector<AdvisorySource> advisories;
  Completeness completeness = Completeness::failed;
  int package_count = 0;
  std::string assessed_at;
};

void to_json(Json& json, const Package& value);
void from_json(const Json& json, Package& value);
void to_json(Json& json, const Distribution& value);
void from_json(const Json& json, Distribution& value);
void to_json(Json& json, const CoverageGap& value);
void from_json(const Json& json, CoverageGap& value);
void to_json(Json& json, const Inventory& value);
void from_json(const Json& json, Inventory& value);
void to_json(Json& json, const Finding& value);
void from_json(const Json& json, Finding& value);
void to_json(Json& json, const AdvisorySource& value);
void from_json(const Json& json, AdvisorySource& value);
void to_json(Json& json, const Assessment& value);
void from_json(const Json& json, Assessment& value);

std::string_view to_string(Severity value);
std::string_view to_string(Completeness value);
Severity severity_from(std::string_view text);
Completeness completeness_from(std::string_view text);

}  // namespace hallmark::model
