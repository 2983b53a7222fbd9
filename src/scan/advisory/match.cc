#include "scan/advisory/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/ecosystem.h"

namespace hallmark::scan {
namespace {

using model::Assessment;
using model::Finding;
using model::Package;

/// More than a handful of names makes a gap unreadable.
constexpr std::size_t kNamedPackages = 5;

/// A kernel is built twice: its signed image comes from "linux-signed-amd64", of which no advisory
/// speaks, and has the version of "linux" itself. Ubuntu's "linux-signed-aws" is of "linux-aws".
bool is_signed_kernel(std::string_view source) { return source.starts_with("linux-signed"); }

std::string kernel_of(std::string_view source) {
  const std::string_view rest = source.substr(std::string_view("linux-signed").size());
  const bool architecture = rest == "-amd64" || rest == "-arm64" || rest == "-i386";
  return architecture ? "linux" : "linux" + std::string(rest);
}

std::string_view source_name(const Package& package) {
  return package.source_name.empty() ? package.name : package.source_name;
}
std::string_view source_version(const Package& package) {
  return package.source_version.empty() || is_signed_kernel(package.source_name)
             ? package.version
             : package.source_version;
}

bool is_modular(std::string_view version) { return version.find(".module") != version.npos; }

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
  // The name of a source rpm has no epoch. A package of the same version has the source's; one with
  // a version of its own may have any, so that a statement's epoch cannot be compared with it.
  bool bare = false;
  if (of_source && order == VersionOrder::rpm) {
    bare = without_epoch(version) != without_epoch(package.version);
    version = bare ? without_epoch(version) : package.version;
  }
  const auto text = [&](TextRef place) {
    return bare ? without_epoch(file.text(place)) : file.text(place);
  };
  for (const StatementRecord& statement : file.find(ecosystem, name)) {
    if (((statement.flags & kOfSource) != 0) != of_source) continue;
    if ((statement.flags & kUnreadable) != 0) {
      odd(statement);
      continue;
    }
    const std::string_view fixed = text(statement.fixed);
    if (!fixed.empty() && compare_versions(order, version, fixed) >= 0) {
      // They are sorted, by epoch first: all that follow were fixed even earlier.
      if (bare) continue;
      return;
    }
    if (order == VersionOrder::rpm && !same_module(file.text(statement.module), fixed, package))
      continue;
    const std::string_view introduced = text(statement.introduced);
    if (!introduced.empty() && compare_versions(order, version, introduced) < 0) continue;
    const std::string_view last = text(statement.last_affected);
    if (!last.empty() && compare_versions(order, version, last) > 0) continue;
    hit(statement);
  }
}

template <typename Hit, typename Odd>
void look_both(const AdvisoryFile& file, const EcosystemRecord& ecosystem, const Package& package,
               Hit hit, Odd odd) {
  if ((ecosystem.names & kSourceNames) != 0) {
    const std::string_view source = source_name(package);
    if (is_signed_kernel(source)) {
      look(file, ecosystem, package, kernel_of(source), source_version(package), true, hit, odd);
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

class Matcher {
 public:
  Matcher(Matches& matches, Assessment& assessment)
      : matches_(matches), file_(matches.file()), assessment_(assessment) {}

  /// With the inventory's distribution.
  void match(const model::Inventory& inventory) {
    EcosystemNames ecosystems(inventory.distribution);
    const std::vector<const PackageMatch*> found = matches_.of(inventory);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Package& installed = inventory.packages[i];
      const std::string& name = ecosystems.of(installed);
      if (found[i]->state == PackageMatch::State::without_feed) {
        without_feed_[name.empty() ? installed.manager : name].push_back(installed.name);
        continue;
      }
      note_feeds(name);
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
           fmt::format("no feed of advisories speaks of {}: {}",
                       packages.size() == 1 ? "it" : "them", join(shown, ", "))});
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
  void note_feeds(const std::string& ecosystem) {
    if (!ecosystems_.insert(ecosystem).second) return;
    for (std::uint16_t number = 0; number < file_.feeds().size(); ++number) {
      const auto& all = file_.feeds()[number].ecosystems;
      if (std::binary_search(all.begin(), all.end(), ecosystem)) feeds_.insert(number);
    }
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
  std::set<std::string> ecosystems_;
  std::set<std::uint16_t> feeds_;
  std::map<std::string, std::vector<std::string>> without_feed_;
};

}  // namespace

PackageMatch match_package(const AdvisoryFile& file, std::string_view ecosystem,
                           const Package& package) {
  PackageMatch match;
  const EcosystemRecord* record = ecosystem.empty() ? nullptr : file.ecosystem(ecosystem);
  if (record == nullptr) {
    match.state = PackageMatch::State::without_feed;
    return match;
  }
  if (!comparable(*record, package)) {
    match.state = PackageMatch::State::incomparable;
    return match;
  }
  const auto look_at = [&](const Package& named) {
    look_both(
        file, *record, named,
        [&](const StatementRecord& statement) { match.hits.push_back(&statement); },
        [&](const StatementRecord& statement) { match.odd.push_back(&statement); });
  };
  if (const std::string key = package_key(ecosystem, package.name); key != package.name) {
    Package renamed = package;
    renamed.name = renamed.source_name = key;
    look_at(renamed);
  } else {
    look_at(package);
  }
  return match;
}

bool covers(const AdvisoryFile& file, const model::Distribution& distribution) {
  const std::string name = ecosystem_of(distribution);
  return !name.empty() && file.ecosystem(name) != nullptr;
}

Assessment match(const model::Inventory& inventory, Matches& matches, Clock& clock) {
  Assessment assessment;
  assessment.scanner = "hallmark";
  assessment.distribution = inventory.distribution;
  assessment.gaps = inventory.gaps;
  assessment.package_count = static_cast<int>(inventory.packages.size());
  assessment.assessed_at = to_rfc3339(clock.now());
  const bool covered = covers(matches.file(), inventory.distribution);
  Matcher matcher(matches, assessment);
  matcher.match(inventory);
  matcher.finish();
  if (inventory.packages.empty()) {
    assessment.gaps.push_back({"packages", "none were found, so none could be matched"});
  } else if (!covered) {
    const auto& distribution = inventory.distribution;
    assessment.gaps.push_back(
        {"distribution " +
             (distribution.pretty_name.empty() ? distribution.id : distribution.pretty_name),
         "no feed of advisories speaks of this release"});
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

bool is_of_system(const Package& package) {
  return package.manager.empty() || package.manager == "dpkg" || package.manager == "rpm" ||
         package.manager == "apk";
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
  Matcher matcher(matches, matched);
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
