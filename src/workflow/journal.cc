#include "workflow/journal.h"

#include <array>

#include "base/error.h"

namespace hallmark::workflow {

namespace {

constexpr std::array<std::string_view, 6> kRunStates = {"pending",   "running", "waiting",
                                                        "succeeded", "failed",  "cancelled"};
constexpr std::array<std::string_view, 4> kStepStates = {"running", "succeeded", "failed",
                                                         "waiting"};

template <typename State, std::size_t N>
State state_from(const std::array<std::string_view, N>& names, const std::string& name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<State>(i);
  }
  throw Error(ErrorKind::corrupt, "the journal holds an unknown state \"{}\"", name);
}

std::optional<TimePoint> optional_time(const db::Row& row, std::string_view column) {
  auto text = row.optional_text(column);
  if (!text) return std::nullopt;
  return from_rfc3339(*text);
}

Json optional_json(const db::Row& row, std::string_view column) {
  auto text = row.optional_text(column);
  return text ? parse_json(*text, "the journal") : Json();
}

std::optional<Error> optional_error(const db::Row& row) {
  auto text = row.optional_text("error");
  if (!text) return std::nullopt;
  return error_from_json(parse_json(*text, "the journal"));
}

db::Value value_of(const std::optional<TimePoint>& time) {
  if (!time) return nullptr;
  return to_rfc3339(*time);
}

db::Value value_of(const std::optional<Error>& error) {
  if (!error) return nullptr;
  return compact(error_to_json(*error));
}

std::vector<db::Parameter> step_parameters(const Writer& writer, const StepRow& step) {
  return {{"run_id", writer.run_id},
          {"step_key", step.key},
          {"ordinal", step.ordinal},
          {"kind", step.kind},
          {"state", std::string(to_string(step.state))},
          {"attempts", std::int64_t{step.attempts}},
          {"result", compact(step.result)},
          {"error", value_of(step.error)},
          {"started_at", to_rfc3339(step.started_at)},
          {"ended_at", value_of(step.ended_at)},
          {"deadline", value_of(step.deadline)},
          {"wake_at", value_of(step.wake_at)}};
}

constexpr std::string_view kInsertStep =
    "INSERT INTO steps (run_id, step_key, ordinal, kind, state, attempts, result, error,"
    " started_at, ended_at, deadline, wake_at)"
    " VALUES (:run_id, :step_key, :ordinal, :kind, :state, :attempts, :result, :error,"
    " :started_at, :ended_at, :deadline, :wake_at)"
    " ON CONFLICT (run_id, step_key) DO UPDATE SET ";

}  // namespace

std::string_view to_string(RunState state) {
  return kRunStates.at(static_cast<std::size_t>(state));
}
std::string_view to_string(StepState state) {
  return kStepStates.at(static_cast<std::size_t>(state));
}

RunRow run_from(const db::Row& row) {
  RunRow run;
  run.run_id = row.text("run_id");
  run.workflow = row.text("workflow");
  run.workflow_version = static_cast<int>(row.integer("workflow_version"));
  run.round = static_cast<int>(row.integer("round"));
  run.subject = row.text("subject");
  run.state = state_from<RunState>(kRunStates, row.text("state"));
  run.input = parse_json(row.text("input"), "the journal");
  run.result = optional_json(row, "result");
  run.error = optional_error(row);
  run.waiting_for = row.text("waiting_for");
  run.waits_on_signal = row.text("waits_on") == "signal";
  run.wake_at = optional_time(row, "wake_at");
  run.cancel_requested = row.integer("cancel_requested") != 0;
  run.lease_owner = row.optional_text("lease_owner").value_or("");
  run.lease_expires_at = optional_time(row, "lease_expires_at").value_or(TimePoint{});
  run.created_at = from_rfc3339(row.text("created_at"));
  run.updated_at = from_rfc3339(row.text("updated_at"));
  run.ended_at = optional_time(row, "ended_at");
  return run;
}

RunInfo as_it_stands(const RunRow& row, const LeaseTime& time, Duration lease) {
  RunInfo run = row;
  if (run.state == RunState::running &&
      !lease_holds(row.lease_owner, row.lease_expires_at, time, lease)) {
    run.state = RunState::pending;
    run.lease_owner.clear();
  }
  return run;
}

StepRow step_from(const db::Row& row) {
  StepRow step;
  step.key = row.text("step_key");
  step.ordinal = row.integer("ordinal");
  step.kind = row.text("kind");
  step.state = state_from<StepState>(kStepStates, row.text("state"));
  step.attempts = static_cast<int>(row.integer("attempts"));
  step.result = optional_json(row, "result");
  step.error = optional_error(row);
  step.started_at = from_rfc3339(row.text("started_at"));
  step.ended_at = optional_time(row, "ended_at");
  step.deadline = optional_time(row, "deadline");
  step.wake_at = optional_time(row, "wake_at");
  return step;
}

