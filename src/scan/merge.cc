#include "scan/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace hallmark::scan {

namespace {

using model::Assessment;
using model::Finding;
using model::FindingStatus;

/// What a scanner says of a CVE without a package is an observation of each of its packages:
/// thousands times thousands would be too many.
constexpr std::size_t kMostEverywhere = 16;

/// A record's name while records are looked for: CVE and package, or scanner, its id and package.
/// Views into what is merged, which outlives them.
struct Key {
  std::string_view id;
  std::string_view package;
  std::string_view scanner = {};
  bool has_cve = true;
  bool operator==(const Key&) const = default;
};

struct HashKey {
  std::size_t operator()(const Key& key) const {
    const std::hash<std::string_view> hash;
    // An odd factor, so that equal texts in different places do not cancel each other out.
    return (hash(key.id) * 31 + hash(key.package)) * 31 + hash(key.scanner);
  }
};

Key key_of(const MergedFinding& finding) { return {finding.id, finding.package}; }

class Merger {
 public:
  explicit Merger(const std::vector<Assessment>& assessments) : assessments_(assessments) {
    std::size_t most = 0;
    for (const Assessment& assessment : assessments) most += assessment.findings.size();
    records_.reserve(most);
    at_.reserve(most);
  }

  std::vector<MergedFinding> merge() {
    each([&](const Observation& where, const Finding& finding) {
      if (!finding.cves.empty() && !finding.package.empty()) {
        for (const std::string& cve : finding.cves) {
          observe(record({cve, finding.package}), where, finding);
        }
      }
    });
    find_packages();
    each([&](const Observation& where, const Finding& finding) {
      if (finding.cves.empty()) {
        const std::string& scanner = assessments_[where.assessment].scanner;
        observe(record({finding.finding_id, finding.package, scanner, false}), where, finding);
      } else if (finding.package.empty()) {
        for (const std::string& cve : finding.cves) observe(of_cve_.at(cve).seen, where, finding);
      }
    });
    for (const auto& [cve, everywhere] : of_cve_) spread(cve, everywhere);
    return sorted();
  }

 private:
  template <typename Use>
  void each(Use use) {
    for (std::size_t a = 0; a < assessments_.size(); ++a) {
      const std::vector<Finding>& findings = assessments_[a].findings;
      for (std::size_t f = 0; f < findings.size(); ++f) use(Observation{a, f}, findings[f]);
    }
  }

  MergedFinding& record(const Key& key) {
    auto [place, is_new] = at_.try_emplace(key, records_.size());
    if (is_new) {
      MergedFinding& fresh = records_.emplace_back();
      if (key.has_cve) fresh.cve = key.id;
      fresh.id = key.has_cve ? fresh.cve : fmt::format("{}:{}", key.scanner, key.id);
      fresh.package = key.package;
      fresh.suppressed = true;
    }
    return records_[place->second];
  }

  void observe(MergedFinding& record, const Observation& where, const Finding& finding) {
    if (record.observations.empty()) record.kind = finding.kind;
    // One scanner may name a package several times, by architecture; that is one observation more.
    const bool is_everywhere = finding.package.empty() && !finding.cves.empty();
    if (!is_everywhere || count_of(record, where.assessment) < kMostEverywhere) {
      record.observations.push_back(where);
    } else if (finding.severity > finding_of(record.observations.back()).severity) {
      record.observations.back() = where;
    }
    take(record, finding,
         !finding.fixed_version.empty() || finding.fix == model::FixState::available,
         finding.status == FindingStatus::suppressed);
  }

  const Finding& finding_of(const Observation& where) const {
    return assessments_[where.assessment].findings[where.finding];
  }

  /// How many of that assessment's are at the end, where they all are.
  static std::size_t count_of(const MergedFinding& record, std::size_t assessment) {
    auto other = std::find_if(
        record.observations.rbegin(), record.observations.rend(),
        [&](const Observation& observation) { return observation.assessment != assessment; });
    return static_cast<std::size_t>(other - record.observations.rbegin());
  }

