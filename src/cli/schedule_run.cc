/// hallmark schedule list, show, pause, resume, run: what config.yaml has happen by itself.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "cli/drive.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/schedules.h"

namespace hallmark::cli {

namespace {

using pipeline::Firing;
using pipeline::FiringState;
using pipeline::Schedule;

/// As `run drive`: most of the time each waits for a machine or a mirror.
constexpr int kDriveWidth = 4;
constexpr int kFiringsShown = 20;

const Schedule& schedule_named(App& app, const Arguments& arguments) {
  const std::string name = arguments.value_or("NAME", "");
  std::vector<std::string> names;
  for (const Schedule& schedule : app.workplace().schedules) {
    if (schedule.name == name) return schedule;
    names.push_back(schedule.name);
  }
  auto close = suggestion(name, names);
  throw Error(ErrorKind::not_found, "there is no schedule \"{}\"", name)
      .hint(close           ? "did you mean " + *close + "?"
            : names.empty() ? "config.yaml has no schedules; see docs/schedules.md"
                            : "there are: " + join(names, ", "));
}

std::string state_of(const Schedule& schedule, const pipeline::ScheduleStanding& standing) {
  if (!schedule.enabled) return "off";
  if (standing.paused) return "paused";
  if (!standing.next_due_at) return "over";
  return standing.known ? "on" : "new";
}

/// How the run stands now, if it is there still.
std::string run_state(App& app, const std::string& run_id) {
  try {
    return std::string(workflow::to_string(app.workplace().engine.show(run_id).state));
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::not_found) throw;
    return "unknown";
  }
}

Json firing_record(App& app, const Firing& firing) {
  Json record = firing;
  record["runs"] = Json::array();
  for (const std::string& run_id : firing.run_ids) {
    record["runs"].push_back({{"run_id", run_id}, {"state", run_state(app, run_id)}});
  }
  record.erase("run_ids");
  return record;
}

Json schedule_record(App& app, const Schedule& schedule, int firings) {
  const auto standing =
      pipeline::schedule_standing(app.workplace().context, schedule, std::max(firings, 1));
  Json record = {{"name", schedule.name},
                 {"expression", schedule.expression.text},
                 {"time_zone", schedule.expression.time_zone},
                 {"means", schedule::describe(schedule.expression)},
                 {"start", to_string(schedule.work.starts)},
                 {"state", state_of(schedule, standing)},
                 {"next_due_at",
                  standing.next_due_at ? Json(to_rfc3339(*standing.next_due_at)) : Json(nullptr)},
                 {"last", standing.firings.empty() ? Json(nullptr)
                                                   : firing_record(app, standing.firings.front())}};
  if (schedule.work.starts == pipeline::ScheduledWork::build) {
    record["pipeline"] = schedule.work.pipeline_file.string();
  }
  if (firings == 0) return record;
  record["firings"] = Json::array();
  for (const Firing& firing : standing.firings) {
    record["firings"].push_back(firing_record(app, firing));
  }
  return record;
}

Cell state_cell_of(const std::string& state) {
  return {state, state == "on" || state == "new" ? Tone::good : Tone::warning};
}

/// "started: succeeded", "skipped", "failed".
Cell outcome_cell(const Json& firing) {
  std::string state = firing.at("state");
  Tone tone = state == "failed" ? Tone::bad : state == "skipped" ? Tone::warning : Tone::plain;
  std::vector<std::string> states;
  for (const Json& run : firing.at("runs")) {
    const std::string each = run.at("state");
    if (each == "failed") tone = Tone::bad;
    if (std::find(states.begin(), states.end(), each) == states.end()) states.push_back(each);
  }
  if (!states.empty()) state += ": " + join(states, ", ");
  return {state, tone};
}

std::string minute_of(const Json& time) {
  return time.is_string() ? time.get<std::string>().substr(0, 16) + "Z" : std::string();
}

Outcome list(App& app, const Arguments&) {
  Json schedules = Json::array();
  for (const Schedule& schedule : app.workplace().schedules) {
    schedules.push_back(schedule_record(app, schedule, 0));
  }
  return {{{"schedules", schedules}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& schedule : record.at("schedules")) {
    const Json& last = schedule.at("last");
    rows.push_back({schedule.at("name").get<std::string>(), schedule.at("start").get<std::string>(),
                    schedule.at("means").get<std::string>(),
                    state_cell_of(schedule.at("state").get<std::string>()),
                    minute_of(schedule.at("next_due_at")),
                    last.is_null() ? std::string() : minute_of(last.at("due_at")),
                    last.is_null() ? Cell("") : outcome_cell(last)});
  }
  if (rows.empty()) {
    app.err.stream << "config.yaml has no schedules; see docs/schedules.md\n";
    return;
  }
  print_table(app.out, {"NAME", "STARTS", "WHEN", "STATE", "NEXT DUE", "LAST DUE", ""}, rows);
}

Outcome show(App& app, const Arguments& arguments) {
  return {{{"schedule", schedule_record(app, schedule_named(app, arguments), kFiringsShown)}}};
}

void render_show(const Json& record, App& app) {
  const Json& schedule = record.at("schedule");
  auto text = [&](const char* key) { return schedule.at(key).get<std::string>(); };
  print_fields(app.out, {{"expression", text("expression")},
                         {"means", text("means")},
                         {"starts", text("start")},
                         {"pipeline", schedule.value("pipeline", "")},
                         {"state", state_cell_of(text("state"))},
                         {"next due", minute_of(schedule.at("next_due_at"))}});
  std::vector<std::vector<Cell>> rows;
  for (const Json& firing : schedule.at("firings")) {
    std::vector<std::string> runs;
    for (const Json& run : firing.at("runs")) runs.push_back(run.at("run_id"));
    const int missed = firing.at("missed");
    rows.push_back({minute_of(firing.at("due_at")),
                    missed == 0 ? std::string() : fmt::format("and {} missed", missed),
                    outcome_cell(firing), join(runs, ", "),
                    firing.at("detail").get<std::string>()});
  }
  if (rows.empty()) return;
  app.out.stream << '\n';
  print_table(app.out, {"DUE", "", "", "RUN", "WHY"}, rows);
}

Outcome pause(App& app, const Arguments& arguments) {
  const Schedule& schedule = schedule_named(app, arguments);
  pipeline::pause_schedule(app.workplace().context, schedule, app.user);
  return {{{"schedule", schedule_record(app, schedule, 0)}}};
}

Outcome resume(App& app, const Arguments& arguments) {
  const Schedule& schedule = schedule_named(app, arguments);
  pipeline::resume_schedule(app.workplace().context, schedule, app.user);
  return {{{"schedule", schedule_record(app, schedule, 0)}}};
}

void render_state(const Json& record, App& app) {
  const Json& schedule = record.at("schedule");
  const std::string next = minute_of(schedule.at("next_due_at"));
  app.out.stream << schedule.at("name").get<std::string>() << " is "
                 << schedule.at("state").get<std::string>()
                 << (next.empty() ? "" : "; next due at " + next) << '\n';
}

std::string sentence(const Firing& firing) {
  std::string text = fmt::format("{}: due at {}", firing.schedule, to_rfc3339(firing.due_at));
  if (firing.missed > 0) text += fmt::format(", with {} missed before", firing.missed);
  text += fmt::format(": {}", to_string(firing.state));
  if (!firing.run_ids.empty()) text += " " + join(firing.run_ids, ", ");
  if (!firing.detail.empty()) text += "; " + firing.detail;
  return text;
}

std::string sentence(const pipeline::TriggerFiring& firing) {
  std::string text =
      fmt::format("{}: {}: {}", firing.trigger, firing.event, pipeline::to_string(firing.state));
  if (!firing.run_ids.empty()) text += " " + join(firing.run_ids, ", ");
  if (!firing.detail.empty()) text += "; " + firing.detail;
  return text;
}

/// What schedules started and has not ended, then whatever else could go on now: the rebuild that a
/// reassessment asked for is no schedule's.
std::vector<std::string> runs_to_drive(App& app) {
  Workplace& workplace = app.workplace();
  std::vector<std::string> runs;
  for (const Schedule& schedule : workplace.schedules) {
    for (std::string& run_id :
         pipeline::open_runs_of(workplace.engine, workplace.context, schedule.name)) {
      runs.push_back(std::move(run_id));
    }
  }
  for (const workflow::RunInfo& run : workplace.engine.list(
           {.states = {workflow::RunState::pending, workflow::RunState::waiting}})) {
    if (run.state == workflow::RunState::pending ||
        (run.wake_at && *run.wake_at <= app.clock.now())) {
      runs.push_back(run.run_id);
    }
  }
  return runs;
}

/// Drives all of them once, and what they left to be driven. Returns whether one failed.
bool drive_all(App& app, ProgressView& view) {
  bool failed = false;
  std::set<std::string> driven;
  for (bool more = true; more;) {
    more = false;
    for (const std::string& run_id : runs_to_drive(app)) {
      if (!driven.insert(run_id).second) continue;
      more = true;
      try {
        failed = drive_run(app, view, run_id).state == workflow::RunState::failed || failed;
      } catch (const Error& e) {
        // One that another release recorded is left to that.
        if (e.kind() != ErrorKind::conflict && e.kind() != ErrorKind::not_found) throw;
        view.say(fmt::format("run {} is left alone: {}", run_id, e.message()));
      }
    }
  }
  return failed;
}

/// Until `stop`; a trigger that cannot be looked after keeps no schedule.
void keep_triggers(App& app, const std::function<void(const pipeline::TriggerFiring&)>& told,
                   const std::stop_token& stop) {
  Workplace& workplace = app.workplace();
  if (workplace.triggers.all.empty()) return;
  try {
    pipeline::keep_triggers(workplace.engine, workplace.context, workplace.triggers, told, stop);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::cancelled) {
      log_error("triggers are not looked after any more: {}", e.full_text());
    }
  }
}

/// Fires what is due, and drives what it started and whatever else was left. Some other process
/// may have died over it, and while it is open nothing more is started.
Outcome run_once(App& app, ProgressView& view) {
  Workplace& workplace = app.workplace();
  pipeline::adopt_schedules(workplace.context, workplace.schedules);
  Json fired = Json::array();
  bool failed = false;
  for (const Firing& firing :
       pipeline::fire_due(workplace.engine, workplace.context, workplace.schedules, app.stop)) {
    view.say(sentence(firing));
    failed = failed || firing.state == FiringState::failed;
    fired.push_back(firing);
  }
  pipeline::look_at_triggers(workplace.context, workplace.engine, workplace.triggers, app.stop);
  for (const pipeline::Trigger& trigger : workplace.triggers.all) {
    for (const pipeline::TriggerFiring& firing :
         pipeline::start_waiting(workplace.engine, workplace.context, trigger, app.stop)) {
      view.say(sentence(firing));
      failed = failed || firing.state == pipeline::TriggerFiringState::failed;
      fired.push_back(firing);
    }
  }
  failed = drive_all(app, view) || failed;
  return {{{"fired", fired}}, failed ? traits(ErrorKind::failed).exit_code : 0};
}

Outcome run(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  if (workplace.schedules.empty() && workplace.triggers.all.empty()) {
    throw Error(ErrorKind::usage, "config.yaml has no schedules and no triggers")
        .hint("add some; see docs/schedules.md");
  }
  ProgressView view(app, arguments.has("--logs"));
  if (arguments.has("--once")) return run_once(app, view);
  Observation observation(app, view);
  view.say(fmt::format("looking after {} schedules and {} triggers; SIGTERM or Ctrl-C ends it",
                       workplace.schedules.size(), workplace.triggers.all.size()));
  std::jthread driver([&](std::stop_token stop) { workplace.engine.work(kDriveWidth, stop); });
  std::stop_callback end(app.stop, [&] { driver.request_stop(); });
  std::jthread triggers([&](std::stop_token stop) {
    keep_triggers(
        app, [&](const auto& firing) { view.say(sentence(firing)); }, stop);
  });
  std::stop_callback end_triggers(app.stop, [&] { triggers.request_stop(); });
  pipeline::keep_schedules(
      workplace.engine, workplace.context, workplace.schedules,
      [&](const Firing& firing) { view.say(sentence(firing)); }, app.stop);
  return {{{"fired", nullptr}}};
}

void render_run(const Json& record, App& app) {
  if (record.at("fired").is_null()) {
    app.err.stream << "stopped; runs are kept as they are\n";
    return;
  }
  if (record.at("fired").empty()) app.err.stream << "nothing is due\n";
}

}  // namespace

