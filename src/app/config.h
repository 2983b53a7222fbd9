#pragma once
/// The state directory and its optional config.yaml.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "model/pipeline.h"
#include "pipeline/schedules.h"
#include "pipeline/triggers.h"
#include "scan/advisory/store.h"

namespace hallmark::app {

/// Where machines stand in one AWS region; see cloud/aws/aws_cloud.h.
struct AwsRegionConfig {
  std::vector<std::string> subnets;
  std::vector<std::string> security_groups;
  std::string bucket;
  std::string kms_key;
};

struct AwsConfig {
  std::string profile;       ///< empty: the environment's
  std::string endpoint_url;  ///< for another party's endpoints; empty: AWS's
  /// Of the role in every other account that Hallmark works in.
  std::string child_role = "goldenAMICrossAccountRole";
  std::string external_id;
  std::string instance_profile;
  std::vector<std::string> instance_types;  ///< empty: the cloud's own choice
  std::map<std::string, AwsRegionConfig> regions;
};

struct CloudConfig {
  std::string kind = "libvirt";  ///< or "aws"
  /// Our account. Local clouds have no accounts of their own, so any 12 digits do.
  std::string account_id = "100000000001";
  std::vector<std::string> regions = {"us-east-1", "us-east-2", "us-west-2"};
  Path root;  ///< of libvirt; default: cloud in the state directory
  std::map<std::string, std::set<std::string>> units;  ///< of libvirt: ARN -> accounts
  std::map<std::string, std::string> uris;             ///< of libvirt: region -> its host's URI
  AwsConfig aws;
};

/// What is known of exploitation, as scan/exploits.h takes it; paths are absolute.
struct ExploitsConfig {
  std::string kev;
  std::string epss;
};

struct Config {
  Path file;  ///< <state>/config.yaml, whether it exists or not
  /// HALLMARK_DB, or what config.yaml says, or hallmark.db in the state directory.
  std::string database_url;
  CloudConfig cloud;
  /// By name; each follows the schema of its kind in schema/scanners.schema.json.
  std::map<std::string, Json> scanners;
  ExploitsConfig exploits;
  model::InventorySettings inventory;  ///< of all images; a pipeline may only switch more off
  scan::AdvisoryConfig advisories;     ///< paths are absolute
  std::vector<pipeline::Schedule> schedules;
  std::vector<pipeline::Trigger> triggers;
  std::string server_url;  ///< of the page, without a slash at its end; empty: not said
  Json oidc;               ///< see server_config.h; null: none
  bool server_allow_private = false;
  Json notices = Json::object();  ///< by name; see notify_config.h
};

/// --state, else $HALLMARK_STATE, else hallmark in $XDG_DATA_HOME, else in ~/.local/share.
/// Absolute. Throws `usage` if none of them can be told.
Path state_directory(const std::string& from_command_line);

/// <state>/config.yaml with defaults for what it does not say; all defaults without it. Throws
/// `usage` with every problem as file:line:column.
Config load_config(const Path& state);

/// Whether <state>/config.yaml has a member `cloud`. Throws `usage` if it cannot be read.
bool has_cloud_section(const Path& state);

/// Appends `section`, which is the text of a member `cloud`, to <state>/config.yaml, making the
/// file if it is missing. Returns the file. Throws `conflict` if it has such a member.
Path add_cloud_section(const Path& state, const std::string& section);

}  // namespace hallmark::app
