#pragma once
/// The files ~/.aws/config and ~/.aws/credentials, and the environment around them.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace hallmark::aws {

/// Keys in lower case. A nested block ("s3 =" and indented lines) gives "s3.addressing_style".
using Settings = std::map<std::string, std::string>;

/// The sections of an INI file as AWS tools write it, by name. Throws `usage` naming
/// `origin` and the line.
std::map<std::string, Settings> parse_ini(std::string_view text, std::string_view origin);

/// Words of a command line with a POSIX shell's quotes and backslashes. Throws `usage` on an open
/// quote.
std::vector<std::string> shell_words(std::string_view line);

/// A variable's value; nothing if it is not set. Tests bring their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// "true" in any case: how AWS's tools write switches in variables and settings.
bool is_true(const std::optional<std::string>& text);

struct Profiles {
  std::map<std::string, Settings> profiles;          ///< config, with credentials laid over it
  std::map<std::string, Settings> config_only;       ///< profiles as the config file has them
  std::map<std::string, Settings> credentials_only;  ///< and the credentials file
  std::map<std::string, Settings> sso_sessions;
  std::map<std::string, Settings> services;  ///< "ec2.endpoint_url" within each

  /// The profile to use: `given`, else AWS_DEFAULT_PROFILE, AWS_PROFILE, "default". Throws `usage`
  /// if one was named and does not exist.
  std::string choose(const std::string& given, const Environment& environment) const;
  std::optional<std::string> setting(const std::string& profile, const std::string& key) const;
};

/// Reads both files, where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say or under `home`.
/// Missing ones are empty.
Profiles load_profiles(const Environment& environment, const Path& home);

/// `path` with a leading "~" replaced.
Path expand_home(const std::string& path, const Path& home);

}  // namespace hallmark::aws
