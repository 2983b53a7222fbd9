#include "cloud/aws/fast_launch.h"

#include "base/text.h"
#include "cloud/aws/images.h"

namespace hallmark::cloud::on_aws {

namespace {

FastLaunchState fast_launch_state_from(const std::string& word) {
  // Amazon EC2 API Reference, DescribeFastLaunchImagesSuccessItem, "State".
  if (word == "enabling") return FastLaunchState::enabling;
  if (word == "enabled") return FastLaunchState::on;
  if (word == "disabling") return FastLaunchState::disabling;
  return FastLaunchState::failed;
}

}  // namespace

FastLaunchStatus find_fast_launch(const Session& session, const Place& place,
                                  const std::string& image_id) {
  try {
    const Value answer = session.call(place, "ec2", "DescribeFastLaunchImages",
                                      {{"ImageIds", Value::array({image_id})}});
    for (const Value& image : answer.value("FastLaunchImages", Value::array())) {
      if (text(image, "ImageId") != image_id) continue;
      return {.state = fast_launch_state_from(text(image, "State")),
              .reason = text(image, "StateTransitionReason")};
    }
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
  }
  return {};
}

void enable_fast_launch(const Session& session, const Place& place, const std::string& image_id,
                        const FastLaunch& wanted) {
  if (to_lower(text(owned_image(session, place, image_id), "Platform")) != "windows") {
    throw Error(ErrorKind::usage, "image {} is none of Windows", image_id);
  }
  Value input = {{"ImageId", image_id}, {"ResourceType", "snapshot"}};
  if (wanted.snapshots > 0) {
    input["SnapshotConfiguration"] = {{"TargetResourceCount", wanted.snapshots}};
  }
  if (!wanted.launch_template.empty()) {
    input["LaunchTemplate"] = {{"LaunchTemplateName", wanted.launch_template},
                               {"Version", "$Default"}};
  }
  session.call(place, "ec2", "EnableFastLaunch", input);
}

void disable_fast_launch(const Session& session, const Place& place, const std::string& image_id) {
  const FastLaunchState state = find_fast_launch(session, place, image_id).state;
  if (state == FastLaunchState::off || state == FastLaunchState::disabling) return;
  // By force: what is being prepared is not waited for.
  session.call(place, "ec2", "DisableFastLaunch", {{"ImageId", image_id}, {"Force", true}});
}

}  // namespace hallmark::cloud::on_aws
