#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "pipeline/approval.h"
#include "pipeline/archive.h"
#include "pipeline/catalog_wish.h"
#include "pipeline/compliance.h"
#include "pipeline/decision.h"
#include "pipeline/evidence.h"
#include "pipeline/image_users.h"
#include "pipeline/leave.h"
#include "pipeline/placement.h"
#include "pipeline/prevention.h"
#include "pipeline/remediation.h"
#include "pipeline/wish.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Fills in the text of a script behind a URL.
void fetch_script(Context& context, model::Script& script, std::stop_token stop) {
  if (script.url.empty()) return;
  try {
    script.text = context.fetch(script.url, stop);
  } catch (Error& e) {
    throw std::move(e.note("while fetching the script " + script.url));
  }
  std::string digest = sha256_hex(script.text);
  if (!script.sha256.empty() && script.sha256 != digest) {
    throw Error(ErrorKind::corrupt, "{} has SHA-256 {}, but {} is expected", script.url, digest,
                script.sha256);
  }
  script.sha256 = digest;
  script.url.clear();
}

void require_active(const GoldenImage& image, const char* verb) {
  if (image.state == GoldenState::active) return;
  throw Error(ErrorKind::conflict, "{} is {}; only an active golden image can be {}",
              image.image_key, to_string(image.state), verb);
}

/// A run of this workflow about this image that has not ended is the one to go on with.
std::optional<std::string> open_run(workflow::Engine& engine, const std::string& workflow,
                                    const std::string& subject) {
  auto runs = engine.list({.workflow = workflow,
                           .subject = subject,
                           .states = {workflow::RunState::pending, workflow::RunState::running,
                                      workflow::RunState::waiting}});
  if (runs.empty()) return std::nullopt;
  return runs.front().run_id;
}

bool is_golden(const GoldenImage& image) {
  return image.state == GoldenState::active || image.state == GoldenState::deprecated;
}

}  // namespace

void refuse_if_busy(workflow::Engine& engine, const std::string& image_key) {
  for (const char* workflow :
       {"distribute", "retire", "restore", "decommission", "publish", "archive", "unarchive"}) {
    if (auto run = open_run(engine, workflow, image_key)) {
      throw Error(ErrorKind::conflict, "a {} run of {} has not ended: {}", workflow, image_key,
                  *run)
          .hint("go on with it: hallmark run resume " + *run + "; or end it: hallmark run cancel " +
                *run);
    }
  }
}

std::vector<workflow::WorkflowDefinition> workflows(Context& context) {
  auto with = [&context](Json (*fn)(Context&, workflow::Run&)) {
    return [&context, fn](workflow::Run& run) { return fn(context, run); };
  };
  return {{"build", 2, with(build)},
          {"distribute", 2, with(distribute)},
          {"decommission", 1, with(decommission)},
          {"retire", 1, with(retire)},
          {"restore", 2, with(restore)},
          {"archive", 1, with(archive)},
          {"unarchive", 1, with(unarchive)},
          {"reassess", 1, with(reassess)},
          {"promote", 1, with(promote)},
          {"publish", 1, with(publish)},
          {"compliance", 1, with(compliance)},
          {"remediate", 1, with(remediate)},
          {"prevent", 1, with(prevent)}};
}

std::string start_build(workflow::Engine& engine, Context& context, const model::Pipeline& pipeline,
                        const std::string& requested_by, std::stop_token stop,
                        std::optional<std::string> run_id) {
  const std::string key = model::image_key(pipeline);
  auto existing = find_golden_image(context.database, key);
  // Refused early for a clear answer; the run's first step decides when two start at once.
  if (existing && existing->image_key == key && existing->state != GoldenState::failed &&
      existing->state != GoldenState::rejected) {
    throw Error(ErrorKind::conflict, "version {} exists already (state {}, run {})", key,
                to_string(existing->state), existing->run_id)
        .hint("versions are never overwritten: build it under the next version");
  }
  context.home(pipeline.build.region);
  if (pipeline.build.mode == model::BuildMode::offline &&
      !context.cloud.properties().offline_builds) {
    throw Error(ErrorKind::usage, "the {} cloud cannot build offline",
                context.cloud.properties().name)
        .hint("set build.mode to boot");
  }
  require_means(context, pipeline.targets);
  model::Pipeline complete = pipeline;
  if (complete.pre_update) fetch_script(context, *complete.pre_update, stop);
  if (complete.post_update) fetch_script(context, *complete.post_update, stop);
  for (model::ImageTest& test : complete.tests) fetch_script(context, test.script, stop);
  return engine.start("build", key, {{"pipeline", complete}, {"requested_by", requested_by}},
                      std::move(run_id));
}

