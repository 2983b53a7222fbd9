#pragma once
/// What the facts of an inventory mean for a golden image. Pure.

#include <stop_token>
#include <vector>

#include "base/clock.h"
#include "model/assessment.h"

namespace hallmark::scan {

/// One finding of kind `compliance` for each fact that should not be, and for the kernel that is
/// started though a newer one is installed. Ids are stable: "hardening:<rule>:<path>", with the
/// detail where a file says several things. Facts that an ordinary system has (setuid files that
/// distributions deliver) are none. Sorted by id.
std::vector<model::Finding> hardening_findings(const model::Inventory& inventory);

/// Adds them to an assessment of the same inventory, and an end of support that has passed: that is
/// a finding and a gap, because advisories that no longer come prove nothing. An end that nobody
/// knows is a gap too.
void add_hardening(model::Assessment& assessment, const model::Inventory& inventory, TimePoint now);

/// The same scanner, whose every assessment has them.
template <typename Assess>
auto with_hardening(Assess assess, Clock& clock) {
  return [assess, &clock](const model::Inventory& inventory, std::stop_token stop) {
    model::Assessment assessment = assess(inventory, stop);
    add_hardening(assessment, inventory, clock.now());
    return assessment;
  };
}

}  // namespace hallmark::scan
