#pragma once
/// What a definition's criteria say: which tests of packages count in which release and in which
/// stream of a module.

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::scan {

/// A criterion, or criteria with others in them.
struct OvalNode {
  bool all = true;      ///< AND; else one of the children is enough
  std::string test;     ///< of a criterion
  std::string comment;  ///< "Oracle Linux 8 is installed", "Module nodejs:18 is enabled"
  std::vector<OvalNode> children;
};

struct OvalContext {
  /// Where the tests count; "elsewhere" stands for what is not compared here. Empty: not said.
  std::set<std::string> ecosystems;
  std::set<std::string> modules;  ///< of which one is enabled; empty: not said
};

/// Calls `take` with each criterion's test, and what all the criteria around it and beside it say
/// of release and module. Negated criteria are expected to be left out.
void walk_criteria(const OvalNode& root,
                   const std::function<void(const OvalNode&, const OvalContext&)>& take);

}  // namespace hallmark::scan
