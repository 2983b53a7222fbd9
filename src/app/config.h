#pragma once
/// The state directory and its optional config.yaml.

#include <string>
#include <vector>

#include "base/files.h"

namespace hallmark::app {

struct CloudConfig {
  std::string kind = "libvirt";
  /// Our account. Local clouds have no accounts of their own, so any 12 digits do.
  std::string account_id = "100000000001";
  std::vector<std::string> regions = {"us-east-1", "us-east-2", "us-west-2"};
  Path root;  ///< default: cloud in the state directory
};

struct Config {
  std::string database_url;  ///< default: hallmark.db in the state directory
  CloudConfig cloud;
};

/// --state, else $HALLMARK_STATE, else hallmark in $XDG_DATA_HOME, else in ~/.local/share.
/// Absolute. Throws `usage` if none of them can be told.
Path state_directory(const std::string& from_command_line);

/// <state>/config.yaml with defaults for what it does not say; all defaults without it. Throws
/// `usage` with every problem as file:line:column.
Config load_config(const Path& state);

}  // namespace hallmark::app