std::string start_distribute(workflow::Engine& engine, Context& context, const GoldenImage& image,
                             const std::optional<std::vector<model::Target>>& targets,
                             const DistributeOptions& options) {
  require_active(image, "distributed");
  refuse_if_busy(engine, image.image_key);
  if (targets) check_targets(*targets);
  if (targets) require_means(context, *targets);
  model::Pipeline pipeline = image.pipeline.get<model::Pipeline>();
  pipeline.targets = targets ? *targets : wish_of(context.database, image).targets;
  if (options.prune) {
    const Membership membership = look_at_units(context, pipeline.targets, {});
    const auto extras = extra_targets(context, image, pipeline.targets, membership);
    refuse_if_used(find_users(context, image, extras), image.image_key,
                   "remove those first, or keep the place as a target");
  }
  if (targets) record_wish(context, image, *targets, options.requested_by);
  return engine.start("distribute", image.image_key,
                      {{"image_run_id", image.run_id},
                       {"pipeline", pipeline},
                       {"prune", options.prune},
                       {"force", options.force}});
}

std::string start_decommission(workflow::Engine& engine, Context& context, const GoldenImage& image,
                               bool force, std::optional<std::string> run_id) {
  if (auto run = open_run(engine, "decommission", image.image_key)) return *run;
  refuse_if_busy(engine, image.image_key);
  const bool can_go = is_golden(image) || image.state == GoldenState::disabled ||
                      image.state == GoldenState::decommissioning;
  if (!can_go) require_active(image, "decommissioned");
  if (!force) {
    refuse_if_used(find_all_users(context, image), image.image_key,
                   "remove those first, or pass --force");
  }
  return engine.start("decommission", image.image_key,
                      {{"image_run_id", image.run_id}, {"force", force}}, std::move(run_id));
}

namespace {

/// By our records: the last thing that a stage does at a place is to record it.
bool is_retired_everywhere(const Context& context, const GoldenImage& image,
                           RetirementStage stage) {
  if (stage == RetirementStage::deprecate) return false;  // Saying it again does no harm.
  const auto targets = present_targets(context, image);
  return std::all_of(targets.begin(), targets.end(), [](const ImageTarget& target) {
    return target.state == TargetState::disabled;
  });
}

}  // namespace

std::string start_retire(workflow::Engine& engine, Context& context, const GoldenImage& image,
                         RetirementStage stage, const std::string& reason, bool force,
                         std::optional<std::string> run_id) {
  if (stage == RetirementStage::decommission) {
    return start_decommission(engine, context, image, force, std::move(run_id));
  }
  if (auto run = open_run(engine, "retire", image.image_key)) {
    if (engine.show(*run).input.value("stage", "") == to_string(stage)) return *run;
  }
  refuse_if_busy(engine, image.image_key);
  const bool deprecating = stage == RetirementStage::deprecate;
  // A stage that was begun and failed may be begun again.
  const bool again =
      image.state == (deprecating ? GoldenState::deprecated : GoldenState::disabled) &&
      !is_retired_everywhere(context, image, stage);
  if (!again && (deprecating || !is_golden(image))) {
    require_active(image, deprecating ? "deprecated" : "disabled");
  }
  if (!deprecating && !force) {
    refuse_if_used(find_all_users(context, image), image.image_key,
                   "replace those first, or pass --force: what runs goes on, what is to launch "
                   "fails");
  }
  return engine.start("retire", image.image_key,
                      {{"image_run_id", image.run_id},
                       {"stage", to_string(stage)},
                       {"reason", reason},
                       {"force", force},
                       {"at", to_rfc3339(context.clock.now())}},
                      std::move(run_id));
}

