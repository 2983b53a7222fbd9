#include "cloud/memory/memory_launch_templates.h"

#include <algorithm>

namespace hallmark::cloud {

namespace {

using Call = MemoryWorld::Call;

MemoryTemplate* template_at(Call& call, const Place& place, const std::string& template_id) {
  auto found = call.state().templates.find(template_id);
  if (found == call.state().templates.end() || found->second.place != place) return nullptr;
  return &found->second;
}

MemoryTemplate& require_template(Call& call, const Place& place, const std::string& template_id) {
  if (MemoryTemplate* found = template_at(call, place, template_id)) return *found;
  throw Error(ErrorKind::not_found, "there is no launch template {} in {}", template_id,
              to_string(place));
}

bool has_version(const MemoryTemplate& record, std::int64_t version) {
  return std::any_of(record.versions.begin(), record.versions.end(),
                     [&](const TemplateVersion& each) { return each.version == version; });
}

void require_version(const MemoryTemplate& record, std::int64_t version) {
  if (has_version(record, version)) return;
  throw Error(ErrorKind::not_found, "launch template {} has no version {}",
              record.launch_template.name, version);
}

}  // namespace

std::optional<LaunchTemplate> MemoryLaunchTemplates::find_template(const Place& place,
                                                                   const std::string& name) {
  Call call = world_->enter("find_template", place);
  std::optional<LaunchTemplate> found;
  for (const auto& [id, record] : call.state().templates) {
    if (record.place == place && record.launch_template.name == name)
      found = record.launch_template;
  }
  call.done();
  return found;
}

std::vector<TemplateVersion> MemoryLaunchTemplates::list_template_versions(
    const Place& place, const std::string& template_id) {
  Call call = world_->enter("list_template_versions", place);
  const MemoryTemplate* record = template_at(call, place, template_id);
  auto versions = record ? record->versions : std::vector<TemplateVersion>{};
  call.done();
  return versions;
}

std::int64_t MemoryLaunchTemplates::add_template_version(const Place& place,
                                                         const std::string& template_id,
                                                         const TemplateVersionSpec& spec,
                                                         const std::string& token) {
  Call call = world_->enter("add_template_version", place);
  MemoryTemplate& record = require_template(call, place, template_id);
  std::string& made = call.state().tokens["add_template_version " + to_string(place) + " " + token];
  if (made.empty()) {
    require_version(record, spec.source_version);
    const std::int64_t version = ++record.newest_version;
    record.versions.push_back(
        {.version = version, .image_id = spec.image_id, .description = spec.description});
    made = std::to_string(version);
    call.changed();
  }
  const std::int64_t version = std::stoll(made);
  call.done();
  return version;
}

void MemoryLaunchTemplates::set_default_version(const Place& place, const std::string& template_id,
                                                std::int64_t version) {
  Call call = world_->enter("set_default_version", place);
  MemoryTemplate& record = require_template(call, place, template_id);
  require_version(record, version);
  if (record.launch_template.default_version != version) {
    record.launch_template.default_version = version;
    call.changed();
  }
  call.done();
}

void MemoryLaunchTemplates::remove_template_version(const Place& place,
                                                    const std::string& template_id,
                                                    std::int64_t version) {
  Call call = world_->enter("remove_template_version", place);
  MemoryTemplate* record = template_at(call, place, template_id);
  if (record && has_version(*record, version)) {
    if (record->launch_template.default_version == version) {
      throw Error(ErrorKind::conflict, "version {} of launch template {} is its default", version,
                  record->launch_template.name);
    }
    std::erase_if(record->versions,
                  [&](const TemplateVersion& each) { return each.version == version; });
    call.changed();
  }
  call.done();
}

void MemoryLaunchTemplates::tag_template(const Place& place, const std::string& template_id,
                                         const Tags& tags) {
  Call call = world_->enter("tag_template", place);
  Tags& present = require_template(call, place, template_id).launch_template.tags;
  const Tags before = present;
  for (const auto& [key, value] : tags) present[key] = value;
  if (present != before) call.changed();
  call.done();
}

}  // namespace hallmark::cloud
