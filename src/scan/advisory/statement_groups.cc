#include "scan/advisory/statement_groups.h"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "scan/advisory/feeds.h"
#include "scan/advisory/package_names.h"

namespace hallmark::scan {
namespace {

std::vector<TextRef> flaws(const AdvisoryTables& tables, const StatementRecord& record) {
  const AdvisoryRecord& advisory = tables.advisories[record.advisory];
  if (advisory.cve_count == 0) return {advisory.id};
  const auto first = tables.cves.begin() + advisory.first_cve;
  return {first, first + advisory.cve_count};
}

/// Whether both speak of builds that can be compared: of one module's stream, or of none. Where one
/// does not say which stream, it may be the other's.
bool same_stream(const AdvisoryTables& tables, const StatementRecord& a, const StatementRecord& b) {
  const auto modular = [&](const StatementRecord& record) {
    return record.module != 0 || is_modular(tables.texts.get(record.fixed));
  };
  return modular(a) == modular(b) && (a.module == b.module || a.module == 0 || b.module == 0);
}

/// A flaw belongs to the distribution's own feeds if one of them speaks of it; a statement stays if
/// one of its flaws is of its own feed's rank: two of a distribution's repositories mend their own.
void keep_first_word(const AdvisoryTables& tables, std::vector<StatementRecord>& group) {
  const auto is_own = [&](const StatementRecord& record) {
    return is_own_word(tables.feeds[tables.advisories[record.advisory].feed].kind);
  };
  std::unordered_multimap<TextRef, StatementRecord> spoken_of;
  const bool mixed = std::any_of(group.begin(), group.end(), std::not_fn(is_own));
  for (const StatementRecord& record : group) {
    if (!mixed || !is_own(record)) continue;
    for (const TextRef flaw : flaws(tables, record)) spoken_of.emplace(flaw, record);
  }
  std::erase_if(group, [&](const StatementRecord& record) {
    if (record.judgement == static_cast<std::uint8_t>(Judgement::not_affected)) return true;
    if (is_own(record) || spoken_of.empty()) return false;
    const auto said = flaws(tables, record);
    return std::all_of(said.begin(), said.end(), [&](TextRef flaw) {
      const auto [first, end] = spoken_of.equal_range(flaw);
      return std::any_of(first, end,
                         [&](const auto& own) { return same_stream(tables, own.second, record); });
    });
  });
}

/// An rpm advisory names a package once for each build of it, such as those of two minor releases:
/// whoever has the oldest of these has the fix. Expects the group sorted.
void keep_lowest_fix(const AdvisoryTables& tables, std::vector<StatementRecord>& group) {
  std::set<std::tuple<std::uint32_t, TextRef, std::uint8_t, std::string_view>> seen;
  std::vector<StatementRecord> kept;
  for (auto record = group.rbegin(); record != group.rend(); ++record) {
    const std::string_view fixed = tables.texts.get(record->fixed);
    // Without its stream nobody knows whose fix it is.
    const bool alone = record->introduced != 0 || record->fixed == 0 ||
                       (record->flags & kUnreadable) != 0 ||
                       (record->module == 0 && is_modular(fixed));
    if (alone ||
        seen.insert({record->advisory, record->module, record->flags, rpm_flavour(fixed)}).second) {
      kept.push_back(*record);
    }
  }
  group.assign(kept.rbegin(), kept.rend());
}

/// Ubuntu says of one flaw that it has no fix, and that subscribers have one: the latter says both.
/// A fix for everybody says more than either.
void keep_free_fix(std::vector<StatementRecord>& group) {
  std::set<std::uint32_t> free, paid;
  for (const StatementRecord& record : group) {
    if (record.fixed != 0)
      ((record.flags & kSubscription) != 0 ? paid : free).insert(record.advisory);
  }
  if (paid.empty()) return;
  std::erase_if(group, [&](const StatementRecord& record) {
    if ((record.flags & kSubscription) != 0) return free.contains(record.advisory);
    return record.fixed == 0 && record.last_affected == 0 && paid.contains(record.advisory);
  });
}

void sort_group(const AdvisoryTables& tables, std::vector<StatementRecord>& group,
                VersionOrder order) {
  const auto has_fix = [](const StatementRecord& record) {
    return record.fixed != 0 && (record.flags & kUnreadable) == 0;
  };
  std::stable_sort(
      group.begin(), group.end(), [&](const StatementRecord& a, const StatementRecord& b) {
        if (has_fix(a) != has_fix(b)) return !has_fix(a);
        return has_fix(a) && a.fixed != b.fixed &&
               compare_for_sorting(order, tables.texts.get(a.fixed), tables.texts.get(b.fixed)) > 0;
      });
}

}  // namespace

void settle(const AdvisoryTables& tables, VersionOrder order, std::vector<StatementRecord>& group) {
  keep_first_word(tables, group);
  if (order == VersionOrder::dpkg) keep_free_fix(group);
  sort_group(tables, group, order);
  if (order == VersionOrder::rpm) keep_lowest_fix(tables, group);
}

}  // namespace hallmark::scan
