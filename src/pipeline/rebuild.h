#pragma once
/// The next version of a golden image from the pipeline that made it.

#include <optional>
#include <stop_token>
#include <string>

#include "pipeline/image_store.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

/// The last number of a version counted up: "1.0.9" gives "1.0.10", "2026-11-a" "2026-11-a.1".
std::string next_patch(const std::string& version);

/// `version` if no image of that product and OS has it or had it, else the first next patch of it
/// that none has. Versions whose builds failed or were rejected are free.
std::string free_version(db::Database& database, const std::string& product, const std::string& os,
                         const std::string& version);

/// The build of a product and OS that is under way, from its reservation until it is active or has
/// failed.
std::optional<GoldenImage> open_build(db::Database& database, const std::string& product,
                                      const std::string& os);

/// Records a build of what the image's pipeline says, as it was recorded, under `version` or the
/// next that is free. Throws `conflict` if a build of that product and OS is under way, or if the
/// version exists. `run_id` as for Engine::start.
std::string start_rebuild(workflow::Engine& engine, Context& context, const GoldenImage& image,
                          const std::optional<std::string>& version,
                          const std::string& requested_by, std::stop_token stop,
                          std::optional<std::string> run_id = {});

/// What came of a rebuild by policy.
struct Rebuild {
  std::string run_id;     ///< of the build
  std::string image_key;  ///< the version it makes
  std::string why_not;    ///< if there is none
};

/// The same inside a step: records the run under `run_id` and reserves its version, once however
/// often it is repeated. None is started for what is not the newest active version of its product
/// and OS, nor while a build of it is under way.
Rebuild rebuild_by_policy(Context& context, workflow::Step& step, const GoldenImage& image,
                          const std::string& run_id);

void to_json(Json& json, const Rebuild& value);

}  // namespace hallmark::pipeline
