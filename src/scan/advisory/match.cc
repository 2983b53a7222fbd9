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

bool is_of_system(const Package& package) {
  return package.manager.empty() || package.manager == "dpkg" || package.manager == "rpm" ||
         package.manager == "apk";
}

class Matcher {
 public:
  Matcher(Matches& matches, Assessment& assessment, TimePoint now, bool has_subscription)
      : matches_(matches),
        file_(matches.file()),
        assessment_(assessment),
        now_(now),
        has_subscription_(has_subscription) {}

  /// With the inventory's distribution.
  void match(const model::Inventory& inventory) {
    EcosystemNames ecosystems(inventory.distribution);
    const std::vector<const PackageMatch*> found = matches_.of(inventory);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Package& installed = inventory.packages[i];
      const std::string& name = ecosystems.of(installed);
      const bool covered = note_feeds(name);
      if (!covered)
        without_feed_[name.empty() ? installed.manager : name].push_back(installed.name);
      any_ = any_ || covered;
      if (found[i]->state == PackageMatch::State::incomparable) {
        gap(installed, fmt::format("its version {} cannot be compared",
                                   model::safe_text(installed.version, 100)));
      }
      for (const StatementRecord* statement : found[i]->hits) add(installed, *statement);
      for (const StatementRecord* statement : found[i]->odd) {
        gap(installed,
            fmt::format("a version that {} names cannot be compared",
                        model::safe_text(file_.text(file_.advisory(statement->advisory).id), 100)));
      }
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
  /// Whether a feed is about it.
  bool note_feeds(const std::string& ecosystem) {
    const auto [known, added] = ecosystems_.try_emplace(ecosystem, false);
    if (!added) return known->second;
    for (std::uint16_t number = 0; number < file_.feeds().size(); ++number) {
      const FeedInfo& feed = file_.feeds()[number];
      if (speaks_of(feed.ecosystems, ecosystem) || speaks_of(feed.in_passing, ecosystem))
        feeds_.insert(number);
    }
    return known->second = is_covered(file_, ecosystem);
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

  Matches& matches_;
  const AdvisoryFile& file_;
  Assessment& assessment_;
  TimePoint now_;
  bool has_subscription_;
  bool any_ = false;
  std::map<std::string, bool> ecosystems_;
  std::set<std::uint16_t> feeds_;
  std::map<std::string, std::vector<std::string>> without_feed_;
};

}  // namespace

bool covers(const AdvisoryFile& file, const model::Distribution& distribution) {
  return is_covered(file, ecosystem_of(distribution));
}

Assessment match(const model::Inventory& inventory, Matches& matches, Clock& clock) {
  Assessment assessment;
  assessment.scanner = "hallmark";
  assessment.distribution = inventory.distribution;
  assessment.gaps = inventory.gaps;
  assessment.package_count = static_cast<int>(inventory.packages.size());
  assessment.assessed_at = to_rfc3339(clock.now());
  const AdvisoryFile& file = matches.file();
  Matcher matcher(matches, assessment, clock.now(), has_subscription(inventory));
  matcher.match(inventory);
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

/// For one image; the file outlives what is made of it.
std::shared_ptr<const AdvisoryFile> borrowed(const AdvisoryFile& file) {
  return {std::shared_ptr<const AdvisoryFile>(), &file};
}

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

Assessment match(const model::Inventory& inventory, const AdvisoryFile& file, Clock& clock) {
  Matches matches(borrowed(file));
  return match(inventory, matches, clock);
}

Assessment match_with_suite(const model::Inventory& inventory, const AdvisoryFile& file,
                            const std::optional<Assessment>& suite, Clock& clock) {
  Matches matches(borrowed(file));
  return match_with_suite(inventory, matches, suite, clock);
}

Assessment match_with_suite(const model::Inventory& inventory, Matches& matches,
                            const std::optional<Assessment>& suite, Clock& clock) {
  if (!suite || covers(matches.file(), inventory.distribution)) {
    Assessment matched = match(inventory, matches, clock);
    if (suite) add_pending_updates(matched, *suite);
    return matched;
  }
  Assessment matched = *suite;
  matched.package_count = static_cast<int>(inventory.packages.size());
  model::Inventory others = inventory;
  std::erase_if(others.packages, is_of_system);
  Matcher matcher(matches, matched, clock.now(), has_subscription(inventory));
  matcher.match(others);
  matcher.finish();
  if (!matched.gaps.empty()) {
    matched.completeness = std::max(matched.completeness, model::Completeness::partial);
  }
  return matched;
}

const std::shared_ptr<const AdvisoryFile>& no_advisories() {
  static const auto none = std::make_shared<const AdvisoryFile>(AdvisoryBuilder().finish());
  return none;
}

}  // namespace hallmark::scan
