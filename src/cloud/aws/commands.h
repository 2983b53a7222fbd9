#pragma once
/// Commands through Systems Manager (AWS-RunShellScript, AWS-RunPowerShellScript).
///
/// SendCommand knows no token, so each command carries its token as its comment, by which it is
/// found again, and a script around the user's own, which does nothing if it is started twice. AWS
/// Systems Manager User Guide, "Rebooting managed node from scripts" (exit codes 194 and 3010),
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

/// Scripts that are too long for Systems Manager stand below this prefix in the region's bucket,
/// one object for each, as long as secrets do. A machine fetches its own by a URL signed for it.
inline constexpr const char* kScriptsPrefix = "hallmark/commands/scripts/";
void remove_scripts(const Session& session, const Place& place, const std::string& machine_id);

/// The script that Systems Manager is given; see run_command.sh and run_command.ps1. Holds no
/// secret. With a `script_url` it does not hold the command's script either, only its digest.
std::string command_text(const CommandSpec& spec, const Place& place, const std::string& token,
                         const std::string& secrets_parameter, const std::string& script_url = "");

}  // namespace hallmark::cloud::on_aws
