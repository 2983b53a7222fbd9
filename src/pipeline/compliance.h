#pragma once
/// Does what runs come from an active golden image?

#include <string>
#include <vector>

#include "pipeline/context.h"

namespace hallmark::pipeline {

struct MachineCompliance {
  cloud::Machine machine;
  bool compliant = false;
  std::string reason;  ///< one sentence for people
};

/// Every machine at these places that is not terminated, against /GoldenAMI/latest there: exact
/// ids; a missing list means that nothing is golden. Machines that a run of Hallmark owns (builders
/// and test machines) are left out. Worst first.
std::vector<MachineCompliance> check_compliance(Context& context,
                                                const std::vector<cloud::Place>& places);

/// Our account and every account that is a target of an active image, in all regions.
std::vector<cloud::Place> known_places(Context& context);

void to_json(Json& json, const MachineCompliance& value);

}  // namespace hallmark::pipeline
