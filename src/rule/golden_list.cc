#include "rule/golden_list.h"

#include <set>

#include "base/text.h"

namespace hallmark::rule {

std::vector<std::string> listed_ids(std::string_view list) {
  std::vector<std::string> ids;
  std::set<std::string> seen;
  for (const std::string& part : split(list, ',')) {
    std::string id(trim(part));
    if (!id.empty() && seen.insert(id).second) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace hallmark::rule
