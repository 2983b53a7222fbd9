#include "cloud/libvirt/machine_record.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::cloud::libvirt {
namespace {

struct KnownSize {
  std::string_view name;
  int cpus;
  int memory_mib;
};

// EC2's own figures would not fit on a laptop; what counts for a builder is that its work fits.
constexpr std::array kSizes = {
    KnownSize{"medium", 2, 1024},    KnownSize{"small", 1, 512},
    KnownSize{"large", 2, 2048},     KnownSize{"t2.micro", 1, 512},
    KnownSize{"t3.micro", 1, 512},   KnownSize{"t2.small", 1, 512},
    KnownSize{"t3.small", 1, 512},   KnownSize{"t2.medium", 2, 1024},
    KnownSize{"t3.medium", 2, 1024}, KnownSize{"t2.large", 2, 2048},
    KnownSize{"t3.large", 2, 2048},  KnownSize{"m4.large", 2, 2048},
    KnownSize{"m5.large", 2, 2048},
};

Path tombstone_of(const Path& directory) { return directory.string() + ".json"; }

std::optional<Json> read_json(const Path& file) {
  std::optional<std::string> text = read_file_if_exists(file);
  if (!text) return std::nullopt;
  return parse_json(*text, file.string());
}

}  // namespace

MachineSize machine_size(const std::string& name) {
  std::vector<std::string> known;
  for (const KnownSize& size : kSizes) {
    if (name == size.name || name.empty()) {
      return {std::string(size.name), size.cpus, size.memory_mib};
    }
    known.emplace_back(size.name);
  }
  Error error(ErrorKind::usage, "the local cloud has no machine size \"{}\"", name);
  std::optional<std::string> close = suggestion(name, known);
  error.hint(close ? "did you mean " + *close + "?" : "its sizes are " + join(known, ", "));
  throw error;
}

Json to_json(const MachineRecord& record) {
  Json json = {{"machine_id", record.machine_id},
               {"image_id", record.image_id},
               {"kind", std::string(to_string(record.kind))},
               {"size", record.size.name},
               {"cpus", record.size.cpus},
               {"memory_mib", record.size.memory_mib},
               {"name", record.name},
               {"account_id", record.account_id},
               {"region", record.region},
               {"uri", record.uri},
               {"runtime_directory", record.runtime_directory.string()},
               {"network", record.network},
               {"tags", record.tags},
               {"launched_at", to_rfc3339(record.launched_at)}};
  if (record.deadline) json["deadline"] = to_rfc3339(*record.deadline);
  return json;
}

MachineRecord machine_record_from(const Json& json) {
  MachineRecord record;
  record.machine_id = member<std::string>(json, "machine_id");
  record.image_id = member<std::string>(json, "image_id");
  record.kind = machine_kind_from(member<std::string>(json, "kind"));
  record.size = {member<std::string>(json, "size"), member<int>(json, "cpus"),
                 member<int>(json, "memory_mib")};
  record.name = member<std::string>(json, "name");
  record.account_id = member<std::string>(json, "account_id");
  record.region = member<std::string>(json, "region");
  record.uri = member<std::string>(json, "uri");
  record.runtime_directory = member<std::string>(json, "runtime_directory");
  record.network = member<bool>(json, "network");
  record.tags = member<Tags>(json, "tags");
  record.launched_at = from_rfc3339(member<std::string>(json, "launched_at"));
  if (json.contains("deadline")) {
    record.deadline = from_rfc3339(member<std::string>(json, "deadline"));
  }
  return record;
}

std::optional<MachineRecord> read_machine_record(const Path& directory) {
  std::optional<Json> json = read_json(directory / "machine.json");
  return json ? std::optional(machine_record_from(*json)) : std::nullopt;
}

void write_machine_record(const Path& directory, const MachineRecord& record) {
  write_file(directory / "machine.json", pretty(to_json(record)));
}

std::optional<MachineStatus> read_machine_status(const Path& directory) {
  std::optional<Json> json = read_json(directory / "state.json");
  if (!json) return std::nullopt;
  return MachineStatus{machine_state_from(member<std::string>(*json, "state")),
                       member<std::string>(*json, "reason")};
}

void write_machine_status(const Path& directory, const MachineStatus& status) {
  write_file(directory / "state.json",
             pretty({{"state", std::string(to_string(status.state))}, {"reason", status.reason}}));
}

Path guard_lock_file(const Path& directory) {
  return directory.parent_path().parent_path() / "locks" /
         (directory.filename().string() + ".guard.lock");
}

Path command_file(const Path& directory, const std::string& command_id) {
  return directory / "commands" / (command_id + ".json");
}

void bury_machine(const Path& directory, const MachineRecord& record, const std::string& reason) {
  Json json = to_json(record);
  json["reason"] = reason;
  write_file(tombstone_of(directory), pretty(json));
  hallmark::remove_all(directory);
  hallmark::remove_all(record.runtime_directory);
}

std::optional<MachineRecord> read_tombstone(const Path& directory, std::string& reason) {
  std::optional<Json> json = read_json(tombstone_of(directory));
  if (!json) return std::nullopt;
  reason = json->value("reason", "");
  return machine_record_from(*json);
}

Machine to_machine(const MachineRecord& record, const MachineStatus& status) {
  Machine machine;
  machine.machine_id = record.machine_id;
  machine.state = status.state;
  machine.state_reason = status.reason;
  machine.image_id = record.image_id;
  machine.kind = record.kind;
  machine.name = record.name;
  machine.account_id = record.account_id;
  machine.region = record.region;
  machine.tags = record.tags;
  machine.launched_at = record.launched_at;
  return machine;
}

}  // namespace hallmark::cloud::libvirt
