#include "scan/merge.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace hallmark::scan {

namespace {

using model::Assessment;
using model::Finding;
using model::FindingStatus;

/// A record's name while records are looked for: CVE and package, or scanner, id and package. The
/// separator is in none of them.
std::string key_of(std::string_view id, std::string_view package) {
  std::string key;
  key.reserve(id.size() + package.size() + 1);
  return key.append(id).append(1, '\0').append(package);
}

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
          observe(record(cve, cve, finding.package), where, finding);
        }
      }
    });
    remember_packages();
    each([&](const Observation& where, const Finding& finding) {
      if (finding.cves.empty()) {
        const std::string& scanner = assessments_[where.assessment].scanner;
        observe(record("", scanner + ":" + finding.finding_id, finding.package), where, finding);
      } else if (finding.package.empty()) {
        for (const std::string& cve : finding.cves) observe_everywhere(cve, where, finding);
      }
    });
    std::sort(records_.begin(), records_.end(), [](const MergedFinding& a, const MergedFinding& b) {
      return std::tie(b.severity, a.id, a.package) < std::tie(a.severity, b.id, b.package);
    });
    return std::move(records_);
  }

 private:
  template <typename Use>
  void each(Use use) {
    for (std::size_t a = 0; a < assessments_.size(); ++a) {
      const std::vector<Finding>& findings = assessments_[a].findings;
      for (std::size_t f = 0; f < findings.size(); ++f) use(Observation{a, f}, findings[f]);
    }
  }

  MergedFinding& record(const std::string& cve, const std::string& id, const std::string& package) {
    auto [place, is_new] = at_.try_emplace(key_of(id, package), records_.size());
    if (is_new) {
      MergedFinding& fresh = records_.emplace_back();
      fresh.cve = cve;
      fresh.id = id;
      fresh.package = package;
      fresh.suppressed = true;
    }
    return records_[place->second];
  }

  void observe(MergedFinding& record, const Observation& where, const Finding& finding) {
    if (record.observations.empty()) record.kind = finding.kind;
    // One scanner may name a package several times, by architecture; that is one observation more.
    record.observations.push_back(where);
    record.kind = std::min(record.kind, finding.kind);
    record.severity = std::max(record.severity, finding.severity);
    record.fixable |= !finding.fixed_version.empty() || finding.fix == model::FixState::available;
    record.known_exploited |= finding.known_exploited;
    record.suppressed &= finding.status == FindingStatus::suppressed;
    if (finding.epss) record.epss = std::max(record.epss.value_or(0), *finding.epss);
    if (record.title.empty()) record.title = finding.title;
    if (record.installed_version.empty()) record.installed_version = finding.installed_version;
    if (record.fixed_version.empty()) record.fixed_version = finding.fixed_version;
  }

  void remember_packages() {
    for (std::size_t i = 0; i < records_.size(); ++i) of_cve_[records_[i].cve].push_back(i);
  }

  void observe_everywhere(const std::string& cve, const Observation& where,
                          const Finding& finding) {
    auto known = of_cve_.find(cve);
    if (known == of_cve_.end()) {
      observe(record(cve, cve, ""), where, finding);
      return;
    }
    for (std::size_t index : known->second) observe(records_[index], where, finding);
  }

  const std::vector<Assessment>& assessments_;
  std::vector<MergedFinding> records_;
  std::unordered_map<std::string, std::size_t> at_;
  std::unordered_map<std::string, std::vector<std::size_t>> of_cve_;
};

}  // namespace

std::vector<MergedFinding> merge(const std::vector<Assessment>& assessments) {
  return Merger(assessments).merge();
}

Change change(const std::vector<MergedFinding>& before, const std::vector<MergedFinding>& after) {
  std::unordered_map<std::string, bool> still_there;
  still_there.reserve(before.size());
  for (const MergedFinding& finding : before) {
    still_there.emplace(key_of(finding.id, finding.package), false);
  }
  Change change;
  for (const MergedFinding& finding : after) {
    auto known = still_there.find(key_of(finding.id, finding.package));
    if (known == still_there.end()) {
      change.introduced.push_back(finding);
    } else {
      known->second = true;
      change.unchanged.push_back(finding);
    }
  }
  for (const MergedFinding& finding : before) {
    if (!still_there[key_of(finding.id, finding.package)]) change.fixed.push_back(finding);
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

Counts count(const std::vector<MergedFinding>& findings) {
  Counts counts;
  for (const MergedFinding& finding : findings) ++counts.of(finding.severity);
  return counts;
}

}  // namespace hallmark::scan
