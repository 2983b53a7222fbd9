/// The decommission workflow: a version goes, everywhere, without a trace. Consumers first
/// (parameters, shares), then what they pointed at. Every step may be repeated; one place that
/// cannot be reached does not keep the others from being cleaned.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/archive.h"
#include "pipeline/catalog.h"
#include "pipeline/channel.h"
#include "pipeline/image_users.h"
#include "pipeline/leave.h"
#include "pipeline/leftovers.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

Json decommission(Context& context, workflow::Run& run) {
  const GoldenImage image =
      get_golden_image(context.database, member<std::string>(run.input(), "image_run_id"));
  // Read inside a step: the record changes under us as places are left.
  const auto targets = run.step("list-targets", [&](workflow::Step&) {
    const GoldenImage now = get_golden_image(context.database, image.run_id);
    // What was right when the run was recorded need not be when it is driven, or tried again.
    const bool can_go = now.state == GoldenState::active || now.state == GoldenState::deprecated ||
                        now.state == GoldenState::disabled ||
                        now.state == GoldenState::decommissioning;
    if (!can_go) {
      throw Error(ErrorKind::conflict, "{} is {}", now.image_key, to_string(now.state));
    }
    if (!run.input().value("force", true)) {
      refuse_if_used(find_all_users(context, now), now.image_key,
                     "remove those first, or decommission it with --force");
    }
    change_image(context, image.run_id, {.state = GoldenState::decommissioning});
    return present_targets(context, now);
  });
  std::vector<std::string> failures = leave_channels(context, image, run);
  for (std::string& line : settle_catalog(context, image, run)) {
    failures.push_back(std::move(line));
  }
  for (std::string& line : remove_archives(context, image, run)) {
    failures.push_back(std::move(line));
  }
  for (std::string& line : leave_places(context, image, targets, run)) {
    failures.push_back(std::move(line));
  }
  if (!failures.empty()) {
    throw Error(ErrorKind::failed, "{} could not be removed from {} of {} places", image.image_key,
                failures.size(), targets.size())
        .note(join(failures, "\n  "))
        .hint("try again what is left: hallmark run retry " + run.id());
  }

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
