#pragma once
/// Members of an answer that stand outside of its body.

#include <nlohmann/json_fwd.hpp>

#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// Members from headers and the status code. Throws `corrupt`, naming the header.
Value read_header_members(const Shape& shape, const Response& response);

}  // namespace hallmark::aws
