#include "scan/advisory/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feed_state.h"
#include "scan/advisory/package_names.h"

namespace hallmark::scan {
namespace {

using model::Assessment;
using model::Finding;
using model::Package;

/// More than a handful of names makes a gap unreadable.
constexpr std::size_t kNamedPackages = 5;

std::string_view source_name(const Package& package) {
  return package.source_name.empty() ? package.name : package.source_name;
}
std::string_view source_version(const Package& package) {
  return package.source_version.empty() ? package.version : package.source_version;
}

/// rpm's modules: a build of one stream is no fix of another, nor of the package outside of
/// modules.
bool same_module(std::string_view wanted, std::string_view fixed, const Package& package) {
  const bool statement_is = !wanted.empty() || is_modular(fixed);
  const bool package_is = !package.module.empty() || is_modular(package.version);
  if (statement_is != package_is) return false;
  // Where one does not say its stream, their versions decide.
  if (wanted.empty() || package.module.empty()) return true;
  while (!wanted.empty()) {
    const auto one = wanted.substr(0, wanted.find(','));
    if (one == package.module) return true;
    wanted.remove_prefix(std::min(one.size() + 1, wanted.size()));
  }
  return false;
}

std::string_view without_epoch(std::string_view version) {
  return version.substr(version.find(':') + 1);
}

/// `hit` and `odd` as match_package has them.
template <typename Hit, typename Odd>
void look(const AdvisoryFile& file, const EcosystemRecord& ecosystem, const Package& package,
          std::string_view name, std::string_view version, bool of_source, Hit hit, Odd odd) {
  const auto order = static_cast<VersionOrder>(ecosystem.order);
  // The name of a source rpm has no epoch, so a statement's cannot be compared with it.
  const bool bare = of_source && order == VersionOrder::rpm && !package.source_version.empty() &&
                    version.find(':') == std::string_view::npos;
  const auto text = [&](TextRef place) {
    return bare ? without_epoch(file.text(place)) : file.text(place);
  };
  const auto against = [&](std::string_view limit) {
    return compare_to_limit(order, version, limit);
  };
  for (const StatementRecord& statement : file.find(ecosystem, name)) {
    if (((statement.flags & kOfSource) != 0) != of_source) continue;
    if ((statement.flags & kUnreadable) != 0) {
      odd(statement);
      continue;
    }
    const std::string_view fixed = text(statement.fixed);
    if (!fixed.empty() && against(fixed) >= 0) {
      // They are sorted, by epoch first: all that follow were fixed even earlier.
      if (bare || !is_total(order)) continue;
      return;
    }
    if (order == VersionOrder::rpm &&
        (!same_module(file.text(statement.module), fixed, package) ||
         (!fixed.empty() && rpm_flavour(fixed) != rpm_flavour(version)))) {
      continue;
    }
    const std::string_view introduced = text(statement.introduced);
    if (!introduced.empty() && against(introduced) < 0) continue;
    const std::string_view last = text(statement.last_affected);
    if (!last.empty() && against(last) > 0) continue;
    hit(statement);
  }
}

template <typename Hit, typename Odd>
void look_both(const AdvisoryFile& file, const EcosystemRecord& ecosystem, const Package& package,
               Hit hit, Odd odd) {
  if ((ecosystem.names & kSourceNames) != 0) {
    const std::string_view source = source_name(package);
    if (const auto real = unsigned_source(source, package.version)) {
      look(file, ecosystem, package, real->name, real->version, true, hit, odd);
    } else {
      look(file, ecosystem, package, source, source_version(package), true, hit, odd);
    }
  }
  if ((ecosystem.names & kBinaryNames) != 0) {
    look(file, ecosystem, package, package.name, package.version, false, hit, odd);
  }
}

bool comparable(const EcosystemRecord& ecosystem, const Package& package) {
  const auto order = static_cast<VersionOrder>(ecosystem.order);
  return is_comparable(order, package.version) && (source_version(package) == package.version ||
                                                   is_comparable(order, source_version(package)));
}

bool is_of_system(const Package& package) {
  return package.manager.empty() || package.manager == "dpkg" || package.manager == "rpm" ||
         package.manager == "apk";
}

/// Who has one package of Ubuntu Pro can have the others.
bool has_subscription(const model::Inventory& inventory) {
  return inventory.distribution.id == "ubuntu" &&
         std::any_of(inventory.packages.begin(), inventory.packages.end(),
                     [](const Package& package) { return needs_subscription(package.version); });
}

class Matcher {
 public:
  Matcher(const AdvisoryFile& file, Assessment& assessment, TimePoint now, bool has_subscription)
      : file_(file), assessment_(assessment), now_(now), has_subscription_(has_subscription) {}

