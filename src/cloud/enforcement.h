#pragma once
/// What a cloud itself does about images that are not golden: it keeps verdicts for others to see,
/// and refuses launches. AWS Config, EC2's Allowed AMIs and declarative policies of AWS
/// Organizations. A cloud without any of it has no Enforcement.

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::cloud {

/// On all of a place.
enum class PlaceCompliance { compliant, non_compliant, not_applicable };

struct PlaceVerdict {
  PlaceCompliance compliance = PlaceCompliance::non_compliant;
  std::string text;  ///< for people; the cloud may cut it
  TimePoint at{};    ///< when it was found
};

/// What a place does with launches of images that are not allowed there.
enum class LaunchMode {
  disabled,  ///< nothing
  audit,     ///< lets them, and marks the images
  enabled,   ///< refuses them
};
std::string_view to_string(LaunchMode mode);  ///< "disabled", "audit", "enabled"
/// The inverse; throws `corrupt`.
LaunchMode launch_mode_from(std::string_view text);

/// An image is allowed that fits all of one rule. Lists are sorted.
struct LaunchRule {
  std::vector<std::string> owners;  ///< account ids, or the cloud's words for many of them
  std::vector<std::string> names;   ///< empty: any; * and ? are wildcards
  /// "{account}:{name}", one of which it carries; empty: any, or none. See Image::watermarks.
  std::vector<std::string> watermarks;
  std::string more;  ///< what else it says, in the cloud's own form; read, never put
  auto operator<=>(const LaunchRule&) const = default;
};

/// Amazon EC2 API Reference, ReplaceImageCriteriaInAllowedImagesSettings and ImageCriterionRequest.
inline constexpr std::size_t kMaxLaunchRules = 10;
inline constexpr std::size_t kMaxLaunchNames = 50;  ///< of one rule; so for watermarks
/// The owner of no image, so that a rule of it allows none but the place's own.
inline constexpr const char* kNoOwner = "none";

struct LaunchSettings {
  LaunchMode mode = LaunchMode::disabled;
  std::vector<LaunchRule> rules;  ///< sorted; what the place itself owns is allowed in any case
  bool is_managed = false;        ///< by a policy of the organization: it cannot be changed here
};

/// Safe from several threads. Calls throw what the cloud's calls throw.
class Enforcement {
 public:
  virtual ~Enforcement() = default;
  /// Keeps the verdict under the place's rule of this name. Throws `not_found` if it has none that
  /// takes verdicts on the place.
  virtual void put_verdict(const Place& place, const std::string& rule, const PlaceVerdict& verdict,
                           std::stop_token stop) = 0;

  virtual LaunchSettings launch_settings(const Place& place, std::stop_token stop) = 0;
  /// Replaces all rules.
  virtual void put_launch_rules(const Place& place, const std::vector<LaunchRule>& rules,
                                std::stop_token stop) = 0;
  virtual void put_launch_mode(const Place& place, LaunchMode mode, std::stop_token stop) = 0;

  /// The document of an organization's policy; the inverse replaces it. Of our own account, which
  /// must manage the organization or be allowed to act for it.
  virtual std::string organization_policy(const std::string& policy_id, std::stop_token stop) = 0;
  virtual void put_organization_policy(const std::string& policy_id, const std::string& document,
                                       std::stop_token stop) = 0;
};

}  // namespace hallmark::cloud
