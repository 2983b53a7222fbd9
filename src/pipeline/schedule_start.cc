/// What each schedule starts.

#include "base/error.h"
#include "base/ids.h"
#include "model/exemption_file.h"
#include "model/pipeline_file.h"
#include "pipeline/prevention.h"
#include "pipeline/rebuild.h"
#include "pipeline/remediation.h"
#include "pipeline/retention.h"
#include "pipeline/schedules.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

bool is_there(workflow::Engine& engine, const std::string& run_id) {
  try {
    engine.show(run_id);
    return true;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return false;
  }
}

/// Calls `start` unless the run is there: started by a process that died before it could say so, or
/// by one that made good on the same claim just now, which shows as a conflict.
std::string once(workflow::Engine& engine, const std::string& run_id,
                 const std::function<std::string()>& start) {
  if (is_there(engine, run_id)) return run_id;
  try {
    return start();
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::conflict || !is_there(engine, run_id)) throw;
    return run_id;
  }
}

std::string exemptions_in(const Path& file) {
  if (file.empty()) return "";
  const std::string text = read_file(file);
  std::vector<model::Problem> problems;
  model::read_exemptions(text, problems);
  if (!problems.empty()) {
    throw Error(ErrorKind::usage, "{}", model::to_string(problems.front(), file));
  }
  return text;
}

model::RemediationPolicy policy_in(const Schedule& schedule) {
  model::RemediationPolicy policy = model::load_remediation(schedule.policy_file);
  if (!schedule.exemptions.empty()) policy.exemptions = exemptions_in(schedule.exemptions);
  return policy;
}

/// Everything that is due; what cannot be done now keeps nothing else.
StartedWork start_retirements(workflow::Engine& engine, Context& context,
                              const std::string& token) {
  StartedWork started;
  for (const Retirement& next : plan_retirements(version_facts(context), context.clock.now())) {
    if (next.due_at > context.clock.now()) continue;
    const std::string run_id = id_from_token(
        "run", token + "\n" + next.image_key + "\n" + std::string(to_string(next.stage)));
    try {
      started.run_ids.push_back(once(engine, run_id, [&] {
        return start_retire(engine, context, get_golden_image(context.database, next.run_id),
                            next.stage, next.reason, false, run_id);
      }));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      started.problems.push_back(next.image_key + ": " + e.message());
    }
  }
  return started;
}

}  // namespace

StartedWork start_work(workflow::Engine& engine, Context& context, const Schedule& schedule,
                       const std::string& token, std::stop_token stop) {
  if (schedule.starts == ScheduledWork::retire) return start_retirements(engine, context, token);
  const std::string run_id = id_from_token("run", token);
  const std::string started = once(engine, run_id, [&] {
    if (schedule.starts == ScheduledWork::reassess)
      return start_reassess(engine, context, true, run_id);
    if (schedule.starts == ScheduledWork::compliance) {
      return start_compliance(engine, exemptions_in(schedule.exemptions), schedule.accept_derived,
                              schedule.grace, run_id);
    }
    if (schedule.starts == ScheduledWork::remediate) {
      return start_remediation(engine, policy_in(schedule), known_places(context), run_id);
    }
    if (schedule.starts == ScheduledWork::prevent) {
      PreventionRequest request{.also = schedule.also, .derived = schedule.derived};
      if (!schedule.mode.empty()) request.mode = cloud::launch_mode_from(schedule.mode);
      return start_prevention(engine, context, request, run_id);
    }
    model::Pipeline pipeline = model::load_pipeline(schedule.pipeline_file, schedule.variables);
    pipeline.version =
        free_version(context.database, pipeline.product, pipeline.os, pipeline.version);
    return start_build(engine, context, pipeline, "schedule " + schedule.name, stop, run_id);
  });
  return {.run_ids = {started}};
}

}  // namespace hallmark::pipeline
