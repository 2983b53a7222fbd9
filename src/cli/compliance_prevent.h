#pragma once
/// Commands that do something about what is not compliant.

#include "cli/app.h"
#include "cli/command.h"

namespace hallmark::cli {

/// Throws `usage` where the cloud has none.
cloud::Enforcement& enforcement_of(App& app);

/// hallmark compliance prevent.
Command prevent_command();

/// hallmark compliance remediate; in compliance_remediate.cc.
Command remediate_command();

}  // namespace hallmark::cli
