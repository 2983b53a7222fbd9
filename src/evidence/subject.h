#pragma once
/// Everything that the evidence of one image is made from. Who calls fills it; nothing here asks a
/// database, a cloud or a clock, so the same subject always gives the same documents.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/assessment.h"
#include "model/inventory.h"
#include "model/policy.h"
#include "scan/merge.h"

namespace hallmark::evidence {

/// As people want to see them; an unknown severity is not harmless.
inline constexpr std::array<model::Severity, 6> kWorstFirst = {
    model::Severity::critical, model::Severity::high, model::Severity::unknown,
    model::Severity::medium,   model::Severity::low,  model::Severity::info};

/// A finding that somebody answers for.
struct Waived {
  std::string by;
  std::string reason;
  std::string expires_at;  ///< RFC 3339
  /// Why the image is not affected, in OpenVEX's words ("vulnerable_code_not_present"). Empty or
  /// another word: it is affected, and the risk is accepted.
  std::string justification;
};

/// What the gate makes of one finding.
struct Verdict {
  std::string id;  ///< as scan::MergedFinding
  std::string package;
  model::Judgement judgement = model::Judgement::pass;
  std::string why;
  std::optional<Waived> waived;
};

struct Decision {
  std::string approver;
  bool approve = false;
  std::string comment;
  std::string decided_at;  ///< RFC 3339
};

/// Another image to compare with: the version of the same product that came before, or the source.
struct Previous {
  std::string image_key;  ///< of a source: its image id
  std::vector<scan::MergedFinding> findings;
  /// Where it is not complete, what is new may be old, and was not seen then.
  model::Completeness completeness = model::Completeness::complete;
  /// Those that saw both; `findings` is theirs. Empty: all.
  std::vector<std::string> scanners;
};

/// What the gate says of the image as a whole, one line for each rule.
struct Rules {
  std::vector<std::string> failures;
  std::vector<std::string> reviews;
  std::vector<std::string> passes;
  std::vector<std::string> warnings;
};

/// Times are RFC 3339. A member that is not known is empty.
struct Subject {
  std::string image_key;  ///< "product/os/version"
  std::string product;
  std::string os;
  std::string version;
  std::string image_id;
  std::string region;
  std::string account;
  /// A cloud's image has no digest of its own: which bytes were counted stands beside it.
  std::string disk_sha256;
  std::string disk_digest_of;  ///< "raw disk", "qcow2 file", "snapshot block checksums in order"
  std::string source_image_id;
  std::string source_sha256;
  std::string pipeline_sha256;  ///< of the pipeline's JSON
  std::string run_id;
  std::string started_at;
  std::string finished_at;
  std::string made_at;  ///< of the evidence
  std::string evidence_digest;
  std::string tool_version;
  std::string builder_id = "urn:hallmark:builder";  ///< URI of who signs
  model::Inventory inventory;
  std::vector<model::Assessment> assessments;
  std::vector<scan::MergedFinding> findings;  ///< of the assessments
  std::vector<Verdict> verdicts;              ///< a finding without one passed
  Rules rules;
  std::optional<Previous> previous;
  std::optional<Previous> source;  ///< nothing: it could not be read
  std::vector<Decision> decisions;
  std::optional<bool> approved;  ///< what came of the decisions; nothing: still open
};

/// The worst of all; `failed` without any.
model::Completeness completeness(const Subject& subject);

/// Whether an SBOM's or VEX's reader would call it a vulnerability; hardening rules and notes are
/// none.
bool is_vulnerability(const scan::MergedFinding& finding);

/// Each observation's finding. Throws `internal` on one that the assessments do not have.
const model::Finding& observed(const Subject& subject, const scan::Observation& observation);

/// Finds quickly what belongs to a finding. Holds on to the subject, which must outlive it.
class Index {
 public:
  explicit Index(const Subject& subject);

  /// Nothing if the gate just let it pass.
  const Verdict* verdict_of(const scan::MergedFinding& finding) const;

  /// The installed packages that a finding means, as places in the inventory: those of its name and
  /// the architectures that scanners name, else those built from a source of that name. None: the
  /// image as a whole.
  std::vector<std::size_t> packages_of(const scan::MergedFinding& finding) const;

 private:
  const Subject& subject_;
  std::map<std::pair<std::string_view, std::string_view>, const Verdict*> verdicts_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_source_;
};

/// What is new, unchanged and gone, as far as the same scanners saw both images.
scan::Change change_since(const Subject& subject, const Previous& previous);

/// What came of a finding, for people.
struct Explanation {
  std::string verdict;  ///< "fail", "review", "waived", "pass"
  std::string why;
};
Explanation explain(const Index& index, const scan::MergedFinding& finding);

/// Valid UTF-8 on one line, for names; at most 512 bytes.
std::string line(std::string_view text);

/// The text if it is an http(s) URL of nothing but a URL's characters: scanners send anything.
std::optional<std::string> web_url(std::string_view text);

/// A UUID of version 8 (RFC 9562) made from SHA-256 of the text.
std::string uuid_of(std::string_view text);

/// The time in Hallmark's own form; nothing if the text is none: scanners send anything.
std::optional<std::string> valid_time(const std::string& text);

/// "2026-11-22T17:05:01Z": SPDX wants no fraction. Throws `corrupt`.
std::string whole_seconds(const std::string& time);

}  // namespace hallmark::evidence
