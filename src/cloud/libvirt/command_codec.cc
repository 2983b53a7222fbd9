#include "cloud/libvirt/command_codec.h"

#include "base/error.h"
#include "base/text.h"
#include "cloud/libvirt/store_layout.h"

namespace hallmark::cloud::libvirt {

Json to_json(const CommandSpec& spec) {
  Json environment = Json::object();
  // Nobody but the guard reads this, and it keeps it in memory: here both kinds travel alike.
  for (const auto* variables : {&spec.environment, &spec.secrets}) {
    for (const auto& [name, value] : *variables) environment[name] = base64_encode(value);
  }
  return {{"script", base64_encode(spec.script)},
          {"environment", environment},
          {"time_limit_ms", spec.time_limit.count()},
          {"output_limit_bytes", spec.output_limit_bytes}};
}

CommandSpec command_spec_from(const Json& json) {
  CommandSpec spec;
  spec.script = base64_decode(member<std::string>(json, "script"));
  for (const auto& [name, value] :
       member<std::map<std::string, std::string>>(json, "environment")) {
    spec.environment[name] = base64_decode(value);
  }
  spec.time_limit = Duration(member<std::int64_t>(json, "time_limit_ms"));
  spec.output_limit_bytes = member<std::uint64_t>(json, "output_limit_bytes");
  return spec;
}

Json to_json(const CommandStatus& status) {
  return {{"state", std::string(to_string(status.state))},
          {"exit_code", status.exit_code},
          {"output", base64_encode(status.output)},
          {"output_offset", status.output_offset},
          {"output_truncated", status.output_truncated}};
}

CommandStatus command_status_from(const Json& json) {
  CommandStatus status;
  std::string state = member<std::string>(json, "state");
  for (CommandState known : {CommandState::running, CommandState::finished, CommandState::timed_out,
                             CommandState::interrupted}) {
    if (to_string(known) == state) status.state = known;
  }
  status.exit_code = member<int>(json, "exit_code");
  status.output = base64_decode(member<std::string>(json, "output"));
  status.output_offset = member<std::uint64_t>(json, "output_offset");
  status.output_truncated = member<bool>(json, "output_truncated");
  return status;
}

void check_command_id(const std::string& command_id) {
  if (!is_id(command_id, "cmd")) {
    throw Error(ErrorKind::not_found, "command {} does not exist", command_id);
  }
}

}  // namespace hallmark::cloud::libvirt
