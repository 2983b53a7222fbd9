#include "pipeline/leave.h"

#include "pipeline/channel.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

constexpr int kWidth = 8;

bool owned_there(const ImageTarget& target) { return target.delivery != "share"; }

void leave_place(Context& context, const GoldenImage& image, const ImageTarget& target,
                 workflow::Run& run) {
  const std::string where = cloud::to_string(target.place);
  run.step("withdraw/" + where, [&](workflow::Step&) {
    withdraw_channels(context, image.run_id, target.place);
    remove_from_latest(context.cloud, target.place, target.image_id, image.image_key);
    withdraw_parameter(context.cloud, target.place,
                       version_parameter(image.product, image.os, image.version), target.image_id);
  });
  if (target.delivery == "share") {
    run.step("unshare/" + where, [&](workflow::Step&) {
      cloud::Place owner{image.home.account_id, target.place.region};
      if (context.cloud.find_image(owner, target.image_id)) {
        context.cloud.unshare_image(owner, target.image_id, target.place.account_id);
      }
    });
  }
}

void remove_from_place(Context& context, const GoldenImage& image, const ImageTarget& target,
                       workflow::Run& run) {
  const std::string where = cloud::to_string(target.place);
  if (owned_there(target)) {
    run.step("remove-image/" + where,
             [&](workflow::Step&) { context.cloud.remove_image(target.place, target.image_id); });
  }
  run.step("record/" + where, [&](workflow::Step&) {
    ImageTarget removed = target;
    removed.state = TargetState::removed;
    record_target(context.database, image.run_id, removed, context.clock.now());
  });
}

}  // namespace

std::vector<std::string> leave_places(Context& context, const GoldenImage& image,
                                      const std::vector<ImageTarget>& targets, workflow::Run& run) {
  auto in_all = [&](const std::string& verb, auto action) {
    std::vector<workflow::Run::Branch> branches;
    for (const ImageTarget& target : targets) {
      branches.push_back({verb + "/" + cloud::to_string(target.place),
                          [&context, &image, action, target](workflow::Run& branch) {
                            action(context, image, target, branch);
                            return Json();
                          }});
    }
    std::vector<std::string> failures;
    for (const workflow::BranchOutcome& outcome : run.branches(branches, kWidth)) {
      if (outcome.error) failures.push_back(outcome.key + ": " + outcome.error->message());
    }
    return failures;
  };
  std::vector<std::string> failures = in_all("leave", leave_place);
  if (failures.empty()) failures = in_all("remove", remove_from_place);
  return failures;
}

}  // namespace hallmark::pipeline
