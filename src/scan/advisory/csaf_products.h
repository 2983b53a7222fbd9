#pragma once
/// What the product ids of a CSAF document stand for.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scan/advisory/json_feed.h"

namespace hallmark::scan {

/// A platform, or a package with perhaps its version.
struct CsafProduct {
  std::string ecosystem;  ///< of a platform; empty: none, or not compared here
  bool is_platform = false;
  std::string package, version, module;
  bool of_source = false;
};

/// From the product tree: branches, full names, relationships and groups.
class CsafProducts {
 public:
  /// Forgets what it knew.
  void read(const json::element& tree);
  /// Null if the tree has none of that id.
  const CsafProduct* find(std::string_view id) const;
  /// The products that `entry` means, by "product_ids" and "group_ids"; without either none.
  std::vector<std::string_view> named_by(const json::element& entry) const;

 private:
  void take_branches(const json::array& branches, int depth);
  void take_name(const json::element& name);
  void take_relation(const json::element& relation);

  std::map<std::string, CsafProduct, std::less<>> products_;
  std::map<std::string, std::vector<std::string>, std::less<>> groups_;
};

}  // namespace hallmark::scan
