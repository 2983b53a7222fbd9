#include "pipeline/work.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/exemption_file.h"
#include "model/pipeline_file.h"
#include "pipeline/image_store.h"
#include "pipeline/prevention.h"
#include "pipeline/rebuild.h"
#include "pipeline/remediation.h"
#include "pipeline/retention.h"
#include "pipeline/source.h"
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

model::RemediationPolicy policy_in(const Work& work) {
  model::RemediationPolicy policy = model::load_remediation(work.policy_file);
  if (!work.exemptions.empty()) policy.exemptions = exemptions_in(work.exemptions);
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
      started.again |= traits(e.kind()).retry;
      started.problems.push_back(next.image_key + ": " + e.message());
    }
  }
  return started;
}

/// The newest active version of each product and OS that is built on it, whichever version of it is
/// the newest.
std::vector<GoldenImage> built_on(db::Database& database, const std::string& golden_image) {
  std::vector<GoldenImage> children;
  std::set<std::string> seen;
  for (GoldenImage& image : list_golden_images(database, {GoldenState::active})) {
    if (!seen.insert(image.product + "/" + image.os).second) continue;
    if (image.pipeline.get<model::Pipeline>().source.golden_image != golden_image) continue;
    children.push_back(std::move(image));
  }
  return children;
}

/// One that is being built already was begun on what was newest then, and is said to hinder it.
StartedWork start_rebuilds(workflow::Engine& engine, Context& context, const Work& work,
                           const std::string& asker, const std::string& token,
                           const std::stop_token& stop) {
  StartedWork started;
  for (const GoldenImage& child : built_on(context.database, work.golden_image)) {
    const std::string run_id = id_from_token("run", token + "\n" + child.product + "/" + child.os);
    try {
      const auto pipeline = child.pipeline.get<model::Pipeline>();
      const SourceImage source =
          find_source(context, context.home(pipeline.build.region), pipeline.source);
      if (source.image_id == child.source_image_id) continue;
      started.run_ids.push_back(once(engine, run_id, [&] {
        return start_rebuild(engine, context, child, {}, asker, stop, run_id);
      }));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      started.again |= traits(e.kind()).retry;
      started.problems.push_back(child.product + "/" + child.os + ": " + e.message());
    }
  }
  return started;
}

}  // namespace

std::vector<std::string> open_of(workflow::Engine& engine,
                                 const std::vector<std::string>& run_ids) {
  std::vector<std::string> open;
  for (const std::string& run_id : run_ids) {
    if (is_there(engine, run_id) && !workflow::ended(engine.show(run_id).state)) {
      open.push_back(run_id);
    }
  }
  return open;
}

StartedWork start_work(workflow::Engine& engine, Context& context, const Work& work,
                       const std::string& asker, const std::string& token, std::stop_token stop) {
  if (work.starts == ScheduledWork::retire) return start_retirements(engine, context, token);
  if (work.starts == ScheduledWork::rebuild) {
    return start_rebuilds(engine, context, work, asker, token, stop);
  }
  const std::string run_id = id_from_token("run", token);
  const std::string started = once(engine, run_id, [&] {
    if (work.starts == ScheduledWork::reassess)
      return start_reassess(engine, context, true, run_id);
    if (work.starts == ScheduledWork::compliance) {
      return start_compliance(engine, exemptions_in(work.exemptions), work.accept_derived,
                              work.grace, run_id);
    }
    if (work.starts == ScheduledWork::remediate) {
      return start_remediation(engine, policy_in(work), known_places(context), run_id);
    }
    if (work.starts == ScheduledWork::prevent) {
      PreventionRequest request{.also = work.also, .derived = work.derived};
      if (!work.mode.empty()) request.mode = cloud::launch_mode_from(work.mode);
      return start_prevention(engine, context, request, run_id);
    }
    model::Pipeline pipeline = model::load_pipeline(work.pipeline_file, work.variables);
    pipeline.version =
        free_version(context.database, pipeline.product, pipeline.os, pipeline.version);
    return start_build(engine, context, pipeline, asker, stop, run_id);
  });
  return {.run_ids = {started}};
}

}  // namespace hallmark::pipeline
