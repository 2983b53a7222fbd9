/// The decommission workflow: a version goes, everywhere, without a trace. Consumers first
/// (parameters, shares), then what they pointed at. Every step may be repeated; one place that
/// cannot be reached does not keep the others from being cleaned.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/leave.h"
#include "pipeline/leftovers.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

constexpr int kWidth = 8;

}  // namespace

Json decommission(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  // Read inside a step: the record changes under us as places are left.
  Json listed = run.step("list-targets", [&](workflow::Step&) {
    change_image(context, image.run_id, {.state = GoldenState::decommissioning});
    Json targets = Json::array();
    for (const ImageTarget& target : list_targets(context.database, image.run_id)) {
      if (target.state == TargetState::removed || target.image_id.empty()) continue;
      targets.push_back(target);
    }
    return targets;
  });
  std::vector<ImageTarget> targets;
  for (const Json& json : listed) {
    targets.push_back(
        {.place = {member<std::string>(json, "account_id"), member<std::string>(json, "region")},
         .image_id = member<std::string>(json, "image_id"),
         .delivery = member<std::string>(json, "delivery")});
  }

  auto in_all_places = [&](const std::string& verb, auto action) {
    std::vector<workflow::Run::Branch> branches;
    for (const ImageTarget& target : targets) {
      branches.push_back(
          {verb + "/" + cloud::to_string(target.place), [&, target](workflow::Run& branch) {
             action(context, image, target, branch);
             return Json();
           }});
    }
    std::vector<std::string> failures;
    for (const workflow::BranchOutcome& outcome : run.branches(branches, kWidth)) {
      if (outcome.error) failures.push_back(outcome.key + ": " + outcome.error->message());
    }
    if (!failures.empty()) {
      throw Error(ErrorKind::failed, "{} could not be removed from {} of {} places",
                  image.image_key, failures.size(), targets.size())
          .note(join(failures, "\n  "))
          .hint("try again what is left: hallmark run retry " + run.id());
    }
  };
  in_all_places("leave", leave_place);
  in_all_places("remove", remove_from_place);

  std::vector<std::string> left =
      run.step("prove", [&](workflow::Step&) { return find_leftovers(context, image); });
  if (!left.empty()) {
    throw Error(ErrorKind::failed, "{} is removed, but something of it is left", image.image_key)
        .note(join(left, "\n  "));
  }
  run.step("record-decommissioned", [&](workflow::Step&) {
    change_image(context, image.run_id, {.state = GoldenState::decommissioned});
  });
  return {{"image_key", image.image_key}, {"places", targets.size()}, {"leftovers", left}};
}

}  // namespace hallmark::pipeline