namespace {

std::vector<model::TemplateUse> templates_wished(const std::vector<model::Target>& targets,
                                                 const cloud::Place& place) {
  for (const model::Target& target : targets) {
    const auto& regions = target.regions;
    if (target.account_id != place.account_id) continue;
    if (std::find(regions.begin(), regions.end(), place.region) == regions.end()) continue;
    return target.launch_templates;
  }
  return {};
}

/// The unit through which the target's account had the image, unless it is wished anyway.
void add_unit(std::vector<model::Target>& targets, const std::vector<model::Target>& wished,
              const ImageTarget& target) {
  auto has_it = [&](const model::Target& each) {
    const auto& regions = each.regions;
    return each.unit == target.unit &&
           std::find(regions.begin(), regions.end(), target.place.region) != regions.end();
  };
  if (std::any_of(wished.begin(), wished.end(), has_it)) return;
  if (std::any_of(targets.begin(), targets.end(), has_it)) return;
  model::Target unit;
  unit.unit = target.unit;
  unit.regions = {target.place.region};
  if (target.delivery == "copy") unit.delivery = model::Delivery::copy;
  targets.push_back(std::move(unit));
}

}  // namespace

std::string start_restore(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          Duration kept) {
  refuse_if_busy(engine, image.image_key);
  if (image.state != GoldenState::deprecated && image.state != GoldenState::disabled) {
    throw Error(ErrorKind::conflict, "{} is {}; only a deprecated or disabled image is restored",
                image.image_key, to_string(image.state));
  }
  auto pipeline = image.pipeline.get<model::Pipeline>();
  const std::vector<model::Target> wished = wish_of(context.database, image).targets;
  pipeline.targets.clear();
  for (const ImageTarget& target : present_targets(context, image)) {
    // Who is in a unit is looked at anew.
    if (!target.unit.empty()) {
      add_unit(pipeline.targets, wished, target);
      continue;
    }
    pipeline.targets.push_back(
        {.account_id = target.place.account_id,
         .regions = {target.place.region},
         .delivery = target.delivery == "copy" ? model::Delivery::copy : model::Delivery::share,
         .role_name = "",
         .external_id = "",
         .unit = "",
         .launch_templates = templates_wished(wished, target.place)});
  }
  // Also those that had no account to bring it to.
  for (const model::Target& target : wished) {
    if (!target.unit.empty()) pipeline.targets.push_back(target);
  }
  return engine.start("restore", image.image_key,
                      {{"image_run_id", image.run_id},
                       {"pipeline", pipeline},
                       {"kept_until", to_rfc3339(context.clock.now() + kept)}});
}

std::string start_publish(workflow::Engine& engine, Context&, const GoldenImage& image) {
  refuse_if_busy(engine, image.image_key);
  if (!is_golden(image)) require_active(image, "published");
  if (!offer_of(image)) {
    throw Error(ErrorKind::usage, "{} was built without a catalog", image.image_key)
        .hint("add `catalog: {}` to golden.yaml and build the next version");
  }
  return engine.start("publish", image.image_key, {{"image_run_id", image.run_id}});
}

std::string start_reassess(workflow::Engine& engine, Context& context, bool rescan,
                           std::optional<std::string> run_id) {
  Json images = Json::array();
  for (const GoldenImage& image :
       list_golden_images(context.database, {GoldenState::active, GoldenState::deprecated})) {
    images.push_back({{"run_id", image.run_id}, {"image_key", image.image_key}});
  }
  return engine.start("reassess", "all active images", {{"images", images}, {"rescan", rescan}},
                      std::move(run_id));
}

std::string start_compliance(workflow::Engine& engine, const std::string& exemptions,
                             bool accept_derived, Duration grace,
                             std::optional<std::string> run_id) {
  return engine.start(
      "compliance", "all places",
      {{"exemptions", exemptions}, {"accept_derived", accept_derived}, {"grace_ms", grace.count()}},
      std::move(run_id));
}