std::vector<Command> schedule_commands() {
  const ArgumentSpec name = {"NAME", "a schedule of config.yaml"};
  return {
      {.noun = "schedule",
       .verb = "list",
       .summary = "List what config.yaml has happen by itself, and when.",
       .examples = {{"hallmark schedule list", "With what came of the last time."}},
       .run = list,
       .render = render_list},
      {.noun = "schedule",
       .verb = "show",
       .summary = "Show a schedule and what came of the times it was due.",
       .examples = {{"hallmark schedule show nightly", ""}},
       .arguments = {name},
       .exits = {{ErrorKind::not_found, ""}},
       .run = show,
       .render = render_show},
      {.noun = "schedule",
       .verb = "pause",
       .summary = "Let a schedule not be due until it is resumed.",
       .examples = {{"hallmark schedule pause nightly", "What runs already goes on."}},
       .arguments = {name},
       .exits = {{ErrorKind::not_found, ""}},
       .run = pause,
       .render = render_state},
      {.noun = "schedule",
       .verb = "resume",
       .summary = "Let a paused schedule be due again.",
       .examples = {{"hallmark schedule resume nightly",
                     "What it would have been due for meanwhile is not caught up."}},
       .arguments = {name},
       .exits = {{ErrorKind::not_found, ""}},
       .run = resume,
       .render = render_state},
      {.noun = "schedule",
       .verb = "run",
       .summary = "Start what is due when it is, and drive it, until stopped.",
       .examples = {{"hallmark schedule run", "What a systemd unit starts."},
                    {"hallmark schedule run --once",
                     "Start and drive what is due, then end: for cron and systemd timers."}},
       .options = {{"--once", "", "do what is due, then end"}, logs_option()},
       .description = "What was due while nobody looked is caught up once. Several such processes "
                      "may work on one database.",
       .exits = {{ErrorKind::failed, "with --once: something could not be started, or failed"},
                 {ErrorKind::cancelled, "with --once: interrupted; it can be called again"}},
       .streams = true,
       .run = run,
       .render = render_run},
  };
}

}  // namespace hallmark::cli
