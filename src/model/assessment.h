#pragma once
/// What one scanner says of one image: its findings, and apart from them how complete its look was.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/finding.h"
#include "model/inventory.h"

namespace hallmark::model {

/// Where advisories came from, and how old they are.
struct AdvisorySource {
  std::string name;        ///< "bookworm-security"
  std::string digest;      ///< SHA-256 of the index that was matched; empty for a service's feed
  std::string valid_from;  ///< the source's own date, RFC 3339
  std::string fetched_at;
};

/// From the best to the worst. "No findings" means something only if the look was complete.
enum class Completeness {
  complete,
  partial,       ///< it saw the image, but not all of it
  inconclusive,  ///< it cannot be told what it saw: no host alive, no login, nothing applied
  failed,        ///< there is no result
};

/// Whether the scanner was logged in; one that was not sees a fraction.
enum class Login { yes, no, unknown, not_needed };

/// How many rules or hosts a scanner considered, where it counts them.
struct Checks {
  int passed = 0;
  int failed = 0;
  int not_applicable = 0;
  int not_checked = 0;  ///< errors and rules without an automatic check too
};

/// A file of the scanner's own, kept with the evidence.
struct RawResult {
  std::string name;  ///< "qualys/scan.json"
  std::string media_type;
  std::uint64_t size_bytes = 0;
  std::string sha256;
};

struct Assessment {
  std::string scanner;          ///< "hallmark", "qualys", "tenable", "inspector", "openscap"
  std::string scanner_version;  ///< empty if it does not say
  std::string profile;          ///< the scanner's policy, option profile, template or benchmark
  std::string native_id;        ///< the scan's name on the service: "scan/1767322740.12345"
  std::string native_state;     ///< its last state there, as the service says it
  Distribution distribution;
  std::vector<Finding> findings;  ///< sorted by package, then id
  std::vector<CoverageGap> gaps;
  std::vector<AdvisorySource> advisories;
  Completeness completeness = Completeness::failed;
  std::vector<std::string> reasons;  ///< why it is not complete, one sentence each
  Login login = Login::not_needed;
  std::optional<Checks> checks;
  std::optional<double> hardening_score;  ///< 0 to 100
  std::vector<RawResult> raw;
  int package_count = 0;
  std::string started_at;
  std::string assessed_at;
};

/// The worse of the two counts; the reason goes with it.
void lower(Assessment& assessment, Completeness to, std::string reason);

void to_json(Json& json, const AdvisorySource& value);
void from_json(const Json& json, AdvisorySource& value);
void to_json(Json& json, const RawResult& value);
void from_json(const Json& json, RawResult& value);
/// Members that are empty or have their default are left out, but for the findings, gaps,
/// advisories and the completeness.
void to_json(Json& json, const Assessment& value);
void from_json(const Json& json, Assessment& value);

std::string_view to_string(Completeness value);
std::string_view to_string(Login value);
Completeness completeness_from(std::string_view text);

}  // namespace hallmark::model
