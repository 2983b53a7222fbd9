#pragma once
/// Commands through Systems Manager (AWS-RunShellScript).
///
/// SendCommand knows no token, so each command carries its token as its comment, by which it is
/// found again, and a script around the user's own, which does nothing if it is started twice. AWS
/// Systems Manager User Guide, "Rebooting managed node from scripts" (exit code 194),
/// "Understanding command statuses", "Viewing command output".

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// The functions of cloud/cloud.h with the same names; see there. Output is there when the command
/// has ended.
std::string start_command(const Session& session, const Place& place, const std::string& machine_id,
                          const CommandSpec& spec, const std::string& token);
CommandStatus read_command(const Session& session, const Place& place,
                           const std::string& machine_id, const std::string& command_id,
                           std::uint64_t output_offset, Duration wait, std::stop_token stop);
void cancel_command(const Session& session, const Place& place, const std::string& machine_id,
                    const std::string& command_id);

/// Secrets of commands travel in SecureString parameters below this path, one for each, which go
/// when the command has ended, at the latest with the machine.
inline constexpr const char* kSecretsPath = "/hallmark/commands/";
void remove_secrets(const Session& session, const Place& place, const std::string& machine_id);

/// The script that Systems Manager is given; see run_command.sh. Holds no secret.
std::string command_text(const CommandSpec& spec, const Place& place, const std::string& token,
                         const std::string& secrets_parameter);

}  // namespace hallmark::cloud::on_aws