  /// `Seen` is one finding, or what was made of several.
  template <typename Seen>
  static void take(MergedFinding& record, const Seen& seen, bool fixable, bool suppressed) {
    record.kind = std::min(record.kind, seen.kind);
    record.severity = std::max(record.severity, seen.severity);
    record.fixable |= fixable;
    record.known_exploited |= seen.known_exploited;
    record.suppressed &= suppressed;
    if (seen.epss) record.epss = std::max(record.epss.value_or(0), *seen.epss);
    if (record.title.empty()) record.title = seen.title;
    if (record.installed_version.empty()) record.installed_version = seen.installed_version;
    if (record.fixed_version.empty()) record.fixed_version = seen.fixed_version;
  }

  /// What is said of a CVE without a package, and the records of its packages.
  struct Everywhere {
    MergedFinding seen{.suppressed = true};
    std::vector<std::size_t> records;
  };

  void find_packages() {
    each([&](const Observation&, const Finding& finding) {
      if (!finding.package.empty()) return;
      for (const std::string& cve : finding.cves) of_cve_[cve];
    });
    if (of_cve_.empty()) return;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      auto known = of_cve_.find(records_[i].cve);
      if (known != of_cve_.end()) known->second.records.push_back(i);
    }
  }

  void spread(std::string_view cve, const Everywhere& everywhere) {
    if (everywhere.records.empty()) add(record({cve, {}}), everywhere.seen);
    for (std::size_t index : everywhere.records) add(records_[index], everywhere.seen);
  }

  static void add(MergedFinding& record, const MergedFinding& seen) {
    if (record.observations.empty()) record.kind = seen.kind;
    record.observations.insert(record.observations.end(), seen.observations.begin(),
                               seen.observations.end());
    take(record, seen, seen.fixable, seen.suppressed);
  }

  /// The records are large: their places are sorted, then each record is moved to its own, so that
  /// there is never a second list of them.
  std::vector<MergedFinding> sorted() {
    std::vector<std::size_t> from(records_.size());
    std::iota(from.begin(), from.end(), std::size_t{0});
    std::sort(from.begin(), from.end(), [&](std::size_t left, std::size_t right) {
      const MergedFinding& a = records_[left];
      const MergedFinding& b = records_[right];
      return std::tie(b.severity, a.id, a.package) < std::tie(a.severity, b.id, b.package);
    });
    for (std::size_t start = 0; start < from.size(); ++start) {
      if (from[start] == start) continue;
      MergedFinding first = std::move(records_[start]);
      std::size_t to = start;
      while (from[to] != start) {
        records_[to] = std::move(records_[from[to]]);
        to = std::exchange(from[to], to);
      }
      records_[to] = std::move(first);
      from[to] = to;
    }
    return std::move(records_);
  }

  const std::vector<Assessment>& assessments_;
  std::vector<MergedFinding> records_;
  std::unordered_map<Key, std::size_t, HashKey> at_;
  std::unordered_map<std::string_view, Everywhere> of_cve_;
};

}  // namespace

std::vector<MergedFinding> merge(const std::vector<Assessment>& assessments) {
  return Merger(assessments).merge();
}

FindingList list_of(const std::vector<MergedFinding>& findings) {
  FindingList list;
  list.reserve(findings.size());
  for (const MergedFinding& finding : findings) list.push_back(&finding);
  return list;
}

Change change(const FindingList& before, const FindingList& after) {
  std::unordered_map<Key, bool, HashKey> still_there;
  still_there.reserve(before.size());
  for (const MergedFinding* finding : before) still_there.emplace(key_of(*finding), false);
  Change change;
  for (const MergedFinding* finding : after) {
    auto known = still_there.find(key_of(*finding));
    if (known == still_there.end()) {
      change.introduced.push_back(finding);
    } else {
      known->second = true;
      change.unchanged.push_back(finding);
    }
  }
  for (const MergedFinding* finding : before) {
    if (!still_there.at(key_of(*finding))) change.fixed.push_back(finding);
  }
  return change;
}

int& Counts::of(model::Severity severity) {
  switch (severity) {
    case model::Severity::critical:
      return critical;
    case model::Severity::high:
      return high;
    case model::Severity::medium:
      return medium;
    case model::Severity::low:
      return low;
    case model::Severity::info:
      return info;
    case model::Severity::unknown:
      break;
  }
  return unknown;
}

Counts count(const FindingList& findings) {
  Counts counts;
  for (const MergedFinding* finding : findings) ++counts.of(finding->severity);
  return counts;
}

}  // namespace hallmark::scan
