#pragma once
/// What is written down about a machine, in `machines/<machine id>/`:
///   machine.json  what it is: written by launch_machine, tags changed later under the machine's
///   lock state.json    how it stands: written by its guard only base.qcow2, disk.qcow2 (boot) or
///   disk.raw (offline), console.log, guard.log, commands/
/// A machine that is gone leaves `machines/<machine id>.json` behind for a while, so that
/// its token does not launch it again.

#include <optional>

#include "base/json.h"
#include "cloud/libvirt/store_layout.h"

namespace hallmark::cloud::libvirt {

struct MachineSize {
  std::string name;
  int cpus = 2;
  int memory_mib = 1024;
};

/// Our own names (small, medium, large) and those of EC2 that templates mention, so that a pipeline
/// file works here and there. Empty is the default. Throws `usage` with a suggestion.
MachineSize machine_size(const std::string& name);

struct MachineRecord {
  std::string machine_id;
  std::string image_id;
  MachineKind kind = MachineKind::boot;
  MachineSize size;
  std::string name;
  std::string account_id;
  std::string region;
  std::string uri;         ///< empty: the embedded driver
  Path runtime_directory;  ///< short-lived things with short names: libvirt's sockets
  std::optional<TimePoint> deadline;
  bool network = true;
  Tags tags;
  TimePoint launched_at{};
};

struct MachineStatus {
  MachineState state = MachineState::pending;
  std::string reason;
};

Json to_json(const MachineRecord& record);
MachineRecord machine_record_from(const Json& json);

/// Files of a machine's directory.
std::optional<MachineRecord> read_machine_record(const Path& directory);
void write_machine_record(const Path& directory, const MachineRecord& record);
/// Nothing if no guard has written any yet.
std::optional<MachineStatus> read_machine_status(const Path& directory);
void write_machine_status(const Path& directory, const MachineStatus& status);

/// Held by the machine's guard as long as it lives. It lies outside of the machine's directory, so
/// that waiting for it never brings a removed directory back.
Path guard_lock_file(const Path& directory);
/// How the last guard left a command: written when it started and when it ended.
Path command_file(const Path& directory, const std::string& command_id);

/// Replaces the machine's directory by a tombstone. `reason` is kept in it.
void bury_machine(const Path& directory, const MachineRecord& record, const std::string& reason);
/// Reads the tombstone of the machine whose directory would be `directory`.
std::optional<MachineRecord> read_tombstone(const Path& directory, std::string& reason);

Machine to_machine(const MachineRecord& record, const MachineStatus& status);

}  // namespace hallmark::cloud::libvirt
