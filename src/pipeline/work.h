#pragma once
/// What schedules and triggers start, without anybody who asks for it.

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/yaml_document.h"
#include "pipeline/compliance.h"
#include "pipeline/context.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

enum class ScheduledWork {
  reassess,
  compliance,  ///< a check of all places
  retire,      ///< what is due by retention in golden.yaml
  build,       ///< the version that the pipeline file names, or the next that is free
  remediate,   ///< a check of all places, and what a policy says about machines
  prevent,     ///< what places may launch, in step with their lists
  rebuild,     ///< what is built on a golden image, if it stands on an older version of it
};
std::string_view to_string(ScheduledWork work);
/// Throws `usage`.
ScheduledWork scheduled_work_from(std::string_view text);

struct Work {
  ScheduledWork starts = ScheduledWork::reassess;
  // build
  Path pipeline_file;
  model::Variables variables;
  // rebuild
  std::string golden_image;  ///< "product/os"
  // compliance
  Path exemptions;  ///< may be empty; of remediate too
  bool accept_derived = false;
  Duration grace = kSupersededGrace;
  // remediate, with exemptions
  Path policy_file;
  // prevent
  std::string mode;               ///< "audit", "enabled", "disabled"; empty: as it is at each place
  std::vector<std::string> also;  ///< owners whose images are allowed too
  bool derived = false;           ///< and what is made from golden images, by watermark
};

/// The ids of the runs that this work was begun with now, each with `token` in it: the same token
/// starts the same runs again, which is once. `problems`: what could not be started. Throws what
/// hinders all of it. `asker`: who builds are asked for by; nobody of that name may approve.
struct StartedWork {
  std::vector<std::string> run_ids;
  std::vector<std::string> problems;
  bool again = false;  ///< some of the problems may pass
};
StartedWork start_work(workflow::Engine& engine, Context& context, const Work& work,
                       const std::string& asker, const std::string& token, std::stop_token stop);

/// Those of `run_ids` that have not ended.
std::vector<std::string> open_of(workflow::Engine& engine, const std::vector<std::string>& run_ids);

}  // namespace hallmark::pipeline
