#pragma once
/// `server.oidc` of config.yaml: who else may say who somebody is.

#include <optional>

#include "cli/app.h"
#include "server/oidc.h"

namespace hallmark::app {

/// Nothing without such a section. Throws `usage`, naming file and member.
std::optional<server::OidcConfig> read_oidc(cli::App& app);

}  // namespace hallmark::app