  void match(const Package& installed) {
    const std::string name = ecosystem_of(installed, assessment_.distribution);
    const auto [ecosystem, covered] = find(name);
    if (!covered) without_feed_[name.empty() ? installed.manager : name].push_back(installed.name);
    any_ = any_ || covered;
    if (ecosystem == nullptr) return;
    if (!comparable(*ecosystem, installed)) {
      gap(installed, fmt::format("its version {} cannot be compared",
                                 model::safe_text(installed.version, 100)));
      return;
    }
    if (const std::string key = package_key(name, installed.name); key != installed.name) {
      Package renamed = installed;
      renamed.name = renamed.source_name = key;
      look_at(*ecosystem, renamed, installed);
    } else {
      look_at(*ecosystem, installed, installed);
    }
  }

  /// Whether a feed is about any of the packages.
  bool any() const { return any_; }

  void finish() {
    for (const auto& [name, packages] : without_feed_) {
      std::vector<std::string> shown(
          packages.begin(), packages.begin() + static_cast<std::ptrdiff_t>(
                                                   std::min(packages.size(), kNamedPackages)));
      if (packages.size() > shown.size()) shown.emplace_back("..");
      assessment_.gaps.push_back(
          {fmt::format("{} {} of {}", packages.size(),
                       packages.size() == 1 ? "package" : "packages",
                       name.empty() ? "no known kind" : name),
           fmt::format("{} {}: {}", why_not_covered(file_, name),
                       packages.size() == 1 ? "it" : "them", join(shown, ", "))});
    }
    for (const FeedInfo& feed : file_.feeds()) {
      // Of one that cannot be read it may not be known what it would speak of.
      const bool concerns = feed.ecosystems.empty() && !feed.damage.empty();
      if (!concerns && !feeds_.contains(static_cast<std::uint16_t>(&feed - file_.feeds().data())))
        continue;
      for (model::CoverageGap& gap : gaps_of(feed, now_))
        assessment_.gaps.push_back(std::move(gap));
    }
    for (const std::uint16_t number : feeds_) {
      const FeedInfo& feed = file_.feeds()[number];
      assessment_.advisories.push_back({feed.name, feed.digest, feed.valid_from, feed.fetched_at});
    }
    std::sort(assessment_.advisories.begin(), assessment_.advisories.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto key = [](const Finding& f) {
      return std::tie(f.package, f.architecture, f.installed_version, f.finding_id, f.fixed_version,
                      f.evidence);
    };
    std::sort(assessment_.findings.begin(), assessment_.findings.end(),
              [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
    const auto same = [&](const Finding& a, const Finding& b) {
      return a.finding_id == b.finding_id && a.architecture == b.architecture &&
             a.installed_version == b.installed_version && a.evidence == b.evidence;
    };
    assessment_.findings.erase(
        std::unique(assessment_.findings.begin(), assessment_.findings.end(), same),
        assessment_.findings.end());
  }

 private:
  struct Known {
    const EcosystemRecord* record = nullptr;
    bool covered = false;
  };

  Known find(const std::string& name) {
    auto [place, added] = ecosystems_.try_emplace(name);
    if (!added) return place->second;
    place->second = {name.empty() ? nullptr : file_.ecosystem(name), is_covered(file_, name)};
    for (std::uint16_t number = 0; number < file_.feeds().size(); ++number) {
      const FeedInfo& feed = file_.feeds()[number];
      if (speaks_of(feed.ecosystems, name) || speaks_of(feed.in_passing, name))
        feeds_.insert(number);
    }
    return place->second;
  }

  void look_at(const EcosystemRecord& ecosystem, const Package& package, const Package& installed) {
    look_both(
        file_, ecosystem, package,
        [&](const StatementRecord& statement) { add(installed, statement); },
        [&](const StatementRecord& statement) {
          gap(installed, fmt::format("a version that {} names cannot be compared",
                                     model::safe_text(
                                         file_.text(file_.advisory(statement.advisory).id), 100)));
        });
  }

  void gap(const Package& package, std::string reason) {
    assessment_.gaps.push_back(
        {fmt::format("package {} {}", package.name, package.version), std::move(reason)});
  }

  std::string safe(TextRef place) const { return model::safe_text(file_.text(place)); }

  void add(const Package& package, const StatementRecord& statement) {
    const AdvisoryRecord& advisory = file_.advisory(statement.advisory);
    const FeedInfo& feed = file_.feeds()[advisory.feed];
    Finding finding;
    const std::string id = safe(advisory.id);
    finding.finding_id = id + ":" + package.name;
    if (statement.judgement == static_cast<std::uint8_t>(Judgement::undetermined))
      finding.kind = model::FindingKind::potential;
    for (const TextRef cve : file_.cves(advisory)) {
      if (std::string normal = model::normal_cve(file_.text(cve)); !normal.empty())
        finding.cves.push_back(std::move(normal));
    }
    if (model::normal_cve(id).empty()) finding.advisory_ids.push_back(id);
    finding.package = package.name;
    finding.source_package = package.source_name;
    finding.architecture = package.architecture;
    finding.installed_version = package.version;
    finding.fixed_version = safe(statement.fixed);
    finding.fix = !finding.fixed_version.empty()
                      ? model::FixState::available
                      : static_cast<model::FixState>(std::min<std::uint8_t>(
                            statement.fix, static_cast<std::uint8_t>(model::FixState::unknown)));
    if ((statement.flags & kSubscription) != 0 && !has_subscription_) {
      finding.remediation = "fixed in " + finding.fixed_version + ", which needs a subscription";
      finding.fixed_version.clear();
      finding.fix = model::FixState::none;
    }
    const auto severity = [](std::uint8_t value) {
      return static_cast<model::Severity>(
          std::min<std::uint8_t>(value, static_cast<std::uint8_t>(model::Severity::critical)));
    };
    finding.severity = severity(statement.severity != 0 ? statement.severity : advisory.severity);
    finding.severity_native = safe(advisory.severity_native);
    finding.severity_source = finding.advisory_source = feed.name;
    if (const std::string vector = safe(advisory.cvss); !vector.empty()) {
      finding.cvss.push_back(
          {vector.size() > 8 ? vector.substr(5, 3) : "", cvss3_score(vector), vector, feed.name});
      if (finding.cvss.back().score == 0) finding.cvss.clear();
    }
    finding.title = safe(advisory.title);
    if (finding.title.empty()) finding.title = id + " in " + package.name;
    if (std::string url = safe(advisory.url);
        url.starts_with("https://") || url.starts_with("http://"))
      finding.references.push_back(std::move(url));
    if (!package.path.empty()) finding.evidence = model::safe_text(package.path);
    assessment_.findings.push_back(std::move(finding));
  }

  const AdvisoryFile& file_;
  Assessment& assessment_;
  TimePoint now_;
  bool has_subscription_;
  bool any_ = false;
  std::map<std::string, Known> ecosystems_;
  std::set<std::uint16_t> feeds_;
  std::map<std::string, std::vector<std::string>> without_feed_;
};

}  // namespace

void match_package(const AdvisoryFile& file, const EcosystemRecord& ecosystem,
                   const Package& package, const MatchCalls& calls) {
  look_both(file, ecosystem, package, calls.hit, calls.odd);
}

std::uint64_t count_matches(const AdvisoryFile& file, const model::Inventory& inventory) {
  const EcosystemRecord* ecosystem = file.ecosystem(ecosystem_of(inventory.distribution));
  std::uint64_t count = 0;
  if (ecosystem == nullptr) return count;
  for (const Package& package : inventory.packages) {
    if (!comparable(*ecosystem, package)) continue;
    look_both(
        file, *ecosystem, package, [&](const StatementRecord&) { ++count; },
        [](const StatementRecord&) {});
  }
  return count;
}

bool covers(const AdvisoryFile& file, const model::Distribution& distribution) {
  return is_covered(file, ecosystem_of(distribution));
}

Assessment match(const model::Inventory& inventory, const AdvisoryFile& file, Clock& clock) {
  Assessment assessment;
  assessment.scanner = "hallmark";
  assessment.distribution = inventory.distribution;
  assessment.gaps = inventory.gaps;
  assessment.package_count = static_cast<int>(inventory.packages.size());
  assessment.assessed_at = to_rfc3339(clock.now());
  Matcher matcher(file, assessment, clock.now(), has_subscription(inventory));
  for (const Package& package : inventory.packages) matcher.match(package);
  matcher.finish();
  // An application's own list of packages has no distribution.
  const bool covered =
      std::any_of(inventory.packages.begin(), inventory.packages.end(), is_of_system)
          ? covers(file, inventory.distribution)
          : matcher.any();
  if (inventory.packages.empty()) {
    assessment.gaps.push_back({"packages", "none were found, so none could be matched"});
  } else if (!covered && !inventory.distribution.id.empty()) {
    const auto& distribution = inventory.distribution;
    assessment.gaps.push_back(
        {"distribution " +
             (distribution.pretty_name.empty() ? distribution.id : distribution.pretty_name),
         why_not_covered(file, ecosystem_of(distribution)) + " this release"});
  }
  assessment.completeness = !covered || inventory.packages.empty()
                                ? model::Completeness::inconclusive
                            : assessment.gaps.empty() ? model::Completeness::complete
                                                      : model::Completeness::partial;
  return assessment;
}

namespace {

void add_pending_updates(Assessment& matched, const Assessment& suite) {
  std::set<std::string> fixed;
  for (const Finding& finding : matched.findings) {
    if (finding.fix == model::FixState::available) fixed.insert(finding.package);
  }
  for (const Finding& finding : suite.findings) {
    if (!fixed.contains(finding.package)) matched.findings.push_back(finding);
  }
  for (const model::CoverageGap& gap : suite.gaps) {
    const bool known = std::any_of(matched.gaps.begin(), matched.gaps.end(),
                                   [&](const auto& own) { return own.what == gap.what; });
    if (!known) matched.gaps.push_back(gap);
  }
  matched.advisories.insert(matched.advisories.end(), suite.advisories.begin(),
                            suite.advisories.end());
  std::stable_sort(matched.findings.begin(), matched.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tie(a.package, a.finding_id) < std::tie(b.package, b.finding_id);
                   });
  if (!matched.gaps.empty())
    matched.completeness = std::max(matched.completeness, model::Completeness::partial);
}

}  // namespace

model::Inventory system_part(const model::Inventory& inventory) {
  model::Inventory part = inventory;
  std::erase_if(part.packages, [](const Package& package) { return !is_of_system(package); });
  return part;
}

Assessment match_with_suite(const model::Inventory& inventory, const AdvisoryFile& file,
                            const std::optional<Assessment>& suite, Clock& clock) {
  if (!suite || covers(file, inventory.distribution)) {
    Assessment matched = match(inventory, file, clock);
    if (suite) add_pending_updates(matched, *suite);
    return matched;
  }
  Assessment matched = *suite;
  matched.package_count = static_cast<int>(inventory.packages.size());
  Matcher matcher(file, matched, clock.now(), has_subscription(inventory));
  for (const Package& package : inventory.packages) {
    if (!is_of_system(package)) matcher.match(package);
  }
  matcher.finish();
  if (!matched.gaps.empty()) {
    matched.completeness = std::max(matched.completeness, model::Completeness::partial);
  }
  return matched;
}

const AdvisoryFile& no_advisories() {
  static const AdvisoryFile none(AdvisoryBuilder().finish());
  return none;
}

}  // namespace hallmark::scan
