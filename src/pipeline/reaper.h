#pragma once
/// Finds and removes what outlived the run that made it: by the ledger, and, if the database is
/// lost or the ledger never heard of it, by owner tags alone; and what versions that are gone left
/// behind: images, snapshots of no image, and parameters that name images which are not there.

#include <string>
#include <vector>

#include "pipeline/context.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

struct Orphan {
  std::string kind;  ///< "machine", "image", "snapshot", "parameter", "latest", "share"
  std::string id;
  cloud::Place place;
  std::string run_id;
  std::string reason;  ///< why nobody needs it any more
  bool removed = false;
  std::string problem;  ///< why it could not be removed
};

/// A place of which nothing, or not all, is known, because it could not be looked at.
struct UnseenPlace {
  cloud::Place place;
  std::string problem;
};

struct Reaping {
  std::vector<Orphan> orphans;
  std::vector<UnseenPlace> unseen;
};

/// An entry of the ledger is an orphan if its run has ended or is unknown. A thing with owner tags
/// is an orphan if its run has ended, or if its run is unknown here and its deadline has passed.
/// A golden image is one if our records name its id in that place, and only for versions that are
/// decommissioned or came to nothing; so is what says in /GoldenAMI/ that there is an image which
/// nobody can see there nor in our own account, unless our record has it there: that is drift. What
/// another installation made and keeps is left alone, whatever its key.
/// With `dry_run` nothing is removed. One that cannot be removed does not keep the others, and a
/// place that cannot be looked at keeps no other from it.
Reaping reap(workflow::Engine& engine, Context& context, const std::vector<cloud::Place>& places,
             bool dry_run);

void to_json(Json& json, const Orphan& value);
void to_json(Json& json, const UnseenPlace& value);

}  // namespace hallmark::pipeline
