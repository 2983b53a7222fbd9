/// The retire workflow, a stage before decommissioning, and the restore workflow, which undoes it.
/// Deprecating tells the clouds that the image is to be replaced; disabling withdraws it from its
/// consumers and lets nobody launch it, but deletes nothing.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/channel.h"
#include "pipeline/leave.h"
#include "pipeline/retention.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

constexpr int kWidth = 8;

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
  for (const workflow::BranchOutcome& outcome : run.branches(branches, kWidth)) {
    if (outcome.error) failures.push_back(outcome.key + ": " + outcome.error->message());
  }
  return failures;
}

std::vector<ImageTarget> places_of(Context& context, const GoldenImage& image, workflow::Run& run) {
  // Read inside a step: the record changes under us.
  return run.step("list-targets", [&](workflow::Step&) {
    std::vector<ImageTarget> listed = list_targets(context.database, image.run_id);
    std::erase_if(listed, [](const ImageTarget& target) {
      return target.state == TargetState::removed || target.image_id.empty();
    });
    return listed;
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

void record_state(Context& context, const GoldenImage& image, workflow::Run& run, GoldenState state,
                  const std::string& reason, const std::string& kept_until = "") {
  run.step("record-" + std::string(to_string(state)), [&](workflow::Step&) {
    change_image(context, image.run_id,
                 {.state = state, .state_reason = reason, .kept_until = kept_until});
  });
}

}  // namespace

Json retire(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const std::string reason = member<std::string>(run.input(), "reason");
  const TimePoint at = from_rfc3339(member<std::string>(run.input(), "at"));
  const auto stage = member<std::string>(run.input(), "stage");
  const std::vector<ImageTarget> targets = places_of(context, image, run);
  const auto deprecate = [&](const ImageTarget& target, workflow::Run& branch) {
    branch.step("deprecate/" + cloud::to_string(target.place), [&](workflow::Step&) {
      context.cloud.deprecate_image(target.place, target.image_id, at);
    });
  };
  const auto disable = [&](const ImageTarget& target, workflow::Run& branch) {
    branch.step("disable/" + cloud::to_string(target.place), [&](workflow::Step&) {
      context.cloud.disable_image(target.place, target.image_id);
    });
  };
  if (stage == to_string(RetirementStage::deprecate)) {
    require_all(at_owned(targets, run, "deprecate", deprecate), run, image, "deprecated");
    record_state(context, image, run, GoldenState::deprecated, reason);
    return {{"image_key", image.image_key}, {"state", to_string(GoldenState::deprecated)}};
  }
  // Consumers first: nobody is to be pointed at what cannot be launched.
  require_all(leave_channels(context, image, run), run, image, "taken out of its channels");
  require_all(withdraw_from_places(context, image, targets, run), run, image, "withdrawn");
  require_all(at_owned(targets, run, "disable", disable), run, image, "disabled");
  run.step("record-targets", [&](workflow::Step&) {
    for (ImageTarget target : targets) {
      target.state = TargetState::disabled;
      record_target(context.database, image.run_id, target, context.clock.now());
    }
  });
  record_state(context, image, run, GoldenState::disabled, reason);
  return {{"image_key", image.image_key}, {"state", to_string(GoldenState::disabled)}};
}

Json restore(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  const std::vector<ImageTarget> targets = places_of(context, image, run);
  const auto enable = [&](const ImageTarget& target, workflow::Run& branch) {
    branch.step("enable/" + cloud::to_string(target.place), [&](workflow::Step&) {
      // Somebody may have deleted it meanwhile; distributing copies it again.
      if (!context.cloud.find_image(target.place, target.image_id)) return;
      context.cloud.enable_image(target.place, target.image_id);
      context.cloud.deprecate_image(target.place, target.image_id, std::nullopt);
    });
  };
  require_all(at_owned(targets, run, "enable", enable), run, image, "enabled");
  record_state(context, image, run, GoldenState::active, "restored",
               member<std::string>(run.input(), "kept_until"));
  // What was withdrawn is what distributing finds incorrect, and mends.
  return distribute(context, run);
}

}  // namespace hallmark::pipeline
