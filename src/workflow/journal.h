#pragma once
/// The tables of 001_workflow.sql as structs. Every write of a driving engine names its lease in
/// the same transaction, so that an engine which lost the run writes nothing. Private to workflow/.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "db/database.h"
#include "workflow/engine.h"
#include "workflow/lease.h"

namespace hallmark::workflow {

std::string_view to_string(StepState state);

/// A StepInfo with what only the engine needs.
struct StepRow : StepInfo {
  std::optional<TimePoint> wake_at;  ///< of the next attempt or look
};

struct RunRow : RunInfo {
  bool waits_on_signal = false;  ///< when waiting: nothing but signals (or their deadlines) helps
  TimePoint lease_expires_at{};
};

RunRow run_from(const db::Row& row);
/// A process that was killed could not give its runs back: they are shown as pending.
RunInfo as_it_stands(const RunRow& row, const LeaseTime& time, Duration lease);
StepRow step_from(const db::Row& row);

/// Throws `not_found`.
RunRow load_run(db::Connection& connection, const std::string& run_id);
std::vector<StepRow> load_steps(db::Connection& connection, const std::string& run_id);

/// Who writes, and for how long the lease is good after the write. The owner's name is the fencing
/// token: no two engines ever have the same.
struct Writer {
  std::string run_id, owner;
  TimePoint now;
  Duration lease;
};

/// The lease went to another engine: this one must stop at once. Not a std::exception.
struct LeaseLost {};

/// Makes everybody else who would change the run wait for the end of this transaction. Throws
/// `not_found`.
RunRow lock_run(db::Connection& connection, const std::string& run_id);
/// Renews the lease; throws LeaseLost. Every writer starts its transaction with this. Returns
/// whether somebody asked the run to stop.
bool assert_lease(db::Connection& connection, const Writer& writer);
void save_step(db::Connection& connection, const Writer& writer, const StepRow& step);
/// Shows a step as running while no outcome is known; never touches one that has an outcome.
void show_step_running(db::Connection& connection, const Writer& writer, const StepRow& step);
/// Takes the oldest unread signal of that name for `step`.
std::optional<Json> take_signal(db::Connection& connection, const std::string& run_id,
                                const std::string& name, const std::string& step_key);
bool has_unread_signal(db::Connection& connection, const std::string& run_id,
                       const std::string& name);

/// How a drive of a run leaves it.
struct Standing {
  RunState state = RunState::pending;
  Json result;
  std::optional<Error> error;
  std::string waiting_for;
  bool waits_on_signal = false;
  std::optional<TimePoint> wake_at;
};
/// Gives up the lease and writes how the run stands.
void leave_run(db::Connection& connection, const Writer& writer, const Standing& standing);

}  // namespace hallmark::workflow
