#pragma once
/// Looks at an input before it is sent, so that a slip is named by its place and not by a service.

#include "aws/model.h"
#include "aws/value.h"

namespace hallmark::aws {

/// Throws `usage` with all that is wrong, the first ten in full, each with its path:
/// "BlockDeviceMappings[0].Ebs.VolumeSize: wants an integer, not a string". Values of enums are not
/// looked at: services learn new ones. Members that are filled by themselves may be missing.
void validate_input(const Operation& operation, const Value& input);

}  // namespace hallmark::aws
