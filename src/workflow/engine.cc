#include "workflow/engine.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "workflow/engine_state.h"
#include "workflow/lease.h"

namespace hallmark::workflow {

namespace {

/// A key as a file name: no separator, nothing hidden, and no two keys alike.
std::string file_name_of(const std::string& key) {
  std::string name;
  for (unsigned char c : key) {
    bool plain = std::isalnum(c) || c == '-' || c == '_' || (c == '.' && !name.empty());
    name += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return name;
}

}  // namespace

Path EngineContext::log_path(const std::string& run_id, const std::string& key) const {
  return options.log_directory / file_name_of(run_id) / (file_name_of(key) + ".log");
}

Engine::Engine(db::Database& database, Clock& clock, std::vector<WorkflowDefinition> workflows,
               EngineOptions options)
    : state_(std::make_unique<State>(database, clock, std::move(workflows), std::move(options))) {}

Engine::~Engine() = default;

void Engine::State::record_run(const std::string& id, const std::string& workflow,
                               const std::string& subject, const Json& input, IfThere if_there) {
  int version = 0;
  std::vector<std::string> known;
  for (const auto& [name_and_version, definition] : definitions) {
    known.push_back(definition.name);
    // The map is ordered: the last one found is the newest version.
    if (definition.name == workflow) version = definition.version;
  }
  if (version == 0) {
    Error error(ErrorKind::not_found, "there is no workflow \"{}\"", workflow);
    if (auto close = suggestion(workflow, known)) error.hint("did you mean " + *close + "?");
    throw error;
  }
  const std::string now = to_rfc3339(context.clock.now());
  const std::string text = compact(input);
  context.database.transaction([&](db::Connection& c) {
    auto there = c.query("SELECT workflow, subject, input FROM runs WHERE run_id = :run_id",
                         {{"run_id", id}});
    if (!there.empty()) {
      if (if_there == IfThere::keep) return;
      if (there[0].text("workflow") == workflow && there[0].text("subject") == subject &&
          there[0].text("input") == text) {
        return;
      }
      throw Error(ErrorKind::conflict, "run {} exists already and is about something else", id)
          .hint("see: hallmark run show " + id);
    }
    c.execute(
        "INSERT INTO runs (run_id, workflow, workflow_version, round, subject, state, input, "
        "waiting_for,"
        " waits_on, cancel_requested, created_at, updated_at)"
        " VALUES (:run_id, :workflow, :version, 1, :subject, 'pending', :input, '', 'time', 0, "
        ":now, "
        ":now)",
        {{"run_id", id},
         {"workflow", workflow},
         {"version", std::int64_t{version}},
         {"subject", subject},
         {"input", text},
         {"now", now}});
    c.notify();
  });
  announce(id);
}

std::string Engine::start(const std::string& workflow, const std::string& subject,
                          const Json& input, std::optional<std::string> run_id) {
  const std::string id = run_id ? *run_id : random_id("run");
  state_->record_run(id, workflow, subject, input, State::IfThere::must_be_the_same);
  return id;
}

void Engine::State::change(
    const std::string& run_id,
    const std::function<void(db::Connection& connection, const RunRow& run)>& fn) {
  context.database.transaction(
      [&](db::Connection& c) {
        fn(c, lock_run(c, run_id));
        c.notify();
      },
      db::Isolation::committed);
}

RunInfo Engine::drive(const std::string& run_id, Duration wait_at_most, std::stop_token stop) {
  return state_->drive(run_id, wait_at_most, std::move(stop));
}

std::optional<TimePoint> Engine::drive_due(int width, std::stop_token stop) {
  return state_->drive_due(width, std::move(stop));
}

void Engine::work(int width, std::stop_token stop) { state_->work(width, std::move(stop)); }

void Engine::signal(const std::string& run_id, const std::string& name, const Json& payload) {
  const std::string now = to_rfc3339(state_->context.clock.now());
  state_->change(run_id, [&](db::Connection& c, const RunRow& run) {
    if (ended(run.state)) {
      throw Error(ErrorKind::conflict, "run {} has ended ({}) and hears no more", run_id,
                  to_string(run.state));
    }
    auto last =
        c.query("SELECT COALESCE(MAX(ordinal), 0) AS last FROM signals WHERE run_id = :run_id",
                {{"run_id", run_id}});
    c.execute(
        "INSERT INTO signals (run_id, ordinal, name, payload, sent_at)"
        " VALUES (:run_id, :ordinal, :name, :payload, :now)",
        {{"run_id", run_id},
         {"ordinal", last.at(0).integer("last") + 1},
         {"name", name},
         {"payload", compact(payload)},
         {"now", now}});
    // Due at once; a drive that is just about to wait looks for signals itself.
    c.execute("UPDATE runs SET wake_at = :now WHERE run_id = :run_id AND state = 'waiting'",
              {{"now", now}, {"run_id", run_id}});
  });
}

void Engine::cancel(const std::string& run_id) {
  const std::string now = to_rfc3339(state_->context.clock.now());
  state_->change(run_id, [&](db::Connection& c, const RunRow& run) {
    if (run.state == RunState::cancelled) return;
    if (ended(run.state)) {
      throw Error(ErrorKind::conflict, "run {} has ended already ({})", run_id,
                  to_string(run.state));
    }
    c.execute("UPDATE runs SET cancel_requested = 1, updated_at = :now WHERE run_id = :run_id",
              {{"now", now}, {"run_id", run_id}});
    c.execute("UPDATE runs SET wake_at = :now WHERE run_id = :run_id AND state = 'waiting'",
              {{"now", now}, {"run_id", run_id}});
  });
  state_->cancel_running(run_id);
  state_->announce(run_id);
}

void Engine::retry(const std::string& run_id) {
  const std::string now = to_rfc3339(state_->context.clock.now());
  state_->change(run_id, [&](db::Connection& c, const RunRow& run) {
    if (run.state != RunState::failed && run.state != RunState::cancelled) {
      throw Error(ErrorKind::conflict,
                  "run {} is {}; only a failed or cancelled run can be retried", run_id,
                  to_string(run.state));
    }
    // Before the commit: a log must not go on in a file that tells of another round.
    std::error_code no_logs;
    std::filesystem::rename(
        state_->context.log_path(run_id, "x").parent_path(),
        state_->context.options.log_directory / fmt::format("{}.round-{}", run_id, run.round),
        no_logs);
    c.execute("DELETE FROM steps WHERE run_id = :run_id", {{"run_id", run_id}});
    c.execute("DELETE FROM signals WHERE run_id = :run_id", {{"run_id", run_id}});
    c.execute(
        "UPDATE runs SET state = 'pending', error = NULL, ended_at = NULL, cancel_requested = 0,"
        " round = round + 1, updated_at = :now WHERE run_id = :run_id",
        {{"now", now}, {"run_id", run_id}});
  });
  state_->announce(run_id);
}

RunInfo Engine::show(const std::string& run_id) {
  std::optional<RunInfo> run;
  state_->context.database.read([&](db::Connection& c) {
    run = as_it_stands(load_run(c, run_id), lease_time(c, state_->context.clock),
                       state_->context.options.lease);
  });
  return *run;
}

std::vector<RunInfo> Engine::list(const RunFilter& filter) {
  std::string sql = "SELECT * FROM runs WHERE 1 = 1";
  std::vector<db::Parameter> parameters;
  if (filter.workflow) {
    sql += " AND workflow = :workflow";
    parameters.push_back({"workflow", *filter.workflow});
  }
  if (filter.subject) {
    sql += " AND subject = :subject";
    parameters.push_back({"subject", *filter.subject});
  }
  auto wanted = [](const std::vector<RunState>& states, RunState state) {
    return states.empty() || std::find(states.begin(), states.end(), state) != states.end();
  };
  if (!filter.states.empty()) {
    // Among those recorded as running are some that a dead process gave back.
    std::vector<RunState> recorded = filter.states;
    if (wanted(recorded, RunState::pending)) recorded.push_back(RunState::running);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      names.push_back(fmt::format(":state{}", i));
      parameters.push_back({fmt::format("state{}", i), std::string(to_string(recorded[i]))});
    }
    sql += " AND state IN (" + join(names, ", ") + ")";
  }
  sql += " ORDER BY created_at DESC, run_id LIMIT :most";
  parameters.push_back({"most", std::int64_t{filter.limit}});
  std::vector<RunInfo> runs;
  state_->context.database.read([&](db::Connection& c) {
    runs.clear();
    const LeaseTime time = lease_time(c, state_->context.clock);
    for (const db::Row& row : c.query(sql, parameters)) {
      RunInfo run = as_it_stands(run_from(row), time, state_->context.options.lease);
      if (wanted(filter.states, run.state)) runs.push_back(std::move(run));
    }
  });
  return runs;
}

std::vector<StepInfo> Engine::steps(const std::string& run_id) {
  std::vector<StepInfo> steps;
  state_->context.database.read([&](db::Connection& c) {
    load_run(c, run_id);
    std::vector<StepRow> rows = load_steps(c, run_id);
    steps.assign(rows.begin(), rows.end());
  });
  return steps;
}

std::string Engine::log(const std::string& run_id, const std::string& key) {
  return read_file_if_exists(log_path(run_id, key)).value_or("");
}

Path Engine::log_path(const std::string& run_id, const std::string& key) const {
  return state_->context.log_path(run_id, key);
}

}  // namespace hallmark::workflow
