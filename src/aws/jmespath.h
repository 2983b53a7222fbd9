#pragma once
/// The part of JMESPath that paginators and waiters of AWS are written in: fields, [], [n], ||,
/// comparisons, length(), literals. https://jmespath.org/specification.html

#include <string_view>

#include "aws/value.h"

namespace hallmark::aws {

/// What `expression` finds in `value`; null for nothing. Throws `corrupt` for an expression beyond
/// that part.
Value find_by_path(std::string_view expression, const Value& value);

/// JMESPath's notion of truth: not null, not false, not empty.
bool is_truth(const Value& value);

}  // namespace hallmark::aws
