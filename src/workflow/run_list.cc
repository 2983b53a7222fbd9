#include "workflow/run_list.h"

#include <algorithm>

#include "workflow/journal.h"

namespace hallmark::workflow {

namespace {

bool has(const std::vector<RunState>& states, RunState state) {
  return std::find(states.begin(), states.end(), state) != states.end();
}

}  // namespace

RunPage list_runs(db::Database& database, const Clock& clock, const RunQuery& query,
                  Duration lease) {
  db::Listing listing{.table = "runs", .keys = {"created_at", "run_id"}};
  for (RunState state : query.states) listing.states.emplace_back(to_string(state));
  // Among those recorded as running are some that a dead process gave back.
  if (has(query.states, RunState::pending) && !has(query.states, RunState::running)) {
    listing.states.emplace_back(to_string(RunState::running));
  }
  if (query.workflow) {
    listing.conditions.emplace_back("workflow = :workflow");
    listing.parameters.push_back({"workflow", *query.workflow});
  }
  db::require_begin(listing, "subject", query.subjects);
  RunPage page;
  database.read([&](db::Connection& connection) {
    const LeaseTime time = lease_time(connection, clock);
    const db::Listed listed = db::list_newest(connection, listing, query.page);
    page = {.runs = {}, .next = listed.next};
    for (const db::Row& row : listed.rows) {
      RunInfo run = as_it_stands(run_from(row), time, lease);
      if (query.states.empty() || has(query.states, run.state)) page.runs.push_back(std::move(run));
    }
  });
  return page;
}

}  // namespace hallmark::workflow
