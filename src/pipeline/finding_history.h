#pragma once
/// How many findings were open on each day: taken from when each was first seen and fixed.

#include <map>
#include <string>
#include <vector>

#include "pipeline/finding_ages.h"

namespace hallmark::pipeline {

using CountsBySeverity = std::map<model::Severity, int, std::greater<>>;  ///< worst first

struct FindingDay {
  std::string day;        ///< "2026-11-23", UTC
  CountsBySeverity open;  ///< at its end, waived ones too; severities without any are left out
};

/// The last `days` days with today, oldest first; each is there. Pure.
std::vector<FindingDay> findings_by_day(const std::vector<FindingAge>& ages, int days,
                                        TimePoint now);

/// For all ("all") and for each product ("products", sorted).
Json finding_history(const std::vector<FindingAge>& ages, int days, TimePoint now);

void to_json(Json& json, const FindingDay& value);

}  // namespace hallmark::pipeline
