#pragma once
/// One thing that a scanner holds against an image, in one form whatever the scanner.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace hallmark::model {

/// From the least to the worst. `unknown` is not harmless: a gate decides on it by its own rule.
enum class Severity { unknown, info, low, medium, high, critical };

enum class FindingKind {
  vulnerability,
  potential,  ///< the scanner could not confirm it (Qualys: Practice)
  information,
  reachability,  ///< a port that can be reached from outside (Inspector)
  compliance,    ///< a hardening rule that does not hold
};

/// What can be done about it.
enum class FixState { available, none, wont_fix, deferred, end_of_life, unknown };

enum class FindingStatus {
  open,
  suppressed,  ///< a rule on the scanner's side hides it; shown to approvers all the same
};

struct Cvss {
  std::string version;  ///< "2.0", "3.0", "3.1", "4.0"
  double score = 0;     ///< 0 to 10
  std::string vector;   ///< "CVSS:3.1/AV:N/.."; may be empty
  std::string source;   ///< who scored: "NVD", "qualys"
};

struct Finding {
  std::string
      finding_id;  ///< the scanner's own: "<suite>:<package>:<version>", a QID, an ARN, a rule
  FindingKind kind = FindingKind::vulnerability;
  FindingStatus status = FindingStatus::open;
  std::vector<std::string> cves;          ///< "CVE-2026-1234", sorted, each once
  std::vector<std::string> advisory_ids;  ///< DSA, RHSA, CCE, STIG ids, sorted
  std::string package;                    ///< empty if the scanner names none
  std::string source_package;
  std::string architecture;
  std::string installed_version;
  std::string fixed_version;  ///< empty: no fix known
  FixState fix = FixState::unknown;
  int port = 0;          ///< 0: none
  std::string protocol;  ///< "tcp"
  Severity severity = Severity::unknown;
  std::string severity_native;  ///< as the scanner says it: "5", "HIGH", "CAT I"
  std::string severity_source;
  std::vector<Cvss> cvss;
  std::optional<double> epss;    ///< probability of exploitation within 30 days, 0 to 1
  bool known_exploited = false;  ///< in CISA's Known Exploited Vulnerabilities catalog
  std::string title;
  std::string description;
  std::string remediation;
  std::string evidence;  ///< what the scanner saw; at most kEvidenceLimit bytes
  std::string advisory_source;
  std::vector<std::string> references;  ///< URLs
  std::string first_seen;               ///< RFC 3339; empty if the scanner does not say
};

/// Scanners quote whole files and logs; a record of 100,000 findings has no room for that.
inline constexpr std::size_t kEvidenceLimit = 16u << 10;

/// "CVE-2026-1234": upper case, four digits, four or more; empty if `text` is no such id.
std::string normal_cve(std::string_view text);
/// Splits at commas and white space, normalises, sorts and removes doubles. What is no CVE id goes
/// to `other`, never lost.
std::vector<std::string> split_cves(std::string_view text, std::vector<std::string>& other);
/// Text of outside origin fit to be shown and stored: valid UTF-8, no control, escape or
/// bidirectional characters but newline and tab, at most `limit` bytes (then it ends with "…").
std::string safe_text(std::string_view text, std::size_t limit = kEvidenceLimit);
/// CVSS v3's bands: 0 info, 0.1-3.9 low, 4-6.9 medium, 7-8.9 high, 9-10 critical. FIRST, "CVSS v3.1
/// Specification", 5 "Qualitative severity rating scale".
Severity severity_of_score(double score);

/// Members that are empty are left out.
void to_json(Json& json, const Finding& value);
void from_json(const Json& json, Finding& value);

std::string_view to_string(Severity value);
std::string_view to_string(FindingKind value);
std::string_view to_string(FixState value);
std::string_view to_string(FindingStatus value);
/// Throw `corrupt` on an unknown word.
Severity severity_from(std::string_view text);
FixState fix_state_from(std::string_view text);

}  // namespace hallmark::model
