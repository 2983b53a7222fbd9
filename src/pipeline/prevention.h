#pragma once
/// Keeps what places may launch in step with the lists of golden images, where the cloud refuses
/// launches itself.

#include <optional>
#include <string>
#include <vector>

#include "cloud/enforcement.h"
#include "pipeline/context.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

struct PreventionRequest {
  /// Nothing: as it is; then a place that refuses nothing and marks nothing is left alone.
  std::optional<cloud::LaunchMode> mode;
  std::vector<std::string> also;  ///< owners whose images are allowed too: "amazon", an account id
  /// What is made from the images is allowed too, whoever owns it, where they carry our watermarks.
  bool derived = false;
  /// A place may go from disabled to enabled at once, without anybody having seen what would fail.
  bool skip_audit = false;
  /// Places are looked at for a policy of the organization: one that decides there already is in
  /// nobody's way.
  bool by_policy = false;
};

/// What one place's settings are and are to be.
struct PlacePrevention {
  cloud::Place place;
  cloud::LaunchSettings now;
  cloud::LaunchSettings then;
  std::vector<std::string> warnings;
  std::string problem;  ///< why nothing is changed, or what kept it from being done
  bool done = false;

  bool changes() const { return then.mode != now.mode || then.rules != now.rules; }
};

/// An image that is to be allowed.
struct AllowedImage {
  std::string owner_id;
  std::string name;
  std::vector<std::string> watermarks;  ///< those of ours
};

/// The fewest rules that allow exactly these, by owner and name, and all of the owners in `also`;
/// with neither a rule that allows none. `derived`: and whatever carries their watermarks. Sorted.
/// Throws `usage` if they are too many.
std::vector<cloud::LaunchRule> launch_rules(const std::vector<AllowedImage>& images,
                                            std::vector<std::string> also, bool derived = false);

/// What would be changed; several places at a time, and one that cannot be looked at says so in its
/// problem. What a place owns itself needs no rule. Changes nothing. Throws `cancelled`, and
/// `usage` for owners that are none.
std::vector<PlacePrevention> plan_prevention(Context& context, cloud::Enforcement& enforcement,
                                             const std::vector<cloud::Place>& places,
                                             const PreventionRequest& request,
                                             std::stop_token stop);

/// Does what was planned, rules before modes, so that nothing golden is refused in between.
void apply_prevention(cloud::Enforcement& enforcement, std::vector<PlacePrevention>& plan,
                      std::stop_token stop);

/// "111122223333 web-1-Debian-12-1", one line for each owner and name that a rule allows.
std::vector<std::string> allowed_lines(const std::vector<cloud::LaunchRule>& rules);

/// AWS Organizations User Guide, "Quotas": characters of a declarative policy.
inline constexpr std::size_t kMaxPolicyCharacters = 10'000;

/// The declarative policy `document` (empty: none yet) with these images allowed in all accounts
/// and regions that it is attached to; what else it says stays. Throws `usage` if nothing or too
/// much is to be allowed, `corrupt` if the document is none.
std::string declarative_policy(const std::string& document, cloud::LaunchMode mode,
                               const std::vector<cloud::LaunchRule>& rules);

/// The same as a run, at every known place but those of our own account; for schedules. Throws
/// `usage` if the cloud refuses no launches.
std::string start_prevention(workflow::Engine& engine, Context& context,
                             const PreventionRequest& request,
                             std::optional<std::string> run_id = {});
Json prevent(Context& context, workflow::Run& run);

void to_json(Json& json, const PlacePrevention& value);

}  // namespace hallmark::pipeline
