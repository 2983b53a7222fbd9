#pragma once
/// Where a golden image is wished to be: what golden.yaml said when it was built, until somebody
/// says otherwise. What is there beside it is extra.

#include <string>
#include <vector>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

struct Wish {
  std::vector<model::Target> targets;
  std::string wished_by;  ///< empty: it is golden.yaml's
  std::string wished_at;
};
Wish wish_of(db::Database& database, const GoldenImage& image);
/// Inside a step, or before a run. The audit log is told, unless that was wished already.
void record_wish(const Context& context, const GoldenImage& image,
                 const std::vector<model::Target>& targets, const std::string& wished_by);

/// Throws `usage` for what can never be a place, and for a place that is there twice. Whether an
/// account or region can be used is found out there: one that cannot keeps no other from being
/// served.
void check_targets(const std::vector<model::Target>& targets);

/// Both; a place in both is brought as `more` says.
std::vector<model::Target> with_targets(std::vector<model::Target> targets,
                                        const std::vector<model::Target>& more);
/// `targets` without the places of `fewer`, whose entries without regions mean whole accounts.
/// Throws `not_found` for what is no target.
std::vector<model::Target> without_targets(std::vector<model::Target> targets,
                                           const std::vector<model::Target>& fewer);

void to_json(Json& json, const Wish& value);

}  // namespace hallmark::pipeline
