#pragma once
/// Finds and removes what outlived the run that made it: by the ledger, and, if the database is
/// lost or the ledger never heard of it, by owner tags alone.

#include <string>
#include <vector>

#include "pipeline/context.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

struct Orphan {
  std::string kind;  ///< "machine", "image", "parameter", "latest", "share"
  std::string id;
  cloud::Place place;
  std::string run_id;
  std::string reason;  ///< why nobody needs it any more
  bool removed = false;
  std::string problem;  ///< why it could not be removed
};

/// An entry of the ledger is an orphan if its run has ended or is unknown. A thing with owner tags
/// is an orphan if its run has ended, or if its run is unknown here and its deadline has passed.
/// With `dry_run` nothing is removed. One that cannot be removed does not keep the others.
std::vector<Orphan> reap(workflow::Engine& engine, Context& context,
                         const std::vector<cloud::Place>& places, bool dry_run);

void to_json(Json& json, const Orphan& value);

}  // namespace hallmark::pipeline
