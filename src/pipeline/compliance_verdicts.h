#pragma once
/// One verdict for each place that was checked, for the cloud to keep and to show.

#include <string>
#include <vector>

#include "cloud/enforcement.h"
#include "pipeline/compliance.h"

namespace hallmark::pipeline {

/// Compliant if all that is there is fine, not applicable if nothing is. What could not be looked
/// at is not fine. The text counts, and names the worst.
cloud::PlaceVerdict verdict_on(const PlaceReport& place, TimePoint checked_at);

/// What became of one place's verdict.
struct PutVerdict {
  cloud::Place place;
  cloud::PlaceVerdict verdict;
  std::string problem;  ///< why it was not put; empty: it was
};

/// Puts the verdict on each place under its rule of this name, several at a time; one that cannot
/// be put keeps no other from it. Throws `cancelled`.
std::vector<PutVerdict> put_verdicts(cloud::Enforcement& enforcement,
                                     const ComplianceReport& report, const std::string& rule,
                                     std::stop_token stop);

void to_json(Json& json, const PutVerdict& value);

}  // namespace hallmark::pipeline
