#pragma once
/// hallmark server, token, login, and notice send; app/commands.cc puts them into the one list.

#include <vector>

#include "cli/command.h"
#include "notify/desk.h"
#include "server/oidc.h"

namespace hallmark::server {

/// Opens what tells the receivers of config.yaml. The app must outlive it.
using DeskOf = std::function<notify::Desk(cli::App&)>;
/// `server` of config.yaml.
struct Settings {
  std::optional<OidcConfig> oidc;  ///< who else may say who somebody is
  bool allow_private = false;      ///< what callers name may be fetched from private networks
};
using SettingsOf = std::function<Settings(cli::App&)>;

/// `table` is asked when they run, as they are in the table.
std::vector<cli::Command> server_commands(const cli::CommandTable& (*table)(),
                                          const DeskOf& desk_of, const SettingsOf& settings_of);
std::vector<cli::Command> send_commands(const DeskOf& desk_of);
std::vector<cli::Command> token_commands();
std::vector<cli::Command> login_commands();
/// `hallmark internal openapi` makes docs/openapi.json.
cli::Command openapi_command(const cli::CommandTable& (*table)());

}  // namespace hallmark::server
