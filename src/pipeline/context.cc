#include "pipeline/context.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::pipeline {

cloud::Place Context::home(const std::string& region) const {
  cloud::Properties properties = cloud.properties();
  if (properties.regions.empty()) throw Error(ErrorKind::usage, "the cloud has no region");
  if (region.empty()) return {properties.account_id, properties.regions.front()};
  if (std::find(properties.regions.begin(), properties.regions.end(), region) ==
      properties.regions.end()) {
    Error error(ErrorKind::usage, "region {} is not one of this cloud's: {}", region,
                join(properties.regions, ", "));
    if (auto close = suggestion(region, properties.regions)) error.hint("did you mean " + *close);
    throw error;
  }
  return {properties.account_id, region};
}

}  // namespace hallmark::pipeline
