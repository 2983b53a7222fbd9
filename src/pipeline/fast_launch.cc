#include "pipeline/fast_launch.h"

namespace hallmark::pipeline {

namespace {

using cloud::FastLaunchState;

/// EC2 removes its prepared snapshots one by one; a machine that prepares one ends first.
constexpr Duration kEndLimit{6 * 3600'000LL};
constexpr workflow::PollSchedule kEndSchedule{Duration{100}, Duration{30'000}};

bool has_fast_launch(const Context& context, const cloud::Image& image) {
  return image.platform == cloud::Platform::windows &&
         context.image_services.abilities().fast_launch;
}

}  // namespace

std::optional<std::string> fast_launch_problem(const Context& context,
                                               const model::ImageSettings& settings,
                                               const cloud::Image& image) {
  if (!settings.fast_launch || !has_fast_launch(context, image)) return std::nullopt;
  const auto status =
      context.image_services.find_fast_launch({image.owner_id, image.region}, image.image_id);
  if (status.state == FastLaunchState::on || status.state == FastLaunchState::enabling) {
    return std::nullopt;
  }
  std::string problem = "image " + image.image_id + " has no fast launch";
  if (!status.reason.empty()) problem += ": " + status.reason;
  return problem;
}

void begin_fast_launch(const Context& context, const cloud::Place& place,
                       const model::ImageSettings& settings, const cloud::Image& image) {
  if (!fast_launch_problem(context, settings, image)) return;
  const auto& templates = settings.fast_launch->launch_templates;
  const auto named = templates.find(place.region);
  context.image_services.enable_fast_launch(
      place, image.image_id,
      {.snapshots = settings.fast_launch->snapshots,
       .launch_template = named == templates.end() ? "" : named->second});
}

bool end_fast_launch(const Context& context, const cloud::Place& place,
                     const std::string& image_id) {
  if (!context.image_services.abilities().fast_launch) return true;
  const auto image = context.cloud.find_image(place, image_id);
  if (!image || image->owner_id != place.account_id || !has_fast_launch(context, *image)) {
    return true;
  }
  const auto status = context.image_services.find_fast_launch(place, image_id);
  if (status.state == FastLaunchState::off) return true;
  if (status.state != FastLaunchState::disabling) {
    context.image_services.disable_fast_launch(place, image_id);
  }
  return false;
}

void await_fast_launch_off(Context& context, workflow::Run& run, const GoldenImage& image,
                           const cloud::Place& place, const std::string& image_id) {
  if (!image.pipeline.get<model::Pipeline>().image.fast_launch) return;
  run.poll("fast-launch-off/" + cloud::to_string(place), kEndLimit, kEndSchedule,
           [&](workflow::Step&) -> std::optional<bool> {
             if (end_fast_launch(context, place, image_id)) return true;
             return std::nullopt;
           });
}

}  // namespace hallmark::pipeline
