#pragma once
/// Advisories in one form, whatever the feed: what a reader of a feed hands on.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/finding.h"

namespace hallmark::scan {

/// Where advisories came from. What is read of it again is in the compiled file.
struct FeedInfo {
  std::string name;        ///< "debian", "osv-pypi"
  std::string kind;        ///< "osv", "debian-tracker"; see feeds.h
  std::string url;         ///< without credentials; empty: imported
  std::string digest;      ///< SHA-256 of the file as it came
  std::string valid_from;  ///< the feed's own date, RFC 3339; may be empty
  std::string fetched_at;  ///< RFC 3339
  std::uint64_t records = 0;
  std::uint64_t withdrawn = 0;          ///< records that were taken back or rejected
  std::uint64_t unreadable = 0;         ///< records that make no sense
  std::uint64_t elsewhere = 0;          ///< statements on what is not compared here
  std::vector<std::string> ecosystems;  ///< that it is about, sorted
  std::vector<std::string> in_passing;  ///< of which it says too little to be about them, sorted
  std::string good_until;               ///< then it is too old, RFC 3339; empty: never
  std::string damage;  ///< why nothing was read of it; `ecosystems` are those it was about before
};

/// Views live as long as the call that takes them.
struct AdvisoryText {
  std::string_view id;  ///< "DSA-5380-1", "CVE-2023-1393"
  std::string_view title;
  std::string_view url;
  std::vector<std::string_view> cves;
  model::Severity severity = model::Severity::unknown;
  std::string_view severity_native;
  std::string_view cvss;  ///< its vector
};

enum class Judgement : std::uint8_t { affected, undetermined, not_affected };

/// What an advisory says of one package in one ecosystem.
struct Statement {
  std::string_view ecosystem;
  std::string_view package;
  bool of_source = true;           ///< names the source package, else the binary one
  std::string_view introduced;     ///< empty: from the beginning
  std::string_view fixed;          ///< the first version without the flaw; empty: none yet
  std::string_view last_affected;  ///< instead of `fixed`: the last version with it
  std::string_view module;         ///< rpm's "nodejs:18"; several are separated by commas
  Judgement judgement = Judgement::affected;
  bool incomparable = false;  ///< what is affected is said in a way that is not compared here
  bool subscription = false;  ///< whoever wants the fix needs one: Ubuntu Pro
  model::FixState fix = model::FixState::unknown;  ///< why there is none
  /// Of this package in this release; `unknown`: as the advisory says.
  model::Severity severity = model::Severity::unknown;
};

/// Takes what a reader reads. Only the last added advisory can be given statements.
class AdvisorySink {
 public:
  virtual ~AdvisorySink() = default;
  virtual void begin(const AdvisoryText& advisory) = 0;
  virtual void add(const Statement& statement) = 0;
  virtual FeedInfo& feed() = 0;
};

/// "Important", "HIGH", "moderate", "not yet assigned": the words of all feeds.
model::Severity severity_of_word(std::string_view word);
/// The base score of a CVSS v3 vector; 0 if it is none.
double cvss3_score(std::string_view vector);

}  // namespace hallmark::scan
