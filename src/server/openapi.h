#pragma once
/// The API described for others: OpenAPI 3.1, made from the list of commands.

#include "base/json.h"
#include "cli/command.h"

namespace hallmark::server {

Json openapi(const cli::CommandTable& commands);

}  // namespace hallmark::server
