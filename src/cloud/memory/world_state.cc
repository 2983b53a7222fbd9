#include "cloud/memory/world_state.h"

#include "base/text.h"
#include "cloud/image_json.h"

namespace hallmark::cloud {

namespace {

std::int64_t milliseconds(TimePoint time) { return time.time_since_epoch().count(); }
TimePoint time_of(std::int64_t count) { return TimePoint(Duration(count)); }

Json optional_time(const std::optional<TimePoint>& time) {
  return time ? Json(milliseconds(*time)) : Json();
}

std::optional<TimePoint> optional_time(const Json& json, std::string_view key) {
  if (member<Json>(json, key).is_null()) return std::nullopt;
  return time_of(member<std::int64_t>(json, key));
}

Json to_json(const MemoryImage& record) {
  Json json = image_to_json(record.image);
  json.update({{"shares", record.shares},
               {"key_ids", record.key_ids},
               {"disk", record.disk},
               {"failure", record.failure},
               {"looks", record.looks}});
  return json;
}

MemoryImage image_from(const Json& json) {
  MemoryImage record;
  record.image = image_from_json(json);
  record.shares = member<std::set<std::string>>(json, "shares");
  record.key_ids = member<std::set<std::string>>(json, "key_ids");
  record.disk = member<std::string>(json, "disk");
  record.failure = member<std::string>(json, "failure");
  record.looks = member<int>(json, "looks");
  return record;
}

Json to_json(const MemoryMachine& record) {
  const Machine& machine = record.machine;
  return {{"machine_id", machine.machine_id},
          {"state", to_string(machine.state)},
          {"state_reason", machine.state_reason},
          {"image_id", machine.image_id},
          {"kind", to_string(machine.kind)},
          {"name", machine.name},
          {"account_id", machine.account_id},
          {"region", machine.region},
          {"ip", machine.ip},
          {"reachable", machine.reachable},
          {"tags", machine.tags},
          {"launched_at", milliseconds(machine.launched_at)},
          {"disk", record.disk},
          {"deadline", optional_time(record.deadline)},
          {"looks", record.looks},
          {"phase_looks", record.phase_looks},
          {"phase_began", milliseconds(record.phase_began)}};
}

MemoryMachine machine_from(const Json& json) {
  MemoryMachine record;
  Machine& machine = record.machine;
  machine.machine_id = member<std::string>(json, "machine_id");
  machine.state = machine_state_from(member<std::string>(json, "state"));
  machine.state_reason = member<std::string>(json, "state_reason");
  machine.image_id = member<std::string>(json, "image_id");
  machine.kind = machine_kind_from(member<std::string>(json, "kind"));
  machine.name = member<std::string>(json, "name");
  machine.account_id = member<std::string>(json, "account_id");
  machine.region = member<std::string>(json, "region");
  machine.ip = member<std::string>(json, "ip");
  machine.reachable = member<bool>(json, "reachable");
  machine.tags = member<Tags>(json, "tags");
  machine.launched_at = time_of(member<std::int64_t>(json, "launched_at"));
  record.disk = member<std::string>(json, "disk");
  record.deadline = optional_time(json, "deadline");
  record.looks = member<int>(json, "looks");
  record.phase_looks = member<int>(json, "phase_looks");
  record.phase_began = time_of(member<std::int64_t>(json, "phase_began"));
  return record;
}

Json to_json(const MemoryCommand& record) {
  return {{"command_id", record.command_id},
          {"machine_id", record.machine_id},
          {"state", static_cast<int>(record.result.state)},
          {"exit_code", record.result.exit_code},
          {"output_truncated", record.result.output_truncated},
          {"executing", record.executing},
          {"looks", record.looks},
          {"time_limit", optional_time(record.time_limit)}};
}

MemoryCommand command_from(const Json& json) {
  MemoryCommand record;
  record.command_id = member<std::string>(json, "command_id");
  record.machine_id = member<std::string>(json, "machine_id");
  record.result.state = static_cast<CommandState>(member<int>(json, "state"));
  record.result.exit_code = member<int>(json, "exit_code");
  record.result.output_truncated = member<bool>(json, "output_truncated");
  record.executing = member<bool>(json, "executing");
  record.looks = member<int>(json, "looks");
  record.time_limit = optional_time(json, "time_limit");
  return record;
}

Json to_json(const UnitList& list) {
  Json states = Json::object();
  for (const auto& [account, state] : list.states) states[account] = static_cast<int>(state);
  return {{"accounts", list.accounts}, {"states", states}};
}

UnitList unit_list_from(const Json& json) {
  UnitList list{.accounts = member<std::map<std::string, std::set<std::string>>>(json, "accounts"),
                .states = {}};
  const Json states = member<Json>(json, "states");
  for (const auto& [account, state] : states.items()) {
    list.states[account] = static_cast<AccountState>(state.get<int>());
  }
  return list;
}

Json to_json(const MemoryTemplate& record) {
  const LaunchTemplate& about = record.launch_template;
  Json versions = Json::array();
  for (const TemplateVersion& version : record.versions) {
    versions.push_back({{"version", version.version},
                        {"image_id", version.image_id},
                        {"description", version.description}});
  }
  return {{"template_id", about.template_id},
          {"name", about.name},
          {"tags", about.tags},
          {"default_version", about.default_version},
          {"account_id", record.place.account_id},
          {"region", record.place.region},
          {"versions", versions},
          {"newest_version", record.newest_version}};
}

MemoryTemplate template_from(const Json& json) {
  MemoryTemplate record;
  record.launch_template = {.template_id = member<std::string>(json, "template_id"),
                            .name = member<std::string>(json, "name"),
                            .tags = member<Tags>(json, "tags"),
                            .default_version = member<std::int64_t>(json, "default_version")};
  record.place = {member<std::string>(json, "account_id"), member<std::string>(json, "region")};
  for (const Json& version : member<Json>(json, "versions")) {
    record.versions.push_back({.version = member<std::int64_t>(version, "version"),
                               .image_id = member<std::string>(version, "image_id"),
                               .description = member<std::string>(version, "description")});
  }
  record.newest_version = member<std::int64_t>(json, "newest_version");
  return record;
}

}  // namespace

Json world_state_to_json(const WorldState& state) {
  Json json = {{"images", Json::array()},        {"machines", Json::array()},
               {"commands", Json::array()},      {"parameters", Json::array()},
               {"tokens", state.tokens},         {"effects", state.effects},
               {"key_grants", state.key_grants}, {"units", to_json(state.units)},
               {"templates", Json::array()}};
  for (const auto& [id, record] : state.templates) json["templates"].push_back(to_json(record));
  for (const auto& [id, record] : state.images) json["images"].push_back(to_json(record));
  for (const auto& [id, record] : state.machines) json["machines"].push_back(to_json(record));
  for (const auto& [id, record] : state.commands) json["commands"].push_back(to_json(record));
  for (const auto& [place, parameters] : state.parameters) {
    for (const auto& [name, parameter] : parameters) {
      json["parameters"].push_back({{"account_id", place.account_id},
                                    {"region", place.region},
                                    {"name", name},
                                    {"value", base64_encode(parameter.value)},
                                    {"version", parameter.version}});
    }
  }
  json["archives"] = Json::object();
  for (const auto& [name, archive] : state.archives) {
    json["archives"][name] = {{"image", to_json(archive.image)}, {"looks", archive.looks}};
  }
  json["fast_launches"] = Json::object();
  for (const auto& [id, fast] : state.fast_launches) {
    json["fast_launches"][id] = {{"state", static_cast<int>(fast.state)}, {"looks", fast.looks}};
  }
  json["loose_snapshots"] = Json::object();
  for (const auto& [id, loose] : state.loose_snapshots) {
    json["loose_snapshots"][id] = {{"account_id", loose.place.account_id},
                                   {"region", loose.place.region},
                                   {"tags", loose.snapshot.tags},
                                   {"created_at", milliseconds(loose.snapshot.created_at)}};
  }
  return json;
}

WorldState world_state_from_json(const Json& json) {
  WorldState state;
  for (const Json& each : member<Json>(json, "images")) {
    MemoryImage record = image_from(each);
    state.images[record.image.image_id] = std::move(record);
  }
  for (const Json& each : member<Json>(json, "machines")) {
    MemoryMachine record = machine_from(each);
    state.machines[record.machine.machine_id] = std::move(record);
  }
  for (const Json& each : member<Json>(json, "commands")) {
    MemoryCommand record = command_from(each);
    state.commands[record.command_id] = std::move(record);
  }
  for (const Json& each : member<Json>(json, "parameters")) {
    Parameter parameter{.name = member<std::string>(each, "name"),
                        .value = base64_decode(member<std::string>(each, "value")),
                        .version = member<std::int64_t>(each, "version")};
    Place place{member<std::string>(each, "account_id"), member<std::string>(each, "region")};
    state.parameters[place][parameter.name] = parameter;
  }
  state.key_grants = member<std::map<std::string, std::set<std::string>>>(json, "key_grants");
  // Named, for they must outlive the loops.
  const Json archives = member<Json>(json, "archives");
  const Json fast_launches = member<Json>(json, "fast_launches");
  const Json loose_snapshots = member<Json>(json, "loose_snapshots");
  for (const auto& [name, each] : archives.items()) {
    state.archives[name] = {image_from(member<Json>(each, "image")), member<int>(each, "looks")};
  }
  for (const auto& [id, each] : fast_launches.items()) {
    state.fast_launches[id] = {static_cast<FastLaunchState>(member<int>(each, "state")),
                               member<int>(each, "looks")};
  }
  for (const auto& [id, each] : loose_snapshots.items()) {
    state.loose_snapshots[id] = {
        {member<std::string>(each, "account_id"), member<std::string>(each, "region")},
        {.snapshot_id = id,
         .tags = member<Tags>(each, "tags"),
         .created_at = time_of(member<std::int64_t>(each, "created_at"))}};
  }
  state.units = unit_list_from(member<Json>(json, "units"));
  for (const Json& each : member<Json>(json, "templates")) {
    MemoryTemplate record = template_from(each);
    state.templates[record.launch_template.template_id] = std::move(record);
  }
  state.tokens = member<std::map<std::string, std::string>>(json, "tokens");
  state.effects = member<std::map<std::string, int>>(json, "effects");
  return state;
}

}  // namespace hallmark::cloud
