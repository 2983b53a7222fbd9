#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/work.h"

namespace hallmark::pipeline {
namespace {

constexpr std::array<std::string_view, 7> kWork = {"reassess",  "compliance", "retire", "build",
                                                   "remediate", "prevent",    "rebuild"};

}  // namespace

std::string_view to_string(ScheduledWork work) { return kWork.at(static_cast<std::size_t>(work)); }

ScheduledWork scheduled_work_from(std::string_view text) {
  const auto known = std::find(kWork.begin(), kWork.end(), text);
  if (known == kWork.end()) {
    throw Error(ErrorKind::usage, "\"{}\" cannot be scheduled", text)
        .hint("one of: " + join(std::vector<std::string>(kWork.begin(), kWork.end()), ", "));
  }
  return static_cast<ScheduledWork>(known - kWork.begin());
}

}  // namespace hallmark::pipeline
