#pragma once
/// What exists in a memory cloud, as plain records, and how it is written to a file.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/json.h"
#include "cloud/cloud.h"
#include "cloud/image_services.h"
#include "cloud/launch_templates.h"
#include "cloud/organizations.h"

namespace hallmark::cloud {

struct MemoryImage {
  Image image;                    ///< its state is derived, see MemoryWorld
  std::set<std::string> shares;   ///< accounts and units
  std::set<std::string> key_ids;  ///< of its volumes; empty: it is not encrypted
  std::string disk;               ///< file name in the world's directory of disks
  std::string failure;            ///< if not empty it ends as `failed` for this reason
  int looks = 0;                  ///< how often somebody looked at it
};

struct MemoryMachine {
  Machine machine;
  std::string disk;
  std::optional<TimePoint> deadline;
  int looks = 0;        ///< since it was launched: hides it at first
  int phase_looks = 0;  ///< since its state last changed
  TimePoint phase_began{};
};

struct MemoryCommand {
  std::string command_id;
  std::string machine_id;
  /// As the executor returned it, with the whole output. `running`: it hangs until something ends
  /// it.
  CommandStatus result;
  bool executing = false;  ///< the executor has not returned yet
  int looks = 0;
  std::optional<TimePoint> time_limit;
};

/// As the image was when it was stored.
struct MemoryArchive {
  MemoryImage image;
  int looks = 0;
};

struct MemoryFastLaunch {
  FastLaunchState state = FastLaunchState::off;
  int looks = 0;  ///< since it last changed
};

struct MemorySnapshot {
  Place place;
  LooseSnapshot snapshot;
};

struct MemoryTemplate {
  LaunchTemplate launch_template;
  Place place;
  std::vector<TemplateVersion> versions;  ///< oldest first
  std::int64_t newest_version = 0;        ///< that was ever made
};

struct WorldState {
  std::map<std::string, MemoryImage> images;
  std::map<std::string, MemoryMachine> machines;
  std::map<std::string, MemoryCommand> commands;
  std::map<Place, std::map<std::string, Parameter>> parameters;
  /// "{place} {key} {image}" -> accounts that may use the key for it
  std::map<std::string, std::set<std::string>> key_grants;
  std::map<std::string, MemoryArchive> archives;          ///< "{region} {bucket} {object}"
  std::map<std::string, MemoryFastLaunch> fast_launches;  ///< by image
  std::map<std::string, MemorySnapshot> loose_snapshots;
  UnitList units;
  std::map<std::string, MemoryTemplate> templates;
  std::map<std::string, std::string> tokens;  ///< operation, place and token -> id
  std::map<std::string, int> effects;         ///< operation -> how often it changed something
};

Json world_state_to_json(const WorldState& state);
/// Throws `corrupt`.
WorldState world_state_from_json(const Json& json);

}  // namespace hallmark::cloud
