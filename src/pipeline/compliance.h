#pragma once
/// Does what runs come from an active golden image?

#include <string>
#include <vector>

#include "pipeline/compliance_judge.h"
#include "pipeline/context.h"

namespace hallmark::pipeline {

/// Time enough to roll machines over once a month.
inline constexpr Duration kSupersededGrace{30 * 24 * 3600'000LL};

struct ComplianceRules {
  std::vector<model::Exemption> exemptions;
  bool accept_derived = false;
  Duration grace = kSupersededGrace;  ///< how long a superseded version is fine
};

struct PlaceReport {
  PlaceFacts facts;
  /// Why something there could not be looked at; empty: all was.
  std::vector<std::string> problems;
  std::size_t own_machines = 0;   ///< builders and test machines of our runs, which are left out
  std::size_t without_image = 0;  ///< templates that leave the image to whoever launches
  PlaceRulings rulings;
};

struct ComplianceReport {
  TimePoint checked_at{};
  std::vector<PlaceReport> places;
  std::vector<std::string> warnings;

  VerdictCounts counts() const;
  /// Nothing is non-compliant or unknown, and every place could be looked at.
  bool is_compliant() const;
};

/// Every machine that is not terminated, launch template and auto scaling group at these places
/// against /GoldenAMI/latest there. Looks at several places at a time; one that cannot be looked at
/// says why in its report and keeps no other from it. Throws `cancelled`.
ComplianceReport check_compliance(Context& context, const std::vector<cloud::Place>& places,
                                  const ComplianceRules& rules, std::stop_token stop);

/// Our account and every account that is a target of an active image, in all regions.
std::vector<cloud::Place> known_places(Context& context);

/// One judged thing; points into the report.
struct ComplianceRow {
  const PlaceReport* place;
  const Resource* resource;
  Ruling ruling;
};
/// All of the report, worst first.
std::vector<ComplianceRow> rows_of(const ComplianceReport& report);

/// RFC 4180, with a heading; worst first.
std::string compliance_csv(const ComplianceReport& report);

void to_json(Json& json, const ComplianceRow& value);
void to_json(Json& json, const ComplianceReport& value);

}  // namespace hallmark::pipeline
