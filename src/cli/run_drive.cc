/// hallmark run watch, resume, retry, cancel, drive.

#include <fmt/format.h>

#include "cli/drive.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

/// Runs driven at once by `run drive`: most of the time each waits for a machine or a mirror.
constexpr int kDriveWidth = 4;

std::string run_named(App& app, const Arguments& arguments) {
  return find_run(app.workplace().engine, arguments.value_or("ID", ""));
}

/// The record of a run that stopped moving, or its error.
Outcome outcome_of(App& app, const workflow::RunInfo& run) {
  require_success(app, run);
  std::vector<workflow::StepInfo> steps = app.workplace().engine.steps(run.run_id);
  return {{{"run", run_record(run)}, {"why", why(app, run, steps)}}};
}

void render_run(const Json& record, App& app) {
  const Json& run = record.at("run");
  std::string state = run.at("state");
  app.out.stream << run.at("run_id").get<std::string>() << " ("
                 << run.at("workflow").get<std::string>() << " of "
                 << run.at("subject").get<std::string>()
                 << "): " << paint(app.out, tone_of_state(state), state) << '\n';
  for (const Json& line : record.at("why")) {
    app.out.stream << "  " << line.get<std::string>() << '\n';
  }
}

Outcome watch(App& app, const Arguments& arguments) {
  std::string run_id = run_named(app, arguments);
  ProgressView view(app, false);
  return outcome_of(app, watch_run(app, view, run_id));
}

Outcome resume(App& app, const Arguments& arguments) {
  std::string run_id = run_named(app, arguments);
  workflow::RunInfo run = app.workplace().engine.show(run_id);
  if (!workflow::ended(run.state)) {
    ProgressView view(app, arguments.has("--logs"));
    run = drive_run(app, view, run_id);
  }
  return outcome_of(app, run);
}

Outcome retry(App& app, const Arguments& arguments) {
  std::string run_id = run_named(app, arguments);
  app.workplace().engine.retry(run_id);
  ProgressView view(app, arguments.has("--logs"));
  return outcome_of(app, drive_run(app, view, run_id));
}

Outcome cancel(App& app, const Arguments& arguments) {
  std::string run_id = run_named(app, arguments);
  workflow::Engine& engine = app.workplace().engine;
  if (workflow::ended(engine.show(run_id).state)) {
    throw Error(ErrorKind::conflict, "run {} has ended already", run_id);
  }
  engine.cancel(run_id);
  // Its clean-ups need somebody who drives it; that is us, unless a live process holds it.
  ProgressView view(app, arguments.has("--logs"));
  workflow::RunInfo run = drive_run(app, view, run_id);
  if (run.state == workflow::RunState::failed) require_success(app, run);
  std::vector<workflow::StepInfo> steps = engine.steps(run_id);
  return {{{"run", run_record(run)}, {"why", why(app, run, steps)}}};
}

Outcome drive(App& app, const Arguments& arguments) {
  workflow::Engine& engine = app.workplace().engine;
  std::optional<TimePoint> next;
  {
    ProgressView view(app, arguments.has("--logs"));
    Observation observation(app, view);
    next = engine.drive_due(kDriveWidth, app.stop);
  }
  if (app.stop.stop_requested()) {
    throw Error(ErrorKind::cancelled, "stopped; all runs are kept as they are")
        .hint("go on with: " + app.command_prefix + " run drive");
  }
  Json open = Json::array();
  for (const workflow::RunInfo& run :
       engine.list({.states = {workflow::RunState::pending, workflow::RunState::running,
                               workflow::RunState::waiting}})) {
    open.push_back(run_record(run));
  }
  return {{{"runs", open}, {"next_due_at", next ? Json(to_rfc3339(*next)) : Json(nullptr)}}};
}

void render_drive(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& run : record.at("runs")) {
    rows.push_back({run.at("run_id").get<std::string>(), run.at("subject").get<std::string>(),
                    state_cell(run.at("state").get<std::string>()),
                    run.at("waiting_for").is_string() ? run.at("waiting_for").get<std::string>()
                                                      : std::string()});
  }
  app.out.stream << "nothing is due"
                 << (record.at("next_due_at").is_string()
                         ? " until " + record.at("next_due_at").get<std::string>()
                         : "")
                 << '\n';
  if (!rows.empty()) print_table(app.out, {"RUN", "SUBJECT", "STATE", "WAITING FOR"}, rows);
}

}  // namespace

std::vector<Command> run_drive_commands() {
  ArgumentSpec id = {"ID", "a run's id or the beginning of it"};
  std::vector<std::pair<ErrorKind, std::string>> exits = {{ErrorKind::failed, "the run failed"},
                                                          {ErrorKind::rejected, ""},
                                                          {ErrorKind::not_found, ""},
                                                          {ErrorKind::conflict, ""},
                                                          {ErrorKind::cancelled, ""}};
  return {
      {.noun = "run",
       .verb = "watch",
       .summary = "Look on while another process drives a run.",
       .examples = {{"hallmark run watch run-0a1b", "Ends when the run ends or waits."}},
       .arguments = {id},
       .exits = exits,
       .streams = true,
       .run = watch,
       .render = render_run},
      {.noun = "run",
       .verb = "resume",
       .summary = "Go on with a run that was interrupted.",
       .examples = {{"hallmark run resume run-0a1b", "What was done is not done again."}},
       .arguments = {id},
       .options = {logs_option()},
       .exits = exits,
       .streams = true,
       .run = resume,
       .render = render_run},
      {.noun = "run",
       .verb = "retry",
       .summary = "Run a failed or cancelled run again.",
       .examples = {{"hallmark run retry run-0a1b", "With the same input."}},
       .arguments = {id},
       .options = {logs_option()},
       .exits = exits,
       .streams = true,
       .run = retry,
       .render = render_run},
      {.noun = "run",
       .verb = "cancel",
       .summary = "Stop a run for good and clean up after it.",
       .examples = {{"hallmark run cancel run-0a1b", "Whatever it made is removed."}},
       .arguments = {id},
       .options = {logs_option()},
       .exits = exits,
       .streams = true,
       .run = cancel,
       .render = render_run},
      {.noun = "run",
       .verb = "drive",
       .summary = "Drive everything that is due, also what crashed processes left.",
       .examples = {{"hallmark run drive", "Ends when nothing is due."}},
       .options = {logs_option()},
       .exits = {{ErrorKind::cancelled, ""}},
       .streams = true,
       .run = drive,
       .render = render_drive},
  };
}

}  // namespace hallmark::cli
