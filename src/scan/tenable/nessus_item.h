#pragma once
/// What one check of Nessus reported, and what that means.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/finding.h"

namespace hallmark::scan::tenable {

/// One ReportItem as it stands in a .nessus file: of an element that repeats, all of them.
struct NessusItem {
  std::vector<std::pair<std::string, std::string>> attributes;
  /// Without the prefix of their name: "compliance-result".
  std::vector<std::pair<std::string, std::string>> elements;

  std::string_view attribute(std::string_view name) const;
  /// The first one; empty if there is none.
  std::string_view element(std::string_view name) const;
};

/// What a compliance check came to.
enum class RuleResult { none, passed, failed, undecided };
RuleResult rule_result(const NessusItem& item);

/// None for a rule that holds. One for each package that the output names, otherwise one.
std::vector<model::Finding> findings_of(const NessusItem& item);

/// The value behind "Name : value" on a line of an output; empty if there is none.
std::string_view line_value(std::string_view output, std::string_view name);

}  // namespace hallmark::scan::tenable
