#include "pipeline/leave.h"

#include <functional>

#include "pipeline/channel.h"
#include "pipeline/fast_launch.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/launch_templates.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"
#include "pipeline/placement.h"
#include "pipeline/units.h"

namespace hallmark::pipeline {

namespace {

bool owned_there(const ImageTarget& target) { return target.delivery != "share"; }

/// A step at the target's place. An account that is closed, or left its unit and us with it, is let
/// go: nothing can be done there, and nothing waits for it.
void at_place(Context& context, const GoldenImage& image, const ImageTarget& target,
              workflow::Run& run, const std::string& verb, const std::function<void()>& act) {
  const std::string key = verb + "/" + cloud::to_string(target.place);
  try {
    run.step(key, [&](workflow::Step&) { act(); });
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::denied) throw;
    const std::string why = run.step("standing-" + key, [&](workflow::Step& step) {
      if (!is_beyond_reach(context, image, target, e, step.stop())) return std::string();
      return standing_of(context, target.place.account_id, step.stop()).text;
    });
    if (why.empty()) throw;
    run.step("let-go-" + key,
             [&](workflow::Step& step) { let_go(context, image, target, why, step.token()); });
  }
}

void withdraw_from_place(Context& context, const GoldenImage& image, const ImageTarget& target,
                         workflow::Run& run) {
  const std::string where = cloud::to_string(target.place);
  for (const std::string& name : target.launch_templates) {
    at_place(context, image, target, run, "withdraw-template-" + name,
             [&] { withdraw_template(context, target.place, name, image.image_key); });
  }
  at_place(context, image, target, run, "withdraw", [&] {
    withdraw_channels(context, image.run_id, target.place);
    // Nothing is known to be ours there: what the parameters say is somebody else's.
    if (target.image_id.empty()) return;
    remove_from_latest(context.cloud, target.place, target.image_id, image.image_key);
    withdraw_parameter(context.cloud, target.place,
                       version_parameter(image.product, image.os, image.version), target.image_id);
  });
  if (target.delivery == "share" && !target.image_id.empty()) {
    run.step("unshare/" + where, [&](workflow::Step&) {
      cloud::Place owner{image.home.account_id, target.place.region};
      const auto found = context.cloud.find_image(owner, target.image_id);
      if (!found) return;
      context.cloud.unshare_image(owner, target.image_id, target.place.account_id);
      if (!found->is_encrypted) return;
      for (const auto& key : context.cloud.find_image_keys(owner, target.image_id)) {
        context.cloud.revoke_key(owner, key.key_id, target.image_id, target.place.account_id);
      }
    });
  }
}

void remove_from_place(Context& context, const GoldenImage& image, const ImageTarget& target,
                       workflow::Run& run) {
  const std::string where = cloud::to_string(target.place);
  if (owned_there(target) && !target.image_id.empty()) {
    // Only ours have it; another account may let nobody in any more.
    if (target.place.account_id == image.home.account_id) {
      await_fast_launch_off(context, run, image, target.place, target.image_id);
    }
    at_place(context, image, target, run, "remove-image",
             [&] { remove_own_image(context, target.place, target.image_id); });
  }
  run.step("record/" + where, [&](workflow::Step&) {
    const auto now = find_target(context.database, image.run_id, target.place);
    if (now && was_let_go(*now)) return;
    ImageTarget removed = target;
    removed.state = TargetState::removed;
    record_target(context.database, image.run_id, removed, context.clock.now());
  });
}

using PlaceAction = void (*)(Context&, const GoldenImage&, const ImageTarget&, workflow::Run&);

std::vector<std::string> in_all(Context& context, const GoldenImage& image,
                                const std::vector<ImageTarget>& targets, workflow::Run& run,
                                const std::string& verb, PlaceAction action) {
  std::vector<workflow::Run::Branch> branches;
  for (const ImageTarget& target : targets) {
    branches.push_back({verb + "/" + cloud::to_string(target.place),
                        [&context, &image, action, target](workflow::Run& branch) {
                          action(context, image, target, branch);
                          return Json();
                        }});
  }
  std::vector<std::string> failures;
  for (const workflow::BranchOutcome& outcome : run.branches(branches, kPlacesAtOnce)) {
    if (outcome.error) failures.push_back(outcome.key + ": " + with_hint(*outcome.error));
  }
  return failures;
}

}  // namespace

std::string with_hint(const Error& error) {
  return error.message() + (error.hint().empty() ? "" : "; " + error.hint());
}

std::vector<ImageTarget> present_targets(const Context& context, const GoldenImage& image) {
  std::vector<ImageTarget> targets = list_targets(context.database, image.run_id);
  bool has_home = false;
  for (ImageTarget& target : targets) {
    if (target.place != image.home) continue;
    has_home = true;
    if (target.image_id.empty()) target.image_id = image.image_id;
    if (target.image_id == image.image_id) target.delivery = "home";
  }
  if (!has_home && !image.image_id.empty()) {
    targets.push_back({.place = image.home,
                       .image_id = image.image_id,
                       .delivery = "home",
                       .state = TargetState::available,
                       .detail = "",
                       .updated_at = ""});
  }
  std::erase_if(targets, [](const ImageTarget& target) {
    return target.state == TargetState::removed || target.image_id.empty();
  });
  return targets;
}

std::vector<std::string> withdraw_from_places(Context& context, const GoldenImage& image,
                                              const std::vector<ImageTarget>& targets,
                                              workflow::Run& run) {
  return in_all(context, image, targets, run, "leave", withdraw_from_place);
}

std::vector<std::string> leave_places(Context& context, const GoldenImage& image,
                                      const std::vector<ImageTarget>& targets, workflow::Run& run) {
  std::vector<std::string> failures = withdraw_from_places(context, image, targets, run);
  if (failures.empty())
    failures = in_all(context, image, targets, run, "remove", remove_from_place);
  return failures;
}

}  // namespace hallmark::pipeline
