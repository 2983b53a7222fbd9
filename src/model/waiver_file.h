#pragma once
/// Loading and checking a file of waivers: findings that somebody answers for, for a while.

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/policy.h"
#include "model/yaml_document.h"

namespace hallmark::model {

/// Every waiver of the text, also those whose end has come: that they count as none is the gate's
/// business, and it says so. Adds a problem for everything that is wrong: unknown keys, ids that
/// are neither a CVE's nor a scanner's, two waivers for one thing, dates that are none.
std::vector<Waiver> read_waivers(std::string_view text, std::vector<Problem>& problems);

/// The JSON Schema of the file, for editors.
std::string_view waivers_schema();

}  // namespace hallmark::model
