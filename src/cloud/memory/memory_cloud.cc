#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {

Properties MemoryCloud::properties() const {
  const MemoryOptions& options = world_->options();
  return {.name = "memory",
          .regions = options.regions,
          .account_id = options.account_id,
          .offline_builds = options.offline_builds,
          .native_tokens = true,
          .settle_time = options.settle_time};
}

// --- tags ---------------------------------------------------------------------------------------

Tags& MemoryCloud::tags_of(Call& call, const Place& place, const std::string& resource_id) {
  if (resource_id.starts_with("ami-")) return owned_image(call, place, resource_id).image.tags;
  if (resource_id.starts_with("i-")) return visible_machine(call, place, resource_id).machine.tags;
  throw Error(ErrorKind::usage, "\"{}\" is neither an image's id nor a machine's", resource_id);
}

void MemoryCloud::set_tags(const Place& place, const std::string& resource_id, const Tags& tags) {
  Call call = world_->enter("set_tags", place);
  Tags& present = tags_of(call, place, resource_id);
  for (const auto& [key, value] : tags) present[key] = value;
  call.changed();
  call.done();
}

void MemoryCloud::remove_tags(const Place& place, const std::string& resource_id,
                              const TagKeys& keys) {
  Call call = world_->enter("remove_tags", place);
  Tags& present = tags_of(call, place, resource_id);
  std::size_t removed = 0;
  for (const std::string& key : keys) removed += present.erase(key);
  if (removed > 0) call.changed();
  call.done();
}

// --- parameters ---------------------------------------------------------------------------------

std::optional<Parameter> MemoryCloud::get_parameter(const Place& place, const std::string& name) {
  Call call = world_->enter("get_parameter", place);
  std::optional<Parameter> parameter;
  const auto& here = call.state().parameters[place];
  if (auto found = here.find(name); found != here.end()) parameter = found->second;
  call.done();
  return parameter;
}

std::int64_t MemoryCloud::put_parameter(const Place& place, const std::string& name,
                                        const std::string& value, std::int64_t expected_version,
                                        ParameterKind kind) {
  check_parameter_name(name);
  check_parameter_value(name, value);
  Call call = world_->enter("put_parameter", place);
  auto& here = call.state().parameters[place];
  auto found = here.find(name);
  std::int64_t version = found == here.end() ? 0 : found->second.version;
  if (version != expected_version) {
    throw Error(ErrorKind::conflict, "parameter {} in {} is at version {}, not {}", name,
                to_string(place), version, expected_version);
  }
  if (kind == ParameterKind::image_id) usable_image(call, place, value);
  here[name] = {.name = name, .value = value, .version = version + 1};
  call.changed();
  call.done();
  return version + 1;
}

void MemoryCloud::remove_parameter(const Place& place, const std::string& name,
                                   std::int64_t expected_version) {
  Call call = world_->enter("remove_parameter", place);
  auto& here = call.state().parameters[place];
  if (auto found = here.find(name); found != here.end()) {
    if (found->second.version != expected_version) {
      throw Error(ErrorKind::conflict, "parameter {} in {} is at version {}, not {}", name,
                  to_string(place), found->second.version, expected_version);
    }
    here.erase(found);
    call.changed();
  }
  call.done();
}

std::vector<Parameter> MemoryCloud::list_parameters(const Place& place, const std::string& path) {
  Call call = world_->enter("list_parameters", place);
  std::vector<Parameter> parameters;
  for (const auto& [name, parameter] : call.state().parameters[place]) {
    if (name.starts_with(path)) parameters.push_back(parameter);
  }
  call.done();
  return parameters;
}

std::vector<ImageUse> MemoryCloud::list_image_uses(const Place& place) {
  Call call = world_->enter("list_image_uses", place);
  std::vector<ImageUse> uses = world_->image_uses(place);
  call.done();
  return uses;
}

}  // namespace hallmark::cloud
