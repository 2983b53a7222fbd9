#pragma once
/// Hooks around any LaunchTemplates, as hooked_cloud.h puts them around a cloud.

#include <memory>

#include "cloud/hooks/call_hook.h"
#include "cloud/launch_templates.h"

namespace hallmark::cloud {

/// Forwards to `inner` through all `hooks`.
class HookedLaunchTemplates : public LaunchTemplates {
 public:
  HookedLaunchTemplates(std::shared_ptr<LaunchTemplates> inner, CallHooks hooks)
      : inner_(std::move(inner)), hooks_(std::move(hooks)) {}

  std::optional<LaunchTemplate> find_template(const Place& place, const std::string& name) override;
  std::vector<TemplateVersion> list_template_versions(const Place& place,
                                                      const std::string& template_id) override;
  std::int64_t add_template_version(const Place& place, const std::string& template_id,
                                    const TemplateVersionSpec& spec,
                                    const std::string& token) override;
  void set_default_version(const Place& place, const std::string& template_id,
                           std::int64_t version) override;
  void remove_template_version(const Place& place, const std::string& template_id,
                               std::int64_t version) override;
  void tag_template(const Place& place, const std::string& template_id, const Tags& tags) override;

 private:
  std::shared_ptr<LaunchTemplates> inner_;
  CallHooks hooks_;
};

}  // namespace hallmark::cloud
