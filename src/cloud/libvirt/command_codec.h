#pragma once
/// Commands as they travel between a caller and a machine's guard.

#include "base/json.h"
#include "cloud/cloud.h"

namespace hallmark::cloud::libvirt {

/// Output is base64: it may be any bytes.
Json to_json(const CommandSpec& spec);
CommandSpec command_spec_from(const Json& json);
Json to_json(const CommandStatus& status);
CommandStatus command_status_from(const Json& json);

/// Command ids become file names. Throws `not_found` for what cannot be one of ours.
void check_command_id(const std::string& command_id);

}  // namespace hallmark::cloud::libvirt
