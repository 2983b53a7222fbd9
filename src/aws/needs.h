#pragma once
/// What a user of the models cannot do without: older ones lack members that services learned
/// later.

#include <span>
#include <string_view>

#include "aws/model.h"

namespace hallmark::aws {

struct Need {
  std::string_view service;    ///< "ec2"
  std::string_view operation;  ///< "CopyImage"
  std::string_view member;     ///< of its input: "TagSpecifications"; empty: the operation itself
};

/// Whether the models have it.
bool knows(ModelLibrary& models, const Need& need);

/// Throws `usage` naming all that is missing, where the models come from, and what to do. Reads the
/// models of the services that are named.
void require(ModelLibrary& models, std::span<const Need> needs);

}  // namespace hallmark::aws
