#pragma once
/// XCCDF results as `oscap xccdf eval --results` writes them: the benchmark, and in it what was
/// found of each rule.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::scan::openscap {

/// XCCDF 1.2 (NIST IR 7275 revision 4), 6.6.4.2 "rule-result". From the best to the worst: of a
/// rule with several results the worst counts.
enum class Verdict {
  not_selected,
  not_applicable,
  informational,
  passed,  ///< "fixed" too
  not_checked,
  unknown,  ///< also words that nobody knows
  error,
  failed,
};

/// What the benchmark says of a rule; texts without mark-up, with the values filled in.
struct RuleText {
  std::string title;
  std::string description;
  std::string rationale;
  std::string fix;  ///< the text for people, else the script for a shell
  std::string version;
  std::string group_id;
  std::vector<std::string> idents;
  std::vector<std::pair<std::string, std::string>> references;  ///< (URL, text)
};

struct RuleOutcome {
  std::string rule_id;
  Verdict verdict = Verdict::not_selected;
  std::string word;  ///< the verdict as it is written
  std::string severity;
  std::vector<std::string> messages;  ///< of the check
  RuleText text;                      ///< only of rules with a finding
};

struct Results {
  std::string benchmark_id;
  std::string profile;  ///< empty: none was chosen
  std::string test_system;
  std::vector<RuleOutcome> rules;  ///< in the order of the file, each once
  /// Whether any single result makes oscap exit with 2.
  bool has_failures = false;
  std::optional<double> score;  ///< urn:xccdf:scoring:default, scaled to 0..100
};

/// Whether a rule with this verdict becomes a finding.
bool is_finding(Verdict verdict);

/// The last TestResult in the file, which is the one just made. Throws `corrupt` for what is no
/// such file; document types and entities are never resolved.
Results parse_results(std::string_view xml);

/// What a content or tailoring file offers.
struct Content {
  bool is_content = false;  ///< a data stream or a benchmark; a tailoring is none
  bool is_tailoring = false;
  std::vector<std::string> profiles;
};
/// Throws `corrupt` for what is neither.
Content parse_content(std::string_view xml);

}  // namespace hallmark::scan::openscap