namespace {

std::string start_move(workflow::Engine& engine, const GoldenImage& image, const ChannelMove& move,
                       bool force) {
  const std::string subject = to_string(move.channel);
  if (auto run = open_run(engine, "promote", subject)) {
    throw Error(ErrorKind::conflict, "channel {} is being moved already by run {}", subject, *run)
        .hint("wait for it: hallmark run watch " + *run);
  }
  return engine.start("promote", subject,
                      {{"channel", subject},
                       {"rollback", move.action == ChannelAction::rollback},
                       {"image_run_id", image.run_id},
                       {"image_key", image.image_key},
                       {"from_run_id", move.from_run_id},
                       {"requested_by", move.moved_by},
                       {"force", force}});
}

}  // namespace

std::string start_promote(workflow::Engine& engine, Context&, const GoldenImage& image,
                          const std::string& channel_name, const std::string& requested_by,
                          bool force) {
  check_channel_name(channel_name);
  require_active(image, "promoted");
  return start_move(engine, image,
                    {.channel = {image.product, image.os, channel_name}, .moved_by = requested_by},
                    force);
}

std::string start_rollback(workflow::Engine& engine, Context& context, const Channel& channel,
                           const std::string& requested_by, bool force) {
  const GoldenImage image = rollback_image(context.database, channel);
  return start_move(engine, image,
                    {.channel = channel,
                     .action = ChannelAction::rollback,
                     .from_run_id = held_by(list_moves(context.database, channel)),
                     .moved_by = requested_by},
                    force);
}

namespace {

/// With its proof as it is kept.
Decision checked_decision(Context& context, const GoldenImage& image, Decision decision) {
  if (image.state != GoldenState::awaiting_approval) {
    throw Error(ErrorKind::conflict, "{} is {}; it does not wait for approval", image.image_key,
                to_string(image.state));
  }
  model::ApprovalPolicy policy = image.pipeline.get<model::Pipeline>().approval;
  const std::vector<User> users = list_users(context.database);
  if (auto reason = refusal(policy, users, image.requested_by, decision.approver)) {
    throw Error(ErrorKind::denied, "{}", *reason);
  }
  for (const Decision& earlier : list_decisions(context.database, image.run_id)) {
    // A build that was tried again asks everybody anew.
    if (earlier.evidence_digest == image.evidence_digest &&
        identity_of(earlier.approver) == identity_of(decision.approver)) {
      throw Error(ErrorKind::conflict, "{} has decided on {} already", decision.approver,
                  image.image_key);
    }
  }
  if (decision.evidence_digest.empty()) decision.evidence_digest = image.evidence_digest;
  if (decision.evidence_digest != image.evidence_digest) {
    throw Error(ErrorKind::conflict, "the evidence of {} has changed: it is now {}",
                image.image_key, image.evidence_digest)
        .hint("look at it again: hallmark image report " + image.image_key);
  }
  if (decision.decided_at.empty()) decision.decided_at = to_rfc3339(context.clock.now());
  decision.proof = checked_proof(users, policy.proofs, context.aws_identity, image, decision,
                                 context.clock.now());
  if (decision.approve) check_evidence(context, image);
  return decision;
}

}  // namespace

namespace {

std::string send_decision(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          Decision decision, bool distribute) {
  try {
    decision = checked_decision(context, image, decision);
  } catch (const Error& e) {
    // Who tried what is to be known too. The name is as it was given: nothing may have proved it.
    context.audit.append({.token = random_id("refused"),
                          .actor = decision.approver,
                          .action = "decision.refused",
                          .subject = image.image_key,
                          .detail = {{"run_id", image.run_id},
                                     {"decision", decision.approve ? "approve" : "reject"},
                                     {"evidence_digest", decision.evidence_digest},
                                     {"why", e.message()}}});
    throw;
  }
  Json signal = decision;
  if (distribute) signal["distribute"] = true;
  engine.signal(image.run_id, kDecisionSignal, signal);
  return image.run_id;
}

}  // namespace

std::string decide(workflow::Engine& engine, Context& context, const GoldenImage& image,
                   Decision decision) {
  return send_decision(engine, context, image, std::move(decision), false);
}

std::string approve_and_distribute(workflow::Engine& engine, Context& context,
                                   const GoldenImage& image, Decision decision) {
  return send_decision(engine, context, image, std::move(decision), true);
}

}  // namespace hallmark::pipeline
