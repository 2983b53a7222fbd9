#pragma once
/// Runs a page at a time.

#include "db/page.h"
#include "workflow/engine.h"

namespace hallmark::workflow {

struct RunQuery {
  std::optional<std::string> workflow = {};
  std::vector<std::string> subjects = {};  ///< patterns of what stands before the first "/"
  std::vector<RunState> states = {};       ///< empty: any
  db::Page page = {};
};

struct RunPage {
  std::vector<RunInfo> runs;  ///< newest first
  std::string next;           ///< see db::Listed
};

/// `lease`: EngineOptions::lease of the engines that drive them. A page of pending or running runs
/// may be shorter than was asked for: some turn out to be of processes that died.
RunPage list_runs(db::Database& database, const Clock& clock, const RunQuery& query,
                  Duration lease = EngineOptions().lease);

}  // namespace hallmark::workflow
