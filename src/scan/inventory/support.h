#pragma once
/// Until when a distribution's release gets security updates for everybody.

#include <string>

#include "model/inventory.h"

namespace hallmark::scan {

/// "2028-06-30": the earlier of what os-release says (SUPPORT_END, if it is a day) and what is
/// known of this release; empty if neither says anything.
std::string end_of_support(const model::Distribution& distribution);

/// Whether its releases end at all: not those of a distribution that rolls on, nor what says no
/// version.
bool has_end_of_support(const model::Distribution& distribution);

}  // namespace hallmark::scan
