#pragma once
/// How compliance went over time: one row for each place and day, the last check of that day.

#include <string>
#include <vector>

#include "pipeline/compliance.h"

namespace hallmark::pipeline {

/// Older rows are removed: a year to compare with, and a month to do it in.
inline constexpr int kHistoryDays = 400;

/// Keeps the report's counts; an older check of the day is replaced, a newer one stays. And all
/// that it says of each place, until the next check of it (compliance_last.h).
void record_check(db::Database& database, const ComplianceReport& report);

/// All places that were checked on that day.
struct ComplianceDay {
  std::string day;  ///< "2026-11-23", UTC
  std::size_t places = 0;
  std::size_t places_with_problems = 0;
  VerdictCounts counts{};

  std::size_t checked() const;
  std::size_t fine() const;  ///< of those checked
};

/// The last `days` days with today; days without a check are left out. Oldest first.
std::vector<ComplianceDay> compliance_trend(db::Database& database, int days, TimePoint now);

void to_json(Json& json, const ComplianceDay& value);

}  // namespace hallmark::pipeline
