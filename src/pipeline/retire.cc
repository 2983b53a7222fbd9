/// The retire workflow, a stage before decommissioning, and the restore workflow, which undoes it.
/// Deprecating tells the clouds that the image is to be replaced; disabling withdraws it from its
/// consumers and lets nobody launch it, but deletes nothing.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/catalog.h"
#include "pipeline/channel.h"
#include "pipeline/fast_launch.h"
#include "pipeline/image_users.h"
#include "pipeline/leave.h"
#include "pipeline/placement.h"
#include "pipeline/retention.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Amazon EC2 API Reference, "Eventual consistency": minutes are much.
constexpr Duration kEnableLimit{10 * 60'000};
constexpr workflow::PollSchedule kEnableSchedule{Duration{100}, Duration{5'000}};

/// `change` at every place where an image of ours lies; a line for each place that failed.
std::vector<std::string> at_owned(
    const std::vector<ImageTarget>& targets, workflow::Run& run, const std::string& verb,
    const std::function<void(const ImageTarget&, workflow::Run&)>& change) {
  std::vector<workflow::Run::Branch> branches;
  for (const ImageTarget& target : targets) {
    if (target.delivery == "share") continue;
    branches.push_back(
        {verb + "/" + cloud::to_string(target.place), [&change, target](workflow::Run& branch) {
           change(target, branch);
           return Json();
         }});
  }
  std::vector<std::string> failures;
  for (const workflow::BranchOutcome& outcome : run.branches(branches, kPlacesAtOnce)) {
    if (outcome.error) failures.push_back(outcome.key + ": " + outcome.error->message());
  }
  return failures;
}

/// Enters the state, if it can be entered from the present one, and says where the image is. What
/// was right when the run was recorded need not be when it is driven, or tried again.
std::vector<ImageTarget> enter(Context& context, const GoldenImage& image, workflow::Run& run,
                               const GoldenImageChange& change,
                               const std::vector<GoldenState>& from) {
  return run.step("enter-" + std::string(to_string(*change.state)), [&](workflow::Step&) {
    const GoldenImage now = get_golden_image(context.database, image.run_id);
    const bool can =
        now.state == change.state || std::find(from.begin(), from.end(), now.state) != from.end();
    if (!can) {
      throw Error(ErrorKind::conflict, "{} is {}; it cannot become {}", now.image_key,
                  to_string(now.state), to_string(*change.state));
    }
    if (change.state == GoldenState::disabled && !run.input().value("force", false)) {
      refuse_if_used(find_all_users(context, now), now.image_key,
                     "replace those first, or disable it with --force");
    }
    change_image(context, image.run_id, change);
    return present_targets(context, now);
  });
}

void require_all(const std::vector<std::string>& failures, const workflow::Run& run,
                 const GoldenImage& image, std::string_view what) {
  if (failures.empty()) return;
  throw Error(ErrorKind::failed, "{} could not be {} in {} places", image.image_key, what,
              failures.size())
      .note(join(failures, "\n  "))
      .hint("try again what is left: hallmark run retry " + run.id());
}

/// Waits until what was enabled can be used: the clouds tell that a little later.
void await_enabled(Context& context, const ImageTarget& target, workflow::Run& run) {
  run.poll("enabled/" + cloud::to_string(target.place), kEnableLimit, kEnableSchedule,
           [&](workflow::Step&) -> std::optional<bool> {
             const auto image = context.cloud.find_image(target.place, target.image_id);
             if (image && image->state == cloud::ImageState::disabled) return std::nullopt;
             return true;
           });
}

}  // namespace

Json retire(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const std::string reason = member<std::string>(run.input(), "reason");
  const TimePoint at = from_rfc3339(member<std::string>(run.input(), "at"));
  const auto stage = member<std::string>(run.input(), "stage");
  // An image that somebody deleted behind our back keeps no other from being retired.
  const auto deprecate = [&](const ImageTarget& target, workflow::Run& branch) {
    branch.step("deprecate/" + cloud::to_string(target.place), [&](workflow::Step&) {
      if (!context.cloud.find_image(target.place, target.image_id)) return;
      context.cloud.deprecate_image(target.place, target.image_id, at);
    });
  };
  const auto disable = [&](const ImageTarget& target, workflow::Run& branch) {
    await_fast_launch_off(context, branch, image, target.place, target.image_id);
    branch.step("disable/" + cloud::to_string(target.place), [&](workflow::Step&) {
      if (!context.cloud.find_image(target.place, target.image_id)) return;
      context.cloud.disable_image(target.place, target.image_id);
    });
  };
  if (stage == to_string(RetirementStage::deprecate)) {
    const auto targets =
        enter(context, image, run, {.state = GoldenState::deprecated, .state_reason = reason},
              {GoldenState::active});
    require_all(at_owned(targets, run, "deprecate", deprecate), run, image, "deprecated");
    require_all(settle_catalog(context, image, run), run, image, "deprecated in the catalog");
    return {{"image_key", image.image_key}, {"state", to_string(GoldenState::deprecated)}};
  }
  const auto targets =
      enter(context, image, run, {.state = GoldenState::disabled, .state_reason = reason},
            {GoldenState::active, GoldenState::deprecated});
  // Consumers first: nobody is to be pointed at what cannot be launched.
  require_all(leave_channels(context, image, run), run, image, "taken out of its channels");
  const std::vector<std::string> offered = settle_catalog(context, image, run);
  require_all(withdraw_from_places(context, image, targets, run), run, image, "withdrawn");
  require_all(at_owned(targets, run, "disable", disable), run, image, "disabled");
  run.step("record-targets", [&](workflow::Step&) {
    for (ImageTarget target : targets) {
      target.state = TargetState::disabled;
      record_target(context.database, image.run_id, target, context.clock.now());
    }
  });
  // Last: a catalog that cannot be reached keeps nobody from disabling what it offers.
  require_all(offered, run, image, "withdrawn from the catalog");
  return {{"image_key", image.image_key}, {"state", to_string(GoldenState::disabled)}};
}

Json restore(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const auto targets = enter(context, image, run,
                             {.state = GoldenState::active,
                              .state_reason = "restored",
                              .kept_until = member<std::string>(run.input(), "kept_until")},
                             {GoldenState::deprecated, GoldenState::disabled});
  const auto enable = [&](const ImageTarget& target, workflow::Run& branch) {
    branch.step("enable/" + cloud::to_string(target.place), [&](workflow::Step&) {
      // Somebody may have deleted it meanwhile; distributing copies it again.
      if (!context.cloud.find_image(target.place, target.image_id)) return;
      context.cloud.enable_image(target.place, target.image_id);
      context.cloud.deprecate_image(target.place, target.image_id, std::nullopt);
    });
    await_enabled(context, target, branch);
  };
  require_all(at_owned(targets, run, "enable", enable), run, image, "enabled");
  // What was withdrawn is what distributing finds incorrect, and mends.
  return distribute(context, run);
}

}  // namespace hallmark::pipeline
