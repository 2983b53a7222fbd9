#pragma once
/// What an image's assessments may say, who decides on it, and which findings were accepted.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/assessment.h"

namespace hallmark::model {

/// From the best to the worst.
enum class Judgement {
  pass,
  review,  ///< a person must look; never approved automatically
  fail,
};

/// A finding that somebody answers for, for a while.
struct Waiver {
  std::string finding;              ///< a CVE id, an advisory's, or a scanner's own: "qualys:38739"
  std::string package;              ///< a name with * and ?; empty: any
  std::vector<std::string> images;  ///< image keys "product/os/version" with * and ?; empty: any
  std::string reason;
  std::string by;        ///< who answers for it
  TimePoint expires_at;  ///< from then on it counts as none
  /// Holds for a finding in CISA's catalog too, which else fails whatever a waiver says.
  bool known_exploited = false;
  /// Why the image is not affected at all, in OpenVEX's words ("vulnerable_code_not_present").
  /// Empty: it is affected, and the risk is accepted.
  std::string justification;
};

/// What findings of one severity mean, by whether a fix is there.
struct SeverityRule {
  Judgement fixable = Judgement::pass;
  Judgement unfixable = Judgement::pass;
};

/// A vulnerability that is exploited in the wild (CISA's catalog) always fails.
struct Gate {
  /// A severity that is not named passes, but for `unknown`: that is judged as `high` is.
  std::map<Severity, SeverityRule> findings;
  /// Findings allowed per severity; a severity that is not named is not limited.
  std::map<std::string, int> max_findings;
  std::optional<int> max_pending_updates = 0;  ///< findings that have a fix; nothing: any number
  bool allow_gaps = false;
  Completeness min_completeness = Completeness::complete;
  std::optional<Duration> max_data_age;       ///< of the oldest advisories matched
  std::optional<double> min_hardening_score;  ///< 0 to 100, of every assessment that has one
  /// What Hallmark's own look at an image's files finds that should not be in it: keys, passwords,
  /// settings. A severity that is not named passes. Other scanners' rules count in their score.
  std::map<Severity, Judgement> hardening{{Severity::critical, Judgement::fail},
                                          {Severity::high, Judgement::review}};
  std::vector<Waiver> waivers;  ///< from their file
};

struct ApprovalPolicy {
  bool automatic = false;              ///< approve by itself when the gate passes
  int required = 1;                    ///< distinct approvers
  std::vector<std::string> approvers;  ///< empty: anyone but the requester
  Duration deadline{48 * 3600'000};
  /// When those who have not decided are reminded: so long before the deadline, the longest first.
  std::vector<Duration> reminders{Duration{24 * 3600'000}, Duration{4 * 3600'000}};
  /// What may prove a decision, once anybody's key is known: "key", "aws", "session", "token".
  std::vector<std::string> proofs{"key", "aws"};
};

/// How long before its end a waiver is warned of.
inline constexpr Duration kWaiverWarning{14 * 24 * 3600'000LL};

/// Whether the waiver's patterns fit; says nothing of its end.
bool covers(const Waiver& waiver, const std::string& image_key, const std::string& package);

void to_json(Json& json, const Waiver& value);
void from_json(const Json& json, Waiver& value);
void to_json(Json& json, const Gate& value);
void from_json(const Json& json, Gate& value);
void to_json(Json& json, const ApprovalPolicy& value);
void from_json(const Json& json, ApprovalPolicy& value);

std::string_view to_string(Judgement value);
Judgement judgement_from(std::string_view text);

}  // namespace hallmark::model
