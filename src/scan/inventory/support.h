#pragma once
/// Until when a distribution's release gets security updates for everybody.

#include <string>

#include "model/inventory.h"

namespace hallmark::scan {

/// "2028-06-30"; empty if nothing is known of this release. For what os-release itself does not say
/// (SUPPORT_END).
std::string end_of_support(const model::Distribution& distribution);

}  // namespace hallmark::scan
