#pragma once
/// Named, versioned settings that machines are launched with: EC2's launch templates. A cloud
/// without them has no LaunchTemplates. The common rules of cloud/cloud.h hold here too.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::cloud {

struct LaunchTemplate {
  std::string template_id;  ///< "lt-0123456789abcdef0"
  std::string name;
  Tags tags;
  std::int64_t default_version = 0;
};

struct TemplateVersion {
  std::int64_t version = 0;  ///< 1 is the first
  std::string image_id;      ///< empty if it leaves the image to whoever launches
  std::string description;
};

/// What a version is made of: another one with another image.
struct TemplateVersionSpec {
  std::int64_t source_version = 0;
  std::string image_id;
  std::string description;  ///< 255 characters at most
};

class LaunchTemplates {
 public:
  virtual ~LaunchTemplates() = default;
  virtual std::optional<LaunchTemplate> find_template(const Place& place,
                                                      const std::string& name) = 0;
  /// Oldest first. Empty if there is no such template.
  virtual std::vector<TemplateVersion> list_template_versions(const Place& place,
                                                              const std::string& template_id) = 0;
  /// Returns its number. Throws `not_found`.
  virtual std::int64_t add_template_version(const Place& place, const std::string& template_id,
                                            const TemplateVersionSpec& spec,
                                            const std::string& token) = 0;
  /// Throws `not_found`.
  virtual void set_default_version(const Place& place, const std::string& template_id,
                                   std::int64_t version) = 0;
  /// Throws `conflict` if it is the default version.
  virtual void remove_template_version(const Place& place, const std::string& template_id,
                                       std::int64_t version) = 0;
  /// Adds or overwrites. Throws `not_found`.
  virtual void tag_template(const Place& place, const std::string& template_id,
                            const Tags& tags) = 0;
};

/// 3-128 of A-Z a-z 0-9 ( ) . / _ - (Amazon EC2 API Reference, CreateLaunchTemplate). Throws
/// `usage`.
void check_template_name(const std::string& name);

}  // namespace hallmark::cloud