RunRow load_run(db::Connection& connection, const std::string& run_id) {
  auto rows = connection.query("SELECT * FROM runs WHERE run_id = :run_id", {{"run_id", run_id}});
  if (rows.empty()) {
    throw Error(ErrorKind::not_found, "there is no run {}", run_id).hint("see: hallmark run list");
  }
  return run_from(rows[0]);
}

std::vector<StepRow> load_steps(db::Connection& connection, const std::string& run_id) {
  std::vector<StepRow> steps;
  for (const db::Row& row : connection.query(
           "SELECT * FROM steps WHERE run_id = :run_id ORDER BY ordinal", {{"run_id", run_id}})) {
    steps.push_back(step_from(row));
  }
  return steps;
}

RunRow lock_run(db::Connection& connection, const std::string& run_id) {
  connection.execute("UPDATE runs SET updated_at = updated_at WHERE run_id = :run_id",
                     {{"run_id", run_id}});
  return load_run(connection, run_id);
}

bool assert_lease(db::Connection& connection, const Writer& writer) {
  const std::optional<db::ServerTime> server = connection.server_time();
  const TimePoint expires_at = (server ? server->now : writer.now) + writer.lease;
  if (connection.execute("UPDATE runs SET lease_expires_at = :expires_at, updated_at = :now"
                         " WHERE run_id = :run_id AND lease_owner = :owner AND state = 'running'",
                         {{"expires_at", to_rfc3339(expires_at)},
                          {"now", to_rfc3339(writer.now)},
                          {"run_id", writer.run_id},
                          {"owner", writer.owner}}) == 0) {
    throw LeaseLost();
  }
  return connection
             .query("SELECT cancel_requested FROM runs WHERE run_id = :run_id",
                    {{"run_id", writer.run_id}})
             .at(0)
             .integer("cancel_requested") != 0;
}

void save_step(db::Connection& connection, const Writer& writer, const StepRow& step) {
  static const std::string sql =
      std::string(kInsertStep) +
      "state = excluded.state, attempts = excluded.attempts, result = excluded.result,"
      " error = excluded.error, ended_at = excluded.ended_at, deadline = excluded.deadline,"
      " wake_at = excluded.wake_at";
  connection.execute(sql, step_parameters(writer, step));
}

void show_step_running(db::Connection& connection, const Writer& writer, const StepRow& step) {
  static const std::string sql =
      std::string(kInsertStep) + "state = excluded.state WHERE steps.state = 'waiting'";
  connection.execute(sql, step_parameters(writer, step));
}

std::optional<Json> take_signal(db::Connection& connection, const std::string& run_id,
                                const std::string& name, const std::string& step_key) {
  auto rows = connection.query(
      "SELECT ordinal, payload FROM signals WHERE run_id = :run_id AND name = :name"
      " AND taken_by IS NULL ORDER BY ordinal LIMIT 1",
      {{"run_id", run_id}, {"name", name}});
  if (rows.empty()) return std::nullopt;
  connection.execute(
      "UPDATE signals SET taken_by = :step_key WHERE run_id = :run_id AND ordinal = :ordinal",
      {{"step_key", step_key}, {"run_id", run_id}, {"ordinal", rows[0].integer("ordinal")}});
  return parse_json(rows[0].text("payload"), "the journal");
}

bool has_unread_signal(db::Connection& connection, const std::string& run_id,
                       const std::string& name) {
  return !connection
              .query(
                  "SELECT ordinal FROM signals WHERE run_id = :run_id AND name = :name"
                  " AND taken_by IS NULL LIMIT 1",
                  {{"run_id", run_id}, {"name", name}})
              .empty();
}

void leave_run(db::Connection& connection, const Writer& writer, const Standing& standing) {
  assert_lease(connection, writer);
  const std::string now = to_rfc3339(writer.now);
  const bool has_ended = ended(standing.state);
  db::Value result = nullptr, ended_at = nullptr;
  if (standing.state == RunState::succeeded) result = compact(standing.result);
  if (has_ended) ended_at = now;
  connection.execute(
      "UPDATE runs SET state = :state, result = :result, error = :error, waiting_for = "
      ":waiting_for,"
      " waits_on = :waits_on, wake_at = :wake_at, lease_owner = NULL, lease_expires_at = NULL,"
      " ended_at = :ended_at WHERE run_id = :run_id",
      {{"state", std::string(to_string(standing.state))},
       {"result", result},
       {"error", value_of(standing.error)},
       {"waiting_for", standing.waiting_for},
       {"waits_on", std::string(standing.waits_on_signal ? "signal" : "time")},
       {"wake_at", value_of(standing.wake_at)},
       {"ended_at", ended_at},
       {"run_id", writer.run_id}});
  if (has_ended) {
    // What was cut off by a cancellation is shown so; nobody replays an ended run.
    Error cut(ErrorKind::cancelled, "the run ended before this did");
    connection.execute(
        "UPDATE steps SET state = 'failed', error = :error, ended_at = :now"
        " WHERE run_id = :run_id AND state IN ('running', 'waiting')",
        {{"error", compact(error_to_json(cut))}, {"now", now}, {"run_id", writer.run_id}});
  }
}

}  // namespace hallmark::workflow
