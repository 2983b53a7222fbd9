#pragma once
/// Commands run at a server (--server): sent as HTTP requests, their records shown here.

#include <string>

#include "cli/command.h"
#include "cli/command_line.h"

namespace hallmark::cli {

struct ServerAddress {
  std::string url;      ///< https://host:port; http:// only to this machine
  std::string token;    ///< empty: none
  std::string ca_file;  ///< certificates to trust instead of the system's; empty: the system's
};

/// Runs the command there. Throws the server's errors as they are thrown here, and `usage` for a
/// command that works on this machine only.
Outcome run_at_server(App& app, const Call& call, const ServerAddress& server);

}  // namespace hallmark::cli
