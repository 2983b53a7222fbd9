#include <algorithm>

#include "scan/advisory/ecosystem.h"
#include "scan/advisory/match.h"
#include "scan/advisory/package_names.h"

namespace hallmark::scan {
namespace {

using model::Package;

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

}  // namespace hallmark::scan
