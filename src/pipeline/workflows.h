#pragma once
/// The product's workflows, and how each is started. Inputs are complete: a run never reads
/// golden.yaml again. Workflows: build, distribute, promote, retire, restore,
/// decommission, reassess.

#include <optional>
#include <string>
#include <vector>

#include "model/pipeline.h"
#include "pipeline/channel.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "pipeline/retention.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

/// All of them, for the engine. `context` must outlive it.
std::vector<workflow::WorkflowDefinition> workflows(Context& context);

/// Reserves the version and records the run. Scripts behind URLs are fetched now, so that what was
/// built is what was recorded. Throws `conflict` if the version exists, and what fetching throws.
std::string start_build(workflow::Engine& engine, Context& context, const model::Pipeline& pipeline,
                        const std::string& requested_by, std::stop_token stop);

/// Brings an active golden image to targets. Repeating brings what is missing and mends what is
/// incorrect (placement.h). The default targets are those of its pipeline. With `prune` it leaves
/// every other place too. Throws `conflict` if the image is not active, or if machines run from it
/// at a place that it would leave.
std::string start_distribute(workflow::Engine& engine, Context& context, const GoldenImage& image,
                             const std::vector<model::Target>& targets, bool prune = false);

/// The stage before that: deprecates or disables a version, see retention.h. Throws `conflict` if
/// it is past that stage, and for disabling if something uses it (image_users.h), unless `force`.
std::string start_retire(workflow::Engine& engine, Context& context, const GoldenImage& image,
                         RetirementStage stage, const std::string& reason, bool force);

/// Makes a deprecated or disabled version active again, wherever it was, and lets no policy retire
/// it for `kept`. Channels that held it do not hold it again. Throws `conflict` for any other.
std::string start_restore(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          Duration kept);

/// Removes a version everywhere: parameters, shares, copies, the image. Throws `conflict` if
/// something uses it (image_users.h), unless `force`, or if it is none.
std::string start_decommission(workflow::Engine& engine, Context& context, const GoldenImage& image,
                               bool force);

/// Lets a channel of the image's product hold it: sets the channel's parameter in every place where
/// the image is. Repeating mends. Somebody's edit of a parameter is overwritten only with `force`.
/// Throws `usage` for a name that is none, `conflict` if the image is not active or the channel is
/// being moved to another version.
std::string start_promote(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          const std::string& channel_name, const std::string& requested_by,
                          bool force);

/// The same with the version that the channel held before; repeating goes on back. Throws as
/// rollback_image does.
std::string start_rollback(workflow::Engine& engine, Context& context, const Channel& channel,
                           const std::string& requested_by, bool force);

/// Matches every active image's inventory again against today's advisories.
std::string start_reassess(workflow::Engine& engine, Context& context);

/// The signal that carries a Decision to a waiting build.
inline constexpr const char* kDecisionSignal = "decision";

/// Sends a decision to the build that waits for it. Throws `conflict` if nothing waits, `denied` if
/// the approver may not decide (not on the list, or the requester) or does not prove who they are
/// (see decision.h), `conflict` if `evidence_digest`
/// is given and is not what the build now waits on, or if what was assessed no longer passes the
/// gate (a waiver ended, the data is too old), `corrupt` if evidence was altered. Returns the run
/// to drive.
std::string decide(workflow::Engine& engine, Context& context, const GoldenImage& image,
                   Decision decision);

// The workflow functions themselves, one file each.
Json build(Context& context, workflow::Run& run);
Json distribute(Context& context, workflow::Run& run);
Json retire(Context& context, workflow::Run& run);
Json restore(Context& context, workflow::Run& run);
Json decommission(Context& context, workflow::Run& run);
Json reassess(Context& context, workflow::Run& run);
Json promote(Context& context, workflow::Run& run);

}  // namespace hallmark::pipeline
