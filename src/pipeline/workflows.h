#pragma once
/// The product's workflows, and how each is started. Inputs are complete: a run never reads
/// golden.yaml again. Workflows: build, distribute, promote, retire, restore,
/// decommission, archive, unarchive (archive.h), reassess, publish, compliance.

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

/// Two runs that bring an image to places and take it away from them must not meet. Throws
/// `conflict` if one of the version with this key has not ended.
void refuse_if_busy(workflow::Engine& engine, const std::string& image_key);

/// Reserves the version and records the run. Scripts behind URLs are fetched now, so that what was
/// built is what was recorded. Throws `conflict` if the version exists, and what fetching throws.
/// `run_id` as for Engine::start, here and below: where it is left out it is made up.
std::string start_build(workflow::Engine& engine, Context& context, const model::Pipeline& pipeline,
                        const std::string& requested_by, std::stop_token stop,
                        std::optional<std::string> run_id = {});

struct DistributeOptions {
  bool prune = false;  ///< leave every place that is no target
  bool force = false;  ///< overwrite parameters that were edited by hand
  std::string requested_by = "hallmark";
};

/// Brings an active golden image to targets. Repeating brings what is missing and mends what is
/// incorrect (placement.h). `targets` become what is wished from then on (wish.h); without them it
/// is what was wished last. Throws `usage` as check_targets does, `conflict` if the image is not
/// active, or if machines run from it at a place that it would leave.
std::string start_distribute(workflow::Engine& engine, Context& context, const GoldenImage& image,
                             const std::optional<std::vector<model::Target>>& targets,
                             const DistributeOptions& options = {});

/// The stage before that: deprecates or disables a version, see retention.h. Throws `conflict` if
/// it is past that stage, and for disabling if something uses it (image_users.h), unless `force`.
std::string start_retire(workflow::Engine& engine, Context& context, const GoldenImage& image,
                         RetirementStage stage, const std::string& reason, bool force,
                         std::optional<std::string> run_id = {});

/// Makes a deprecated or disabled version active again, wherever it was, and lets no policy retire
/// it for `kept`. Channels that held it do not hold it again. Throws `conflict` for any other.
std::string start_restore(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          Duration kept);

/// Removes a version everywhere: parameters, shares, copies, the image. Throws `conflict` if
/// something uses it (image_users.h), unless `force`, or if it is none.
std::string start_decommission(workflow::Engine& engine, Context& context, const GoldenImage& image,
                               bool force, std::optional<std::string> run_id = {});

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

/// Brings the catalogs up to date about the image's product, as distributing it does at its end.
/// Throws `conflict` if the image is not active or deprecated, `usage` if its golden.yaml had no
/// `catalog`.
std::string start_publish(workflow::Engine& engine, Context& context, const GoldenImage& image);

/// Matches every active image's inventory again against today's advisories. With `rescan` the
/// outside scanners that an active image's pipeline names look again, at a machine launched for it.
std::string start_reassess(workflow::Engine& engine, Context& context, bool rescan = true,
                           std::optional<std::string> run_id = {});

/// Checks compliance in all places known then, and keeps the counts. `exemptions` is the text of
/// such a file, `rules` what else counts.
std::string start_compliance(workflow::Engine& engine, const std::string& exemptions,
                             bool accept_derived, Duration grace,
                             std::optional<std::string> run_id = {});

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
Json publish(Context& context, workflow::Run& run);
Json compliance(Context& context, workflow::Run& run);

}  // namespace hallmark::pipeline
