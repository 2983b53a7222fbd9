#include "cloud/hooks/hooked_launch_templates.h"

namespace hallmark::cloud {

std::optional<LaunchTemplate> HookedLaunchTemplates::find_template(const Place& place,
                                                                   const std::string& name) {
  return forward_call(hooks_, {.operation = "find_template", .place = place, .subject_id = name},
                      [&] { return inner_->find_template(place, name); });
}

std::vector<TemplateVersion> HookedLaunchTemplates::list_template_versions(
    const Place& place, const std::string& template_id) {
  return forward_call(
      hooks_, {.operation = "list_template_versions", .place = place, .subject_id = template_id},
      [&] { return inner_->list_template_versions(place, template_id); });
}

std::int64_t HookedLaunchTemplates::add_template_version(const Place& place,
                                                         const std::string& template_id,
                                                         const TemplateVersionSpec& spec,
                                                         const std::string& token) {
  return forward_call(
      hooks_,
      {.operation = "add_template_version",
       .place = place,
       .subject_id = template_id,
       .mutating = true},
      [&] { return inner_->add_template_version(place, template_id, spec, token); });
}

void HookedLaunchTemplates::set_default_version(const Place& place, const std::string& template_id,
                                                std::int64_t version) {
  forward_call(hooks_,
               {.operation = "set_default_version",
                .place = place,
                .subject_id = template_id,
                .mutating = true},
               [&] { inner_->set_default_version(place, template_id, version); });
}

void HookedLaunchTemplates::remove_template_version(const Place& place,
                                                    const std::string& template_id,
                                                    std::int64_t version) {
  forward_call(hooks_,
               {.operation = "remove_template_version",
                .place = place,
                .subject_id = template_id,
                .mutating = true},
               [&] { inner_->remove_template_version(place, template_id, version); });
}

void HookedLaunchTemplates::tag_template(const Place& place, const std::string& template_id,
                                         const Tags& tags) {
  forward_call(
      hooks_,
      {.operation = "tag_template", .place = place, .subject_id = template_id, .mutating = true},
      [&] { inner_->tag_template(place, template_id, tags); });
}

}  // namespace hallmark::cloud
