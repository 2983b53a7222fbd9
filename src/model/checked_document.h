#pragma once
/// What files of things that somebody answers for, waivers and exemptions, have in common.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/yaml_document.h"

namespace hallmark::model {

/// The document if it follows the schema, else nothing and a problem for everything that is wrong.
std::optional<YamlDocument> read_checked(std::string_view text, const Json& schema,
                                         std::vector<Problem>& problems);

/// "2026-12-31" ends with that day, in UTC; a time (RFC 3339) is meant as it is. Throws `corrupt`.
TimePoint end_of(const std::string& date);
/// The last day that counts: what an end was written as.
std::string last_day_of(TimePoint end);

}  // namespace hallmark::model
