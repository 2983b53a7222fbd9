#pragma once
/// The launch templates of a memory cloud's world, see MemoryWorld::make_template.

#include <memory>

#include "cloud/launch_templates.h"
#include "cloud/memory/world.h"

namespace hallmark::cloud {

class MemoryLaunchTemplates : public LaunchTemplates {
 public:
  explicit MemoryLaunchTemplates(std::shared_ptr<MemoryWorld> world) : world_(std::move(world)) {}

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
  std::shared_ptr<MemoryWorld> world_;
};

}  // namespace hallmark::cloud
