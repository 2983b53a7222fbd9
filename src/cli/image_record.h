#pragma once
/// Golden images as the records that commands answer with.

#include <string>

#include "base/json.h"
#include "cli/app.h"
#include "cli/command.h"
#include "pipeline/image_store.h"

namespace hallmark::cli {

/// "REF".
ArgumentSpec image_argument();

/// The image that the command's REF names: what find_golden_image takes, or the beginning of a
/// build run's id. Throws `not_found` with a suggestion.
pipeline::GoldenImage image_named(App& app, const Arguments& arguments);

/// What an approver needs to know: evidence digest, findings before and after, the gate, the
/// report's path, and the commands for either decision.
Json approval_record(App& app, const pipeline::GoldenImage& image);
void render_approval(const Json& record, App& app);

/// Where the image was brought: {"targets": [..]} and the table of it.
Json targets_record(App& app, const pipeline::GoldenImage& image);
void render_targets(const Json& targets, App& app);

/// Where it is stored besides: [{"region", "bucket", "object", ..}] and the table of it.
Json archives_record(App& app, const pipeline::GoldenImage& image);
void render_archives(const Json& archives, App& app);

/// {"findings", "gaps", "completeness", ..} of one look at an image.
Json assessment_record(const pipeline::AssessmentRecord& assessment);

/// Files of a build's evidence that exist, by short name: {"text": path, "html": path, ..}.
Json report_paths(App& app, const std::string& run_id);

}  // namespace hallmark::cli
