#pragma once
/// How long findings are open and how long it takes to fix them. A finding is open from when it is
/// first seen in a product's newest active version, and fixed when such a version is without it:
/// because a newer one became active, or because nothing holds it against the version any more.

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "db/page.h"
#include "pipeline/image_store.h"
#include "scan/merge.h"

namespace hallmark::pipeline {

/// What is known of an active image now; of another than the newest of its product and OS nothing
/// is kept. Repeating is fine. Information and what every scanner suppresses do not count. Unless
/// all scanners could see all, what they do not tell of is not taken for fixed.
void observe_findings(const Context& context, const GoldenImage& image,
                      const std::vector<scan::MergedFinding>& findings, bool all_seen);

/// The same with what scanners said of it when it was built, once it is active.
void observe_candidate(const Context& context, const std::string& run_id);

/// One finding of one product.
struct FindingAge {
  std::string product;
  std::string os;
  std::string finding_id;
  std::string package;
  model::Severity severity = model::Severity::unknown;
  TimePoint first_seen_at{};
  std::optional<TimePoint> fixed_at;
  bool waived = false;  ///< somebody answers for it now
};
/// Which of the open ones the gate of their newest active version waives now.
void mark_waived(const Context& context, std::vector<FindingAge>& ages);

/// Open ones, and those fixed since then. Open ones of products that have no active version any
/// more are left out.
std::vector<FindingAge> list_finding_ages(db::Database& database, TimePoint fixed_since);

struct FindingQuery {
  std::vector<std::string> products = {};        ///< patterns, any of them; empty: all
  std::vector<std::string> systems = {};         ///< the same of `os`
  std::vector<model::Severity> severities = {};  ///< empty: all
  db::Page page = {};
};
struct FindingPage {
  std::vector<FindingAge> findings;  ///< last seen for the first time first; `waived` is not known
  std::string next;                  ///< see db::Listed
};
/// Open ones of products that have an active version.
FindingPage list_open_findings(db::Database& database, const FindingQuery& query);

/// The same counted, waived ones too; of severities that are missing there are none. Costs nothing:
/// they are counted when they are observed.
struct OpenFindings {
  std::int64_t count = 0;
  TimePoint oldest{};
};
std::map<model::Severity, OpenFindings, std::greater<>> count_open_findings(db::Database& database);

/// Of one severity; durations are 0 where there is nothing to take them from.
struct AgeSummary {
  int open = 0;    ///< without those that are waived
  int waived = 0;  ///< open, and somebody answers for them
  Duration median_age{};
  Duration oldest_age{};
  int fixed = 0;
  Duration mean_time_to_fix{};
  Duration median_time_to_fix{};
};
using AgesBySeverity = std::map<model::Severity, AgeSummary, std::greater<>>;  ///< worst first

struct AgeReport {
  std::map<std::string, AgesBySeverity> products;  ///< by "product/os"
  AgesBySeverity all;
};
/// Pure. Severities without any finding are left out.
AgeReport summarize_ages(const std::vector<FindingAge>& ages, TimePoint now);

/// RFC 4180, with a heading: a row for each product and severity, and rows of "all". In days.
std::string ages_csv(const AgeReport& report);

void to_json(Json& json, const AgeReport& value);

}  // namespace hallmark::pipeline
