#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "scan/scan.h"
#include "scan/suite.h"
#include "scan/versions.h"

namespace hallmark::scan {
namespace {

using model::Assessment;
using model::Finding;
using model::Package;

class Matcher {
 public:
  Matcher(const model::Inventory& inventory, const SecuritySuite& suite, Assessment& assessment)
      : suite_(suite), assessment_(assessment) {
    for (const SuitePackage& package : suite.packages) {
      auto [place, added] = suite_sources_.try_emplace(package.source_name, package.source_version);
      if (!added && compare_versions(package.source_version, place->second) > 0) {
        place->second = package.source_version;
      }
    }
    for (const Package& package : inventory.packages) {
      if (package.manager != "dpkg" || !is_valid_version(package.source_version)) continue;
      auto [place, added] =
          installed_sources_.try_emplace(package.source_name, package.source_version);
      if (!added && compare_versions(package.source_version, place->second) > 0) {
        place->second = package.source_version;
      }
    }
  }

  void match(const Package& package) {
    if (package.manager != "dpkg") {
      ++others_[package.manager];
      return;
    }
    std::string what = fmt::format("package {} {}", package.name, package.version);
    if (!is_valid_version(package.version)) {
      assessment_.gaps.push_back({what, "its version cannot be compared"});
      return;
    }
    if (package.architecture != "all" && package.architecture != suite_.architecture) {
      assessment_.gaps.push_back(
          {what, fmt::format("it is for {}, the advisories of {} that were matched are for {}",
                             package.architecture, suite_.name, suite_.architecture)});
      return;
    }
    const SuitePackage* offered = find(package.name);
    if (offered != nullptr && compare_versions(package.version, offered->version) < 0) {
      add(package, offered->version, "update available in " + suite_.name);
      sources_with_findings_.insert(package.source_name);
    } else {
      without_update_.push_back(&package);
    }
  }

  /// The second pass, when all names were matched. A kernel's packages carry its version in their
  /// names, so that an update has other names: an old one is pending as long as nothing of the
  /// updated source is installed and no other package says already that the update is missing.
  void match_sources() {
    for (const auto& [manager, count] : others_) {
      assessment_.gaps.push_back(
          {fmt::format("packages of {}", manager),
           fmt::format("{} were found, of which {} says nothing", count, suite_.name)});
    }
    for (const Package* package : without_update_) {
      if (!sources_with_findings_.contains(package->source_name)) match_source(*package);
    }
  }

 private:
  /// The newest of the entries for the index's architecture and for "all".
  const SuitePackage* find(std::string_view name) const {
    auto first = std::lower_bound(
        suite_.packages.begin(), suite_.packages.end(), name,
        [](const SuitePackage& a, std::string_view b) { return std::string_view(a.name) < b; });
    const SuitePackage* newest = nullptr;
    for (; first != suite_.packages.end() && first->name == name; ++first) {
      if (newest == nullptr || compare_versions(first->version, newest->version) > 0) {
        newest = &*first;
      }
    }
    return newest;
  }

  void match_source(const Package& package) {
    auto offered = suite_sources_.find(package.source_name);
    if (offered == suite_sources_.end()) return;
    if (!is_valid_version(package.source_version)) {
      assessment_.gaps.push_back(
          {"package " + package.name, "the version of its source cannot be compared"});
      return;
    }
    auto installed = installed_sources_.find(package.source_name);
    if (compare_versions(installed->second, offered->second) >= 0) return;
    add(package, offered->second,
        fmt::format("update of source package {} available in {} under other package names",
                    package.source_name, suite_.name));
  }

  void add(const Package& package, const std::string& fixed, std::string title) {
    Finding finding;
    finding.finding_id = fmt::format("{}:{}:{}", suite_.name, package.name, fixed);
    finding.package = package.name;
    finding.source_package = package.source_name;
    finding.architecture = package.architecture;
    finding.installed_version = package.version;
    finding.fixed_version = fixed;
    finding.fix = model::FixState::available;
    finding.severity_source = suite_.name;
    finding.title = std::move(title);
    finding.advisory_source = suite_.name;
    assessment_.findings.push_back(std::move(finding));
  }

  const SecuritySuite& suite_;
  Assessment& assessment_;
  std::map<std::string, std::string> suite_sources_;
  std::map<std::string, std::string> installed_sources_;
  std::set<std::string> sources_with_findings_;
  std::map<std::string, int> others_;  ///< packages that are not of the distribution, by manager
  std::vector<const Package*> without_update_;
};

/// Whether the suite speaks of this distribution. Without that nothing was matched at all.
bool fits(const model::Distribution& distribution, const SecuritySuite& suite) {
  return distribution.id == "debian" && !distribution.codename.empty() &&
         (suite.name == distribution.codename + "-security" ||
          suite.name == distribution.codename + "/updates");
}

void check_suite(Assessment& assessment, const SecuritySuite& suite, Clock& clock) {
  if (!suite.valid_until.empty() && from_rfc3339(suite.valid_until) < clock.now()) {
    assessment.gaps.push_back(
        {"advisories " + suite.name,
         fmt::format("they were valid until {}: newer ones are missing", suite.valid_until)});
  }
  if (suite.unreadable != 0) {
    assessment.gaps.push_back(
        {"advisories " + suite.name,
         fmt::format("{} entries of the index could not be read", suite.unreadable)});
  }
}

}  // namespace

model::Assessment assess(const model::Inventory& inventory, const SecuritySuite& suite,
                         Clock& clock) {
  Assessment assessment;
  assessment.scanner = "hallmark";
  assessment.distribution = inventory.distribution;
  assessment.gaps = inventory.gaps;
  assessment.package_count = static_cast<int>(inventory.packages.size());
  assessment.assessed_at = to_rfc3339(clock.now());
  assessment.advisories.push_back({suite.name, suite.digest, suite.date, suite.fetched_at});

  bool matched = fits(inventory.distribution, suite) && !inventory.packages.empty();
  if (matched) {
    check_suite(assessment, suite, clock);
    Matcher matcher(inventory, suite, assessment);
    for (const Package& package : inventory.packages) matcher.match(package);
    matcher.match_sources();
  } else if (!inventory.packages.empty()) {
    assessment.gaps.push_back(
        {fmt::format("distribution {}", inventory.distribution.pretty_name.empty()
                                            ? inventory.distribution.id
                                            : inventory.distribution.pretty_name),
         fmt::format("the advisories of {} do not cover it", suite.name)});
  } else {
    assessment.gaps.push_back({"packages", "none were found, so none could be matched"});
  }
  auto key = [](const Finding& finding) {
    return std::tie(finding.package, finding.architecture, finding.fixed_version);
  };
  std::sort(assessment.findings.begin(), assessment.findings.end(),
            [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
  assessment.completeness = !matched                  ? model::Completeness::inconclusive
                            : assessment.gaps.empty() ? model::Completeness::complete
                                                      : model::Completeness::partial;
  return assessment;
}

}  // namespace hallmark::scan
