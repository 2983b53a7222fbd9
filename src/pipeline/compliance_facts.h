#pragma once
/// What compliance is judged by, gathered from the cloud and our records.

#include <stop_token>

#include "pipeline/compliance.h"

namespace hallmark::pipeline {

/// Every id that an image of ours has or had anywhere, and which of them are superseded.
OwnImages read_own_images(db::Database& database);

/// The list, the machines and what else names images at the place, and what the images that are not
/// golden were made from. What cannot be looked at becomes a problem of the report.
PlaceReport look_at_place(cloud::Cloud& cloud, const OwnImages& own_images,
                          const cloud::Place& place);

/// Takes the machines of our own runs out of the report: they are in our account, and the ledger
/// knows the run that their tag names. A tag alone anybody could set.
void leave_out_own(const Context& context, std::vector<PlaceReport>& places);

}  // namespace hallmark::pipeline
