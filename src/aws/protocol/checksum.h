#pragma once
/// Checksums that some operations want with their bodies.

#include "aws/message.h"
#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// With an algorithm in the input: X-Amz-Checksum-<algorithm>; else, if the operation wants one at
/// all: Content-MD5. A checksum that the input brings is left alone. Throws `usage` for an
/// algorithm that we do not have.
void add_checksum(const Operation& operation, const Value& input, Request& request);

}  // namespace hallmark::aws
