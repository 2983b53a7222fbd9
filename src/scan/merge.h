#pragma once
/// What several scanners say of one image as one list, and two such lists side by side. Pure.

#include <optional>
#include <string>
#include <vector>

#include "model/assessment.h"

namespace hallmark::scan {

/// One finding of one of the assessments that were merged.
struct Observation {
  std::size_t assessment = 0;
  std::size_t finding = 0;
};

/// One vulnerability in one package, with every scanner's word on it. What has no CVE id is not
/// merged with anything: nothing tells that two scanners mean the same.
struct MergedFinding {
  std::string cve;      ///< empty: the scanner names none
  std::string package;  ///< empty: no scanner names it
  std::string id;       ///< the CVE id, else the scanner's name and its own id: "qualys:38739"
  model::FindingKind kind = model::FindingKind::vulnerability;
  /// The worst that a scanner says; `unknown` only if none knows.
  model::Severity severity = model::Severity::unknown;
  bool fixable = false;  ///< a scanner knows a version without it
  bool known_exploited = false;
  bool suppressed = false;  ///< by a rule of every scanner that sees it
  std::optional<double> epss;
  std::string title;
  std::string installed_version;
  std::string fixed_version;
  std::vector<Observation> observations;
};

/// Sorted by severity, the worst first, then by id and package. A finding that names several CVEs
/// is an observation of each. One that names no package is an observation of every package that
/// another scanner names for its CVE; of several such of one scanner the first
/// and the worst are kept.
std::vector<MergedFinding> merge(const std::vector<model::Assessment>& assessments);

/// Findings that live elsewhere.
using FindingList = std::vector<const MergedFinding*>;
FindingList list_of(const std::vector<MergedFinding>& findings);

struct Change {
  FindingList introduced;  ///< the new image alone has them
  FindingList unchanged;   ///< both have them; as in the new image
  FindingList fixed;       ///< the old image alone had them
};

/// Findings are the same if CVE (or id) and package are. What it tells lives in what was given.
Change change(const FindingList& before, const FindingList& after);

/// How many there are of each severity.
struct Counts {
  int critical = 0;
  int high = 0;
  int medium = 0;
  int low = 0;
  int info = 0;
  int unknown = 0;
  int& of(model::Severity severity);
};
Counts count(const FindingList& findings);

}  // namespace hallmark::scan
